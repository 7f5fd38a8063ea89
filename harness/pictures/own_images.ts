/**
 * Makes a data set of the user's own files: pictures, also in folders named after their classes, or IDX. The page and the command line
 * find the files and decode pictures to RGBA; everything else is here. No page, no file system.
 */
import { lookOf } from '../../src/base/bytes';
import { clip, EngineError } from '../../src/base/errors';
import { permutation } from '../../src/base/random';
import { isGzip } from '../../src/data/gzip';
import { type ImageSet, loadIdx, loadLabels } from '../../src/data/idx';
import { type FileSource, readSource } from '../../src/data/source';
import type { Pixels } from '../../src/pictures/picture';
import { megabytes, plural, whole } from '../text/units';
import {
  isCut,
  type MadeImages,
  ownSize,
  type PictureChoice,
  SIDES,
  type Size,
  type Small,
  setOf,
  shrink,
  sizeFor,
  sizeInHeader,
  withMirrors,
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

const nameOf = ({ path }: OwnFile) => clip(path.slice(path.lastIndexOf('/') + 1));
const fail = (message: string): never => {
  throw new EngineError('data', message);
};
/** By name, numbers by value; the same on every machine. */
const byName = (a: string, b: string) =>
  a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : Number(a > b));

type Kind = 'picture' | 'idx';

/** Whether a system hides the file, or put it there itself. */
const isHidden = ({ path }: Pick<OwnFile, 'path'>) =>
  path.split('/').some((part) => part.startsWith('.') || /^(__MACOSX|Thumbs\.db|desktop\.ini)$/.test(part));

/** The kind of a file by its name; undefined for one that holds no images or labels. */
export function kindOf(file: Pick<OwnFile, 'path'>): Kind | undefined {
  if (isHidden(file)) return undefined;
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  if (PICTURE.test(name)) return 'picture';
  return IDX.test(name) ? 'idx' : undefined;
}

const KINDS = 'pictures, best in folders named after their classes, or IDX (plain or .gz)';

