/**
 * Makes a data set of the user's own files: pictures, also in folders named after their classes, or IDX. The page and the command line
 * find the files and decode pictures to RGBA; everything else is here. No page, no file system.
 */
import { lookOf } from '../../src/base/bytes';
import { clip, dataError } from '../../src/base/errors';
import { permutation } from '../../src/base/random';
import { isGzip } from '../../src/data/gzip';
import { loadIdx, loadLabels } from '../../src/data/idx';
import { type FileSource, readSource } from '../../src/data/source';
import type { Pixels } from '../../src/pictures/picture';
import { megabytes, plural, whole } from '../text/units';
import {
  isCut,
  type MadeImages,
  mirrored,
  ownSize,
  type PictureChoice,
  SIDES,
  type Size,
  setOf,
  shrink,
  sizeFor,
  sizeInHeader,
} from './small_pictures';

export interface OwnFile {
  /** The names of the folders, each with a slash, and the file's name. The path of a folder without files ends in a slash. */
  readonly path: string;
  readonly source: FileSource;
}

/** What reads files here. Both reject with a sentence about `file` that says what is wrong with it. */
export interface PictureReader {
  /** The first bytes of a file, with its header; all if it is short. */
  head(file: OwnFile): Promise<Uint8Array>;
  /** The pixels, upright; of an animated file its first picture. */
  decode(file: OwnFile): Promise<Pixels>;
}

interface ReadingOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called before each picture is read: first the heads of all, then their pixels. */
  progress?(done: number, total: number, what: 'heads' | 'pixels'): void;
}

/** Labels are bytes, and a network has one more row for no class. */
const MOST_CLASSES = 255;
/** Most bytes of training images that pictures may become. */
const MOST_BYTES = 256e6;
/** Most pixels of one picture: decoded, they take four bytes each. */
const MOST_PIXELS = 64e6;

const PICTURE = /\.(png|jpe?g|webp|gif|bmp|avif|hei[cf]|tiff?)$/i;
const IDX = /[-.](images|labels)[-.]idx\d-ubyte(\.gz)?$/;
const LABELS = /[-.]labels[-.]idx1-ubyte/;
/** The file that names the classes of IDX files, a line each, in the order of their labels. */
export const CLASSES = 'classes.txt';

/** The last part of a path. */
const lastOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const nameOf = ({ path }: OwnFile) => clip(lastOf(path));
const foldersOf = ({ path }: OwnFile) => path.split('/').slice(0, -1);
const fail = (message: string): never => {
  throw dataError(message);
};
/** By name, numbers by value; the same on every machine. */
const byName = (a: string, b: string) =>
  a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : Number(a > b));
/** The first three of a list. */
const few = (all: readonly string[]) => `${all.slice(0, 3).join(', ')}${all.length > 3 ? ' and others' : ''}`;

/** Whether a system hides the file, or put it there itself. */
const isHidden = ({ path }: Pick<OwnFile, 'path'>) =>
  path.split('/').some((part) => part.startsWith('.') || /^(__MACOSX|Thumbs\.db|desktop\.ini)$/.test(part));

/** The kind of a file by its name; undefined for one that holds no images or labels. */
export function kindOf(file: Pick<OwnFile, 'path'>): 'picture' | 'idx' | undefined {
  if (isHidden(file)) return undefined;
  const name = lastOf(file.path);
  return PICTURE.test(name) ? 'picture' : IDX.test(name) ? 'idx' : undefined;
}

const KINDS = 'pictures, best in folders named after their classes, or IDX (plain or .gz)';

/** Reads a data set from files. A single file is IDX unless its name says otherwise. Throws an EngineError `data`, or the signal's reason. */
export async function readOwnImages(
  files: readonly OwnFile[],
  choice: PictureChoice,
  reader: PictureReader,
  options: ReadingOptions = {},
): Promise<MadeImages> {
  const pictures = files.filter((file) => kindOf(file) === 'picture');
  const idx = files.filter((file) => kindOf(file) === 'idx');
  if (pictures.length > 0 && idx.length > 0)
    fail('There are pictures and IDX files; choose one kind at a time.');
  if (pictures.length > 0) return readPictureFiles(files, pictures, choice, reader, options);
  const names = files.filter((file) => !isHidden(file) && lastOf(file.path) === CLASSES);
  // A file that was chosen by itself may have any name.
  const given = files.filter((file) => !file.path.includes('/') && !names.includes(file));
  const named = idx.length > 0 ? idx : given;
  if (named.length > 0) return withNames(await readIdxFiles(named, choice, reader, options.signal), names);
  const [first] = files;
  const folder = first?.path.includes('/') ? `The folder ${clip(first.path.split('/')[0])}` : 'The folder';
  return fail(`${folder} holds no images. Give ${KINDS}.`);
}

