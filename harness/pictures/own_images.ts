/**
 * Makes a data set of the user's own files: pictures, also in folders named after their classes, or IDX. The page and the command line
 * find the files and decode pictures to RGBA; everything else is here. No page, no file system.
 */
import { guessFormat } from '../../src/base/bytes';
import { clip, dataError } from '../../src/base/errors';
import { permutation } from '../../src/base/random';
import { isGzip } from '../../src/data/gzip';
import { loadIdx, loadLabels } from '../../src/data/idx';
import { type FileSource, readSource } from '../../src/data/source';
import type { Pixels } from '../../src/pictures/picture';
import { megabytes, plural, whole } from '../text/units';
import {
  type MadeImages,
  makeSet,
  type PictureChoice,
  SIDES,
  type Size,
  type Small,
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
export const CLASS_NAMES_FILE = 'classes.txt';

/** The last part of a path. */
const lastOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
const fileName = ({ path }: OwnFile) => clip(lastOf(path));
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
export function fileKind(file: Pick<OwnFile, 'path'>): 'picture' | 'idx' | undefined {
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
  const pictures = files.filter((file) => fileKind(file) === 'picture');
  const idx = files.filter((file) => fileKind(file) === 'idx');
  if (pictures.length > 0 && idx.length > 0)
    fail('There are pictures and IDX files; choose one kind at a time.');
  if (pictures.length > 0) return readPictureFiles(files, pictures, choice, reader, options);
  const names = files.filter((file) => !isHidden(file) && lastOf(file.path) === CLASS_NAMES_FILE);
  // A file that was chosen by itself may have any name.
  const given = files.filter((file) => !file.path.includes('/') && !names.includes(file));
  const named = idx.length > 0 ? idx : given;
  if (named.length > 0) return readIdxFiles(named, names, choice, reader, options.signal);
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
  options: ReadingOptions,
): Promise<MadeImages> {
  const { name, classOf, notes } = classesOfPaths(files, pictures);
  const { read, size, faults } = await readPictures(pictures, choice, reader, options);
  if (read.length === 1)
    fail(
      `${fileName(read[0].file)} is the only picture: a network that sees one picture learns nothing else. Give two or more.`,
    );
  const smalls = read.map(({ small }) => small!);
  const set = makeSet(smalls, size, choice);
  const classes = classOf ? read.map(({ file }) => classOf(file)) : [];
  const labelled = labelsOf(classes, set.images.count / read.length);
  if (classOf && !labelled)
    notes.push(`There is one class, ${clip(classes[0])}: the network is trained without classes.`);
  const broken = pictures.length - read.length;
  if (broken > 0)
    notes.push(`${whole(broken)} of ${plural(pictures.length, 'picture')} left out: ${reasonsOf(faults)}.`);
  const others = files.filter((file) => !file.path.endsWith('/') && !isHidden(file) && !fileKind(file));
  if (others.length > 0)
    notes.push(`${plural(others.length, 'other file')} left out: ${few(others.map(fileName))}.`);
  return {
    ...set,
    images: { ...set.images, ...labelled, name: name ?? plural(read.length, 'picture') },
    notes: [...notes, ...set.notes],
  };
}

/** A picture on its way to an image: what is known of it so far. */
interface Found {
  readonly file: OwnFile;
  size?: Size | undefined;
  small?: Small;
}

/** By the reason why pictures cannot be read: a sentence, without its stop, about the first one, and the names of others. */
type Faults = Map<string, readonly string[]>;

/** Brings all pictures that can be read to one size. */
async function readPictures(
  pictures: readonly OwnFile[],
  choice: PictureChoice,
  reader: PictureReader,
  { signal, progress }: ReadingOptions,
) {
  const count = pictures.length;
  checkBytes(count, sizeFor([{ width: SIDES.least, height: SIDES.least }], choice.size));
  const sorted = [...pictures].sort((a, b) => byName(a.path, b.path));
  // Shuffled: the last images measure a run, and must not all be of the last class.
  const found = new Set(Array.from(permutation(count, 0, 0), (i): Found => ({ file: sorted[i] })));
  const faults: Faults = new Map();
  const readEach = async (what: 'heads' | 'pixels', read: (picture: Found) => Promise<void>) => {
    let done = count - found.size;
    for (const picture of [...found]) {
      signal?.throwIfAborted();
      progress?.(done++, count, what);
      try {
        await read(picture);
      } catch (error) {
        signal?.throwIfAborted();
        found.delete(picture);
        const name = fileName(picture.file);
        const text = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
        const reason = text.replace(name, '');
        const known = faults.get(reason);
        faults.set(reason, known ? [...known, name] : [text]);
        if (count === 1) fail(`${text}.`);
        if ((count - found.size) * 10 > count)
          fail(
            `More than a tenth of the ${plural(count, 'picture')} cannot be read: ${reasonsOf(faults)}. Take them out, or replace them.`,
          );
      }
    }
  };
  await readEach('heads', async (picture) => {
    picture.size = checkPictureSize(sizeInHeader(await reader.head(picture.file)), picture.file);
  });
  const sizeOfAll = () => {
    const sizes = Array.from(found, (picture) => picture.size);
    return sizeFor(sizes, choice.size);
  };
  let size: Size;
  do {
    size = sizeOfAll();
    checkBytes(count * (choice.flip ? 2 : 1), size);
    await readEach('pixels', async (picture) => {
      const pixels = await reader.decode(picture.file);
      const { width, height } = checkPictureSize(pixels, picture.file);
      picture.size = { width, height };
      picture.small = shrink(pixels, size, choice.fit);
    });
    // Pictures that cannot be read, or whose size no head tells, say only now what they say about the size of all.
  } while (!isSame(size, sizeOfAll()));
  return { read: [...found], size, faults };
}

/** Three reasons at most: the first sentence of each, and the names of other pictures with the same. */
function reasonsOf(faults: Faults): string {
  const sentences = Array.from(faults.values(), ([text, ...others]) =>
    others.length > 0 ? `${text} (the same with ${few(others)})` : text,
  );
  return sentences.slice(0, 3).join('; ');
}

function checkBytes(count: number, { width, height }: Size): void {
  const each = width * height * 3;
  if (count * each <= MOST_BYTES) return;
  fail(
    `${plural(count, 'picture')} of ${width} x ${height} pixels in colour are ${megabytes(count * each)}; at most ${megabytes(MOST_BYTES)} are read. Give at most ${whole(Math.floor(MOST_BYTES / each))} of this size${Math.max(width, height) > SIDES.least ? ', or a smaller size' : ''}.`,
  );
}

function checkPictureSize<T extends Size | undefined>(size: T, file: OwnFile): T {
  if (size && size.width * size.height > MOST_PIXELS)
    fail(
      `${fileName(file)} is ${whole(size.width)} x ${whole(size.height)} pixels, and pictures of up to ${MOST_PIXELS / 1e6} million are read`,
    );
  return size;
}

const isSame = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

// ---------------------------------------------------------------- classes

/**
 * The classes of pictures by their folders: below the folder that has all in common, `name`, the innermost one names the class. Pictures
 * without classes have no `classOf`. Pure.
 */
function classesOfPaths(files: readonly OwnFile[], pictures: readonly OwnFile[]) {
  const all = pictures.map(foldersOf);
  let shared = 0;
  while (all[0][shared] !== undefined && all.every((folders) => folders[shared] === all[0][shared])) shared++;
  const name: string | undefined = all[0][shared - 1];
  // Folders without pictures of their own, or below, that lie where the classes' folders do.
  const above = all[0].slice(0, Math.max(0, shared - 1)).join('/');
  const full = new Set(all.flatMap((folders) => folders.map((_, i) => folders.slice(0, i + 1).join('/'))));
  const empty = [...new Set(files.map((file) => foldersOf(file).join('/')))]
    .filter((path) => path !== '' && !isHidden({ path }) && !full.has(path) && path.startsWith(above))
    .map((path) => clip(lastOf(path)));
  const notes =
    empty.length > 0 ? [`${plural(empty.length, 'folder')} without pictures: ${few(empty)}.`] : [];
  const loose = pictures.filter((_, i) => all[i].length === shared);
  if (loose.length === pictures.length && (empty.length === 0 || !name)) return { name, notes };
  if (loose.length > 0 && loose.length < pictures.length)
    fail(
      `${fileName(loose[0])} is in no folder of a class, and others are. Put each picture into the folder of its class, or all into one folder to train without classes.`,
    );
  const classOf = (file: OwnFile) => foldersOf(file).slice(-1)[0].normalize('NFC');
  const classes = [...new Map(pictures.map((file) => [foldersOf(file).join('/'), classOf(file)])).values()];
  for (const each of new Set(classes)) {
    const folders = classes.filter((other) => other === each).length;
    if (folders > 1) notes.push(`${folders} folders are named ${clip(each)}: they are one class.`);
  }
  return { name, classOf, notes };
}

/**
 * Labels for `copies` of each picture, and names: folders that are named after numbers are these classes, others are numbered in the order of
 * their names. Undefined for fewer than two classes. Pure.
 */
function labelsOf(classes: readonly string[], copies: number) {
  const names = [...new Set(classes)].sort(byName);
  const first = names[0];
  const last = names[names.length - 1];
  if (names.length < 2) return undefined;
  if (names.length > MOST_CLASSES)
    fail(
      `There are ${whole(names.length)} classes, folders from ${clip(first)} to ${clip(last)}; a network learns at most ${MOST_CLASSES}. Give fewer folders, or put all pictures into one to train without classes.`,
    );
  const areNumbers = names.every((name) => /^(0|[1-9]\d{0,2})$/.test(name) && Number(name) < MOST_CLASSES);
  const classNames = areNumbers ? Array.from({ length: Number(last) + 1 }, (_, label) => `${label}`) : names;
  const labels = classes.flatMap((name) => Array<number>(copies).fill(classNames.indexOf(name)));
  return { labels: Uint8Array.from(labels), classNames };
}

// ---------------------------------------------------------------- IDX

/** Sets for training before sets for tests, as in MNIST's folder; otherwise by name. */
const trainingFirst = (a: OwnFile, b: OwnFile) => {
  const isTest = (file: OwnFile) => Number(fileName(file).startsWith('t10k'));
  return isTest(a) - isTest(b) || byName(a.path, b.path);
};
const isLabels = ({ path }: OwnFile) => LABELS.test(path);
const unpacked = ({ path }: OwnFile) => path.replace(/\.gz$/, '');

/** The files of labels, one for each file of images: by their names, else in their order; none unless each has one. Pure. */
function labelsFor(images: readonly OwnFile[], labels: readonly OwnFile[]): readonly OwnFile[] {
  const named = images.flatMap((file) => {
    const name = unpacked(file).replace(/images([-.])idx[34]/, 'labels$1idx1');
    return labels.find((other) => unpacked(other) === name) ?? [];
  });
  if (named.length === images.length) return named;
  return named.length === 0 && labels.length === images.length ? labels : [];
}

/** Reads IDX files; one that is there packed and unpacked counts once. They hold 255 for ink: only a choice turns them. */
async function readIdxFiles(
  files: readonly OwnFile[],
  names: readonly OwnFile[],
  { ink }: PictureChoice,
  reader: PictureReader,
  signal?: AbortSignal,
): Promise<MadeImages> {
  const paths = new Set(files.map(({ path }) => path));
  const once = files
    .filter((file) => unpacked(file) === file.path || !paths.has(unpacked(file)))
    .sort(trainingFirst);
  const found = once.filter((file) => !isLabels(file));
  const given = once.filter(isLabels);
  if (found.length === 0) fail(`${fileName(files[0])} holds labels. Give it together with its images.`);
  for (const file of found) {
    const head = await reader.head(file);
    if ((head[0] || head[1]) && !isGzip(head))
      fail(`${fileName(file)} is neither a picture nor data to train on. Give ${KINDS}.${guessFormat(head)}`);
  }
  const sources = (of: readonly OwnFile[]) => of.map(({ source }) => source);
  const { images, ...set } = await loadIdx(sources(found), { signal });
  const { count, channels } = set;
  const [first] = found;
  if (channels !== 1 && channels !== 3)
    fail(
      `${fileName(first)} holds images of ${channels} channels; 1, grey, and 3, colours, can be trained on.`,
    );
  const pairs = labelsFor(found, given);
  const all = pairs.length > 0 ? await loadLabels(sources(pairs), { count, signal }) : undefined;
  const isOne = all?.every((label) => label === all[0]);
  const labels = isOne ? undefined : all;
  const notes: string[] = [];
  const why = isOne
    ? `All ${plural(count, 'image')} have the label ${all![0]}`
    : `There are labels for ${given.length} of ${plural(found.length, 'file')} of images`;
  if (!labels && given.length > 0) notes.push(`${why}: the network is trained without classes.`);
  if (!labels && names.length > 0) notes.push(`${CLASS_NAMES_FILE} is left out: there are no classes.`);
  const grey = ink === 'dark' ? ink : 'light';
  return {
    images: {
      ...set,
      images: channels === 1 && grey === 'dark' ? images.map((value) => 255 - value) : images,
      name: first.path.includes('/') ? first.path.split('/')[0] : found.map(fileName).join(', '),
      ...(labels && { labels, classNames: await readNames(names, labels) }),
    },
    ...(channels === 1 ? { ink: grey } : {}),
    notes,
  };
}

/** The names of the classes of `labels`, from the file of them; undefined if there is none. */
async function readNames(files: readonly OwnFile[], labels: Uint8Array): Promise<string[] | undefined> {
  if (files.length === 0) return undefined;
  if (files.length > 1) fail(`There are ${files.length} files called ${CLASS_NAMES_FILE}; give one.`);
  const text = new TextDecoder().decode(await readSource(files[0].source, CLASS_NAMES_FILE));
  const lines = text.trimEnd().split(/\r?\n/);
  const names = lines.map((line) => line.trim().normalize('NFC'));
  const count = 1 + labels.reduce((a, b) => Math.max(a, b), 0);
  const wrong = names.findIndex((name, i) => name === '' || names.indexOf(name) < i);
  if (wrong >= 0)
    fail(
      `Line ${wrong + 1} of ${CLASS_NAMES_FILE} ${names[wrong] ? `is ${clip(names[wrong])} again` : 'is empty'}; give each class a line, with a name of its own.`,
    );
  if (names.length < count || names.length > MOST_CLASSES)
    fail(
      `${CLASS_NAMES_FILE} has ${plural(names.length, 'line')}, and the labels are 0 to ${count - 1}; give ${count}, a name each${count < MOST_CLASSES ? ` (at most ${MOST_CLASSES})` : ''}.`,
    );
  return names;
}