/** Reads a data set from files. A single file is IDX unless its name says otherwise. Throws an EngineError `data`, or the signal's reason. */
export async function readOwnImages(
  files: readonly OwnFile[],
  choice: PictureChoice,
  reader: PictureReader,
  options: ReadingOptions = {},
): Promise<MadeImages> {
  const of = (kind: Kind) => files.filter((file) => kindOf(file) === kind);
  const [pictures, idx] = [of('picture'), of('idx')];
  if (pictures.length > 0 && idx.length > 0)
    fail('There are pictures and IDX files; choose one kind at a time.');
  if (pictures.length > 0) return readPictureFiles(files, pictures, choice, reader, options);
  const names = files.filter(({ path }) => !isHidden({ path }) && /(^|\/)classes\.txt$/.test(path));
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
  const least = choice.size > 0 ? choice.size : SIDES.least;
  checkBytes(pictures.length, { width: least, height: least });
  const { name, classOf, notes: ofFolders } = classesOfPaths(files, pictures);
  const sorted = [...pictures].sort((a, b) => byName(a.path, b.path));
  // The last images measure a run: they must not all be of the last class.
  const shuffled = [...permutation(sorted.length, 0, 0)].map((i) => sorted[i]);

  const broken: Broken[] = [];
  const spoils = (error: unknown, file: OwnFile) => {
    signal?.throwIfAborted();
    broken.push({ file, text: error instanceof Error ? error.message.replace(/\.$/, '') : String(error) });
    if (broken.length * 10 > sorted.length) throw tooManyBroken(broken, sorted.length);
  };
  /** The sizes of the pictures that can be read, as far as they are known. */
  const sizes = new Map<OwnFile, Size | undefined>();
  for (const [done, file] of shuffled.entries()) {
    signal?.throwIfAborted();
    progress?.(done, sorted.length, 'heads');
    try {
      sizes.set(file, checkSize(sizeInHeader(await reader.head(file)), file));
    } catch (error) {
      spoils(error, file);
    }
  }
  const readAt = async (size: Size) => {
    checkBytes(pictures.length * (choice.flip ? 2 : 1), size);
    const read: { readonly file: OwnFile; readonly small: Small; readonly cut: boolean }[] = [];
    for (const [file, known] of [...sizes]) {
      signal?.throwIfAborted();
      progress?.(read.length + broken.length, sorted.length, 'pixels');
      try {
        const pixels = checkedPixels(await reader.decode(file), file);
        if (!known) sizes.set(file, pixels);
        const cut = isCut(pixels, size, choice.fit);
        read.push({ file, small: shrink(pixels, size, choice.fit), cut });
      } catch (error) {
        sizes.delete(file);
        spoils(error, file);
      }
    }
    return read;
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
  const made = setOf(
    read.map(({ small }) => small),
    size,
    choice.ink,
  );
  const own = ownSize([...sizes.values()]);
  const named = classOf && labelsOfFolders(read.map(({ file }) => classOf(file)));
  const images = { ...made.images, ...named?.classes, name: name ?? plural(read.length, 'picture') };
  return {
    images: choice.flip ? withMirrors(images) : images,
    ink: made.ink,
    cut: read.filter(({ cut }) => cut).length,
    own: own && own.width > size.width ? own : undefined,
    notes: [...leftOut(broken, sorted.length, files), ...ofFolders, ...(named?.notes ?? []), ...made.notes],
  };
}

/** A picture that cannot be read, and a sentence, without its stop, that says why. */
interface Broken {
  readonly file: OwnFile;
  readonly text: string;
}

const few = (all: readonly string[], between = ', ') => all.slice(0, 3).join(between);

/** Three reasons at most, each once: with the sentence about the first picture, and the names of others. */
function reasonsOf(broken: readonly Broken[]): string {
  const reasons = new Map<string, { readonly text: string; readonly others: string[] }>();
  for (const { file, text } of broken) {
    const reason = text.replace(nameOf(file), '');
    const known = reasons.get(reason);
    if (known) known.others.push(nameOf(file));
    else reasons.set(reason, { text, others: [] });
  }
  const sentences = [...reasons.values()].map(({ text, others }) => {
    const more = others.length > 3 ? ' and others' : '';
    return others.length > 0 ? `${text} (the same with ${few(others)}${more})` : text;
  });
  return few(sentences, '; ');
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

const tooManyBroken = (broken: readonly Broken[], count: number) =>
  new EngineError(
    'data',
    broken.length === 1 && count === 1
      ? `${broken[0].text}.`
      : `More than a tenth of the ${plural(count, 'picture')} cannot be read: ${reasonsOf(broken)}. Take them out, or replace them.`,
  );

function checkBytes(count: number, { width, height }: Size): void {
  const bytes = count * width * height * 3;
  if (bytes <= MOST_BYTES) return;
  const most = Math.floor(MOST_BYTES / (width * height * 3));
  fail(
    `${plural(count, 'picture')} of ${width} x ${height} pixels in colour are ${megabytes(bytes)}; at most ${megabytes(MOST_BYTES)} are read. Give at most ${whole(most)} of this size${Math.max(width, height) > SIDES.least ? ', or a smaller size' : ''}.`,
  );
}

function checkSize(size: Size | undefined, file: OwnFile): Size | undefined {
  if (size && size.width * size.height > MOST_PIXELS)
    fail(
      `${nameOf(file)} is ${whole(size.width)} x ${whole(size.height)} pixels, and pictures of up to ${MOST_PIXELS / 1e6} million are read`,
    );
  return size;
}

function checkedPixels(pixels: Pixels, file: OwnFile): Pixels {
  checkSize(pixels, file);
  return pixels;
}

// ---------------------------------------------------------------- classes

interface Named {
  /** The folder that holds all of them, if there is one. */
  readonly name: string | undefined;
  /** The class of a picture; undefined if they have none. */
  readonly classOf: ((file: OwnFile) => string) | undefined;
  readonly notes: readonly string[];
}

const foldersOf = ({ path }: OwnFile) => path.split('/').slice(0, -1);

/** The classes of pictures by their folders: below the folder that has all in common, the innermost one names the class. Pure. */
function classesOfPaths(files: readonly OwnFile[], pictures: readonly OwnFile[]): Named {
  const all = pictures.map(foldersOf);
  let shared = 0;
  while (all[0][shared] !== undefined && all.every((folders) => folders[shared] === all[0][shared])) shared++;
  const root = all[0].slice(0, shared);
  const name = shared > 0 ? root[shared - 1] : undefined;
  const empty = emptyFolders(files, pictures, root);
  const isFlat = all.every((folders) => folders.length === shared);
  if (isFlat) {
    const one = `so there is one class, ${clip(name ?? '')}: the network is trained without classes.`;
    return { name, classOf: undefined, notes: empty.length > 0 ? [`${withoutPictures(empty)}, ${one}`] : [] };
  }
  const loose = pictures.find((_, i) => all[i].length === shared);
  if (loose) {
    fail(
      `${nameOf(loose)} is in no folder of a class, and others are. Put each picture into the folder of its class, or all into one folder to train without classes.`,
    );
  }
  const classOf = (file: OwnFile) => foldersOf(file).slice(-1)[0].normalize('NFC');
  const paths = new Map(pictures.map((file) => [foldersOf(file).join('/'), classOf(file)]));
  const names = [...paths.values()];
  const twice = [...new Set(names.filter((each, i) => names.indexOf(each) < i))];
  return {
    name,
    classOf,
    notes: [
      ...(empty.length > 0 ? [`${withoutPictures(empty)}.`] : []),
      ...twice.map(
        (each) =>
          `${plural(names.filter((other) => other === each).length, 'folder')} are named ${clip(each)}: they are one class.`,
      ),
    ],
  };
}

/** The folders without pictures of their own, or below, that lie where the classes' folders do. */
function emptyFolders(
  files: readonly OwnFile[],
  pictures: readonly OwnFile[],
  root: readonly string[],
): readonly string[] {
  const above = root.slice(0, -1).join('/');
  const withParents = (folders: readonly string[]) =>
    folders.map((_, i) => folders.slice(0, i + 1).join('/'));
  const full = new Set(pictures.map(foldersOf).flatMap(withParents));
  const paths = new Set(files.map((file) => foldersOf(file).join('/')));
  return [...paths]
    .filter((path) => path !== '' && !isHidden({ path }) && !full.has(path) && path.startsWith(above))
    .map((path) => path.slice(path.lastIndexOf('/') + 1));
}

const withoutPictures = (folders: readonly string[]) =>
  folders.length === 1
    ? `The folder ${clip(folders[0])} holds no pictures`
    : `The folders ${folders.slice(0, 3).map(clip).join(', ')}${folders.length > 3 ? ' and others' : ''} hold no pictures`;

/** Labels and names: folders that are named after numbers are these classes, others are numbered in the order of their names. Pure. */
export function labelsOfFolders(classes: readonly string[]): {
  readonly classes: Pick<ImageSet, 'labels' | 'classNames'>;
  readonly notes: readonly string[];
} {
  const names = [...new Set(classes)].sort(byName);
  if (names.length === 1) {
    const note = `There is one class, ${clip(names[0])}: the network is trained without classes.`;
    return { classes: {}, notes: [note] };
  }
  if (names.length > MOST_CLASSES) {
    fail(
      `There are ${whole(names.length)} classes, folders from ${clip(names[0])} to ${clip(names[names.length - 1])}; a network learns at most ${MOST_CLASSES}. Give fewer folders, or put all pictures into one to train without classes.`,
    );
  }
  const areNumbers = names.every((name) => /^(0|[1-9]\d{0,2})$/.test(name) && Number(name) < MOST_CLASSES);
  const last = Number(names[names.length - 1]);
  const classNames = areNumbers ? Array.from({ length: last + 1 }, (_, label) => String(label)) : names;
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
export function pairIdx(files: readonly OwnFile[]): {
  images: readonly OwnFile[];
  labels: readonly OwnFile[];
  /** Labels that not all images have. */
  unused: readonly OwnFile[];
} {
  const paths = new Set(files.map(({ path }) => path));
  const once = files.filter(({ path }) => !path.endsWith('.gz') || !paths.has(path.slice(0, -3)));
  const images = once.filter(({ path }) => !LABELS.test(path)).sort(trainingFirst);
  const others = once.filter(({ path }) => LABELS.test(path)).sort(trainingFirst);
  const plain = (path: string) => path.replace(/\.gz$/, '');
  const beside = images.map(({ path }) => {
    const name = plain(path).replace(/images([-.])idx[34]/, 'labels$1idx1');
    return others.find((file) => plain(file.path) === name);
  });
  const paired = beside.flatMap((file) => file ?? []);
  if (paired.length === images.length) return { images, labels: paired, unused: [] };
  // Under other names they belong together in their order.
  const inOrder = paired.length === 0 && others.length === images.length;
  return { images, labels: inOrder ? others : [], unused: inOrder ? [] : others };
}

async function readIdxFiles(
  files: readonly OwnFile[],
  choice: PictureChoice,
  reader: PictureReader,
  signal?: AbortSignal,
): Promise<MadeImages> {
  const { images, labels, unused } = pairIdx(files);
  if (images.length === 0) fail(`${nameOf(files[0])} holds labels. Give it together with its images.`);
  for (const file of images) await checkIdx(file, reader);
  const set = await loadIdx(
    images.map(({ source }) => source),
    { signal },
  );
  if (set.channels !== 1 && set.channels !== 3)
    fail(
      `${nameOf(images[0])} holds images of ${set.channels} channels; 1, grey, and 3, colours, can be trained on.`,
    );
  const name = images[0].path.includes('/') ? images[0].path.split('/')[0] : images.map(nameOf).join(', ');
  if (labels.length === 0) {
    const { notes, ...made } = turned({ ...set, name }, choice);
    const few = `There are labels for ${unused.length} of ${plural(images.length, 'file')} of images: the network is trained without classes.`;
    return { ...made, notes: unused.length > 0 ? [...notes, few] : notes };
  }
  const sources = labels.map(({ source }) => source);
  return turned({ ...set, name, labels: await loadLabels(sources, { count: set.count, signal }) }, choice);
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

/** IDX files hold 255 for ink: only a choice turns them. One class alone is none. */
function turned({ labels, ...set }: ImageSet, { ink }: PictureChoice): MadeImages {
  const images = ink === 'dark' && set.channels === 1 ? set.images.map((value) => 255 - value) : set.images;
  const one = labels?.every((label) => label === labels[0]);
  const notes = one
    ? [
        `All ${plural(set.count, 'image')} have the label ${labels![0]}: the network is trained without classes.`,
      ]
    : [];
  return {
    images: { ...set, images, ...(labels && !one ? { labels } : {}) },
    ...(set.channels === 1 ? { ink: ink === 'dark' ? 'dark' : 'light' } : {}),
    notes,
  };
}