// ---------------------------------------------------------------- pictures

async function readPictureFiles(
  files: readonly OwnFile[],
  pictures: readonly OwnFile[],
  choice: PictureChoice,
  reader: PictureReader,
  { signal, progress }: ReadingOptions,
): Promise<MadeImages> {
  const count = pictures.length;
  const copies = choice.flip ? 2 : 1;
  const least = choice.size > 0 ? choice.size : SIDES.least;
  checkBytes(count, { width: least, height: least });
  const { name, classOf, notes } = classesOfPaths(files, pictures);
  const sorted = [...pictures].sort((a, b) => byName(a.path, b.path));
  /**
   * The pictures that can be read, and their sizes as far as they are known. They are shuffled: the last images measure a run, and must not
   * all be of the last class.
   */
  const sizes = new Map<OwnFile, Size | undefined>();
  for (const i of permutation(count, 0, 0)) sizes.set(sorted[i], undefined);
  const broken: Broken[] = [];
  const readEach = async <T>(what: 'heads' | 'pixels', read: (file: OwnFile) => Promise<T>): Promise<T[]> => {
    const made: T[] = [];
    for (const file of [...sizes.keys()]) {
      signal?.throwIfAborted();
      progress?.(made.length + broken.length, count, what);
      try {
        made.push(await read(file));
      } catch (error) {
        signal?.throwIfAborted();
        sizes.delete(file);
        const text = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
        broken.push({ name: nameOf(file), text });
        if (count === 1) fail(`${text}.`);
        if (broken.length * 10 > count)
          fail(
            `More than a tenth of the ${plural(count, 'picture')} cannot be read: ${reasonsOf(broken)}. Take them out, or replace them.`,
          );
      }
    }
    return made;
  };
  await readEach('heads', async (file) =>
    sizes.set(file, checkSize(sizeInHeader(await reader.head(file)), file)),
  );
  const readAt = (size: Size) => {
    checkBytes(count * copies, size);
    return readEach('pixels', async (file) => {
      const pixels = await reader.decode(file);
      const { width, height } = checkSize(pixels, file);
      sizes.set(file, sizes.get(file) ?? { width, height });
      return { file, small: shrink(pixels, size, choice.fit), cut: isCut(pixels, size, choice.fit) };
    });
  };
  let size = sizeFor([...sizes.values()], choice.size);
  let read = await readAt(size);
  // Pictures that cannot be read, or whose size no head tells, say only now what they say about the size of all.
  const better = sizeFor([...sizes.values()], choice.size);
  if (better.width !== size.width || better.height !== size.height) {
    size = better;
    read = await readAt(size);
  }
  if (read.length === 1)
    fail(
      `${nameOf(read[0].file)} is the only picture: a network that sees one picture learns nothing else. Give two or more.`,
    );
  const smalls = read.flatMap(({ small }) => (choice.flip ? [small, mirrored(small, size)] : small));
  const made = setOf(smalls, size, choice.ink);
  const own = ownSize([...sizes.values()]);
  const named =
    classOf && labelsOfFolders(read.flatMap(({ file }) => Array<string>(copies).fill(classOf(file))));
  return {
    images: { ...made.images, ...named?.classes, name: name ?? plural(read.length, 'picture') },
    ink: made.ink,
    cut: read.filter(({ cut }) => cut).length,
    shrunk: own?.width !== size.width || own.height !== size.height,
    notes: [...leftOut(broken, count, files), ...notes, ...(named?.notes ?? []), ...made.notes],
  };
}

/** A picture that cannot be read, and a sentence, without its stop, that says why. */
interface Broken {
  readonly name: string;
  readonly text: string;
}

/** Three reasons at most, each once: with the sentence about the first picture, and the names of others. */
function reasonsOf(broken: readonly Broken[]): string {
  const reasons = new Map<string, Broken[]>();
  for (const each of broken) {
    const reason = each.text.replace(each.name, '');
    const known = reasons.get(reason);
    if (known) known.push(each);
    else reasons.set(reason, [each]);
  }
  const sentences = [...reasons.values()].map(([{ text }, ...others]) =>
    others.length > 0 ? `${text} (the same with ${few(others.map(({ name }) => name))})` : text,
  );
  return sentences.slice(0, 3).join('; ');
}

/** What no image was made of. */
function leftOut(broken: readonly Broken[], count: number, files: readonly OwnFile[]): readonly string[] {
  const others = files.filter((file) => !file.path.endsWith('/') && !isHidden(file) && !kindOf(file));
  return [
    ...(broken.length > 0
      ? [`${whole(broken.length)} of ${plural(count, 'picture')} left out: ${reasonsOf(broken)}.`]
      : []),
    ...(others.length > 0
      ? [`${plural(others.length, 'other file')} left out: ${few(others.map(nameOf))}.`]
      : []),
  ];
}

function checkBytes(count: number, { width, height }: Size): void {
  const each = width * height * 3;
  if (count * each <= MOST_BYTES) return;
  fail(
    `${plural(count, 'picture')} of ${width} x ${height} pixels in colour are ${megabytes(count * each)}; at most ${megabytes(MOST_BYTES)} are read. Give at most ${whole(Math.floor(MOST_BYTES / each))} of this size${Math.max(width, height) > SIDES.least ? ', or a smaller size' : ''}.`,
  );
}

function checkSize<T extends Size | undefined>(size: T, file: OwnFile): T {
  if (size && size.width * size.height > MOST_PIXELS)
    fail(
      `${nameOf(file)} is ${whole(size.width)} x ${whole(size.height)} pixels, and pictures of up to ${MOST_PIXELS / 1e6} million are read`,
    );
  return size;
}

// ---------------------------------------------------------------- classes

const oneClass = (name: string) =>
  `There is one class, ${clip(name)}: the network is trained without classes.`;

/**
 * The classes of pictures by their folders: below the folder that has all in common, `name`, the innermost one names the class. Pictures
 * without classes have no `classOf`. Pure.
 */
function classesOfPaths(files: readonly OwnFile[], pictures: readonly OwnFile[]) {
  const all = pictures.map(foldersOf);
  let shared = 0;
  while (all[0][shared] !== undefined && all.every((folders) => folders[shared] === all[0][shared])) shared++;
  const name = all[0][shared - 1];
  // Folders without pictures of their own, or below, that lie where the classes' folders do.
  const above = all[0].slice(0, Math.max(0, shared - 1)).join('/');
  const full = new Set(all.flatMap((folders) => folders.map((_, i) => folders.slice(0, i + 1).join('/'))));
  const empty = [...new Set(files.map((file) => foldersOf(file).join('/')))]
    .filter((path) => path !== '' && !isHidden({ path }) && !full.has(path) && path.startsWith(above))
    .map((path) => clip(lastOf(path)));
  const notes =
    empty.length > 0
      ? [
          empty.length === 1
            ? `The folder ${empty[0]} holds no pictures.`
            : `The folders ${few(empty)} hold no pictures.`,
        ]
      : [];
  if (all.every((folders) => folders.length === shared))
    return { name, notes: empty.length > 0 ? [...notes, oneClass(name)] : [] };
  const loose = pictures.find((_, i) => all[i].length === shared);
  if (loose) {
    fail(
      `${nameOf(loose)} is in no folder of a class, and others are. Put each picture into the folder of its class, or all into one folder to train without classes.`,
    );
  }
  const classOf = (file: OwnFile) => foldersOf(file).slice(-1)[0].normalize('NFC');
  const classes = [...new Map(pictures.map((file) => [foldersOf(file).join('/'), classOf(file)])).values()];
  for (const each of new Set(classes)) {
    const folders = classes.filter((other) => other === each).length;
    if (folders > 1) notes.push(`${folders} folders are named ${clip(each)}: they are one class.`);
  }
  return { name, classOf, notes };
}

/** Labels and names: folders that are named after numbers are these classes, others are numbered in the order of their names. Pure. */
function labelsOfFolders(classes: readonly string[]) {
  const names = [...new Set(classes)].sort(byName);
  const last = names[names.length - 1];
  if (names.length === 1) return { notes: [oneClass(last)] };
  if (names.length > MOST_CLASSES) {
    fail(
      `There are ${whole(names.length)} classes, folders from ${clip(names[0])} to ${clip(last)}; a network learns at most ${MOST_CLASSES}. Give fewer folders, or put all pictures into one to train without classes.`,
    );
  }
  const areNumbers = names.every((name) => /^(0|[1-9]\d{0,2})$/.test(name) && Number(name) < MOST_CLASSES);
  const classNames = areNumbers
    ? Array.from({ length: Number(last) + 1 }, (_, label) => String(label))
    : names;
  const labelOf = new Map(classNames.map((name, label) => [name, label]));
  return {
    classes: { labels: Uint8Array.from(classes, (name) => labelOf.get(name)!), classNames },
    notes: [],
  };
}

// ---------------------------------------------------------------- IDX

/** Sets for training before sets for tests, as in MNIST's folder; otherwise by name. */
const trainingFirst = (a: OwnFile, b: OwnFile) => {
  const isTest = (file: OwnFile) => Number(nameOf(file).startsWith('t10k'));
  return isTest(a) - isTest(b) || byName(a.path, b.path);
};

/** Files of images, and of their labels if each has some: one that is there packed and unpacked counts once. Pure. */
function pairIdx(files: readonly OwnFile[]): {
  images: readonly OwnFile[];
  labels: readonly OwnFile[];
  /** Labels that not all images have. */
  unused: readonly OwnFile[];
} {
  const plain = ({ path }: OwnFile) => path.replace(/\.gz$/, '');
  const paths = new Set(files.map(({ path }) => path));
  const once = files
    .filter((file) => plain(file) === file.path || !paths.has(plain(file)))
    .sort(trainingFirst);
  const images = once.filter(({ path }) => !LABELS.test(path));
  const others = once.filter(({ path }) => LABELS.test(path));
  const paired = images.flatMap((file) => {
    const name = plain(file).replace(/images([-.])idx[34]/, 'labels$1idx1');
    return others.find((other) => plain(other) === name) ?? [];
  });
  if (paired.length === images.length) return { images, labels: paired, unused: [] };
  // Under other names they belong together in their order.
  const inOrder = paired.length === 0 && others.length === images.length;
  return { images, labels: inOrder ? others : [], unused: inOrder ? [] : others };
}

/** IDX files hold 255 for ink: only a choice turns them. One class alone is none. */
async function readIdxFiles(
  files: readonly OwnFile[],
  { ink }: PictureChoice,
  reader: PictureReader,
  signal?: AbortSignal,
): Promise<MadeImages> {
  const found = pairIdx(files);
  if (found.images.length === 0) fail(`${nameOf(files[0])} holds labels. Give it together with its images.`);
  for (const file of found.images) await checkIdx(file, reader);
  const sources = (of: readonly OwnFile[]) => of.map(({ source }) => source);
  const { images, ...set } = await loadIdx(sources(found.images), { signal });
  const { count, channels } = set;
  const [first] = found.images;
  if (channels !== 1 && channels !== 3)
    fail(
      `${nameOf(first)} holds images of ${channels} channels; 1, grey, and 3, colours, can be trained on.`,
    );
  const name = first.path.includes('/') ? first.path.split('/')[0] : found.images.map(nameOf).join(', ');
  const labels =
    found.labels.length > 0 ? await loadLabels(sources(found.labels), { count, signal }) : undefined;
  const isOne = labels?.every((label) => label === labels[0]);
  const why = isOne
    ? `All ${plural(count, 'image')} have the label ${labels![0]}`
    : found.unused.length > 0 &&
      `There are labels for ${found.unused.length} of ${plural(found.images.length, 'file')} of images`;
  const grey = ink === 'dark' ? ink : 'light';
  return {
    images: {
      ...set,
      images: channels === 1 && grey === 'dark' ? images.map((value) => 255 - value) : images,
      name,
      ...(labels && !isOne ? { labels } : {}),
    },
    ...(channels === 1 ? { ink: grey } : {}),
    notes: why ? [`${why}: the network is trained without classes.`] : [],
  };
}

/** The set with the names of its classes, from files of them. */
async function withNames(made: MadeImages, files: readonly OwnFile[]): Promise<MadeImages> {
  const { labels } = made.images;
  if (files.length === 0) return made;
  if (!labels) return { ...made, notes: [...made.notes, `${CLASSES} is left out: there are no classes.`] };
  if (files.length > 1) fail(`There are ${files.length} files called ${CLASSES}; give one.`);
  const text = new TextDecoder().decode(await readSource(files[0].source, CLASSES));
  const classNames = text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim().normalize('NFC'));
  const count = 1 + labels.reduce((a, b) => Math.max(a, b), 0);
  const wrong = classNames.findIndex((name, i) => name === '' || classNames.indexOf(name) < i);
  if (wrong >= 0)
    fail(
      `Line ${wrong + 1} of ${CLASSES} ${classNames[wrong] ? `is ${clip(classNames[wrong])} again` : 'is empty'}; give each class a line, with a name of its own.`,
    );
  if (classNames.length < count || classNames.length > MOST_CLASSES)
    fail(
      `${CLASSES} has ${plural(classNames.length, 'line')}, and the labels are 0 to ${count - 1}; give ${count}, a name each${count < MOST_CLASSES ? ` (at most ${MOST_CLASSES})` : ''}.`,
    );
  return { ...made, images: { ...made.images, classNames } };
}

/** Throws unless a file begins like IDX or gzip: the message helps a user who gives a text or a web page. */
async function checkIdx(file: OwnFile, reader: PictureReader): Promise<void> {
  const head = await reader.head(file);
  const [first = 0, second = 0] = head;
  if ((first === 0 && second === 0) || isGzip(head)) return;
  fail(`${nameOf(file)} is neither a picture nor data to train on. Give ${KINDS}.${lookOf(head)}`);
}
