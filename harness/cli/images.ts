/** The images that --data names: the digits in the package, or the user's own files. */
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { clip, dataError } from '../../src/base/errors';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import type { ImageSet } from '../../src/data/idx';
import { imagesFrom, split } from '../pictures/hold_out';
import {
  CLASS_NAMES_FILE,
  fileKind,
  type OwnFile,
  type PictureReader,
  readOwnImages,
} from '../pictures/own_images';
import {
  fits,
  inks,
  type MadeImages,
  OWN_SIZE,
  type PictureChoice,
  SIDES,
  USUAL_SIDE,
  usualChoice,
} from '../pictures/small_pictures';
import { integer, oneOf, UsageError } from './args';
import { unreadable } from './files';
import { decodePng } from './png';

const side = integer('N', '', SIDES.least, SIDES.most);

/** The flags that say what becomes of pictures. */
export const pictureFlags = {
  size: {
    value: 'N|own',
    help: `side of the squares that pictures become, ${SIDES.least} to ${SIDES.most}; own: the size that\nall have; above ${USUAL_SIDE} only with --epochs (default: their own, if it is at most\n${USUAL_SIDE}; else ${USUAL_SIDE} or less)`,
    parse: (text: string, name: string) => (text === 'own' ? OWN_SIZE : side.parse(text, name)),
  },
  fit: oneOf('what becomes a square: the middle of a picture, or all of it (default crop)', ...fits),
  ink: oneOf('ink of grey pictures (default auto: edges are paper)', ...inks),
};

export interface LoadChoice extends Partial<PictureChoice> {
  /** Only the first images. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before the pixels of each picture are read. */
  progress?(done: number, total: number): void;
}

/** Loads the digits, `mnist`, or files and folders of the user's; the first `limit` images. With labels, if there are any. */
export async function loadImages(
  sources: readonly string[],
  { limit, signal, progress = () => {}, ...choice }: LoadChoice = {},
): Promise<MadeImages> {
  const named = sources.includes('mnist');
  if (named && sources.length > 1) {
    throw new UsageError(
      '--data mnist is a whole data set: give it alone, or ./mnist for a folder of that name.',
    );
  }
  const images: MadeImages = named
    ? { images: await loadDigitsAndLabels(signal), notes: [] }
    : await readOwnImages(await filesOf(sources), { ...usualChoice, ...choice }, pngReader, {
        signal,
        progress: (done, total, what) => what === 'pixels' && progress(done, total),
      });
  const { images: set } = images;
  if (limit === undefined) return images;
  if (limit > set.count) {
    throw new UsageError(
      `--limit is ${limit}; ${sources.join(', ')} has ${set.count} images: give 1 to ${set.count}.`,
    );
  }
  return { ...images, images: imagesFrom(set, 0, limit) };
}

async function loadDigitsAndLabels(signal?: AbortSignal): Promise<ImageSet> {
  const [digits, labels] = await Promise.all([loadDigits({ signal }), loadDigitLabels({ signal })]);
  return { ...digits, labels, classNames: [...'0123456789'] };
}

/** Splits a set into its first images and the last `count`. */
export function holdOut(set: ImageSet, count: number): ReturnType<typeof split> {
  if (count > 0 && count >= set.count) {
    throw new UsageError(
      `--holdout is ${count}; there are ${set.count} images: give 0 to ${set.count - 1}, so that some are left to train on.`,
    );
  }
  return split(set, count);
}

/** All files of the given ones and of folders, each once. */
async function filesOf(sources: readonly string[]): Promise<readonly OwnFile[]> {
  const found = new Map<string, OwnFile>();
  for (const file of (await Promise.all(sources.map(filesAt))).flat()) {
    const [before, now] = [found.get(file.path) ?? file, file].map(({ source }) => resolve(source as string));
    if (before !== now)
      throw new UsageError(
        `--data finds two files called ${clip(file.path)}: ${before} and ${now}. Rename one.`,
      );
    found.set(file.path, file);
  }
  return [...found.values()];
}

/** The file itself, with its labels and their names, if it is IDX; for a folder everything in it and below. */
async function filesAt(path: string): Promise<OwnFile[]> {
  const found = await stat(path).catch((cause) => {
    throw dataError(
      `--data ${path}: there is no such file or folder. Give mnist, or files or folders of pictures (PNG) or IDX.`,
      { cause },
    );
  });
  const name = basename(resolve(path));
  if (found.isDirectory()) return below(path, name);
  const labels = name.replace(/images([-.])idx[34]/, 'labels$1idx1').replace(/\.gz$/, '');
  const folder = resolve(path, '..');
  const beside = [
    labels,
    `${labels}.gz`,
    ...(fileKind({ path: labels }) === 'idx' ? [CLASS_NAMES_FILE] : []),
  ];
  const others = (await readdir(folder).catch(refuse(folder))).filter(
    (other) => other !== name && beside.includes(other),
  );
  return [
    { path: name, source: path },
    ...others.map((other) => ({ path: other, source: join(folder, other) })),
  ];
}

/** Throws the error of a folder that cannot be read. */
const refuse = (path: string) => (cause: unknown) => {
  throw unreadable(path, cause);
};

/** All files in a folder and below. `above`: the folders that it lies in, without links. */
async function below(path: string, name: string, above: readonly string[] = []): Promise<OwnFile[]> {
  const real = await realpath(path).catch(refuse(path));
  if (above.includes(real))
    throw dataError(`${path} leads back to ${real}, which it lies in. Remove the link.`);
  const entries = await readdir(path, { withFileTypes: true }).catch(refuse(path));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  if (entries.length === 0) return [{ path: `${name}/`, source: path }];
  const found: OwnFile[] = [];
  for (const entry of entries) {
    const own = { path: `${name}/${entry.name}`, source: join(path, entry.name) };
    // A link counts for what it leads to; one that leads nowhere is a file that cannot be read.
    const target = entry.isSymbolicLink() ? await stat(own.source).catch(() => entry) : entry;
    // One by one: a call does not take an argument for each of 200,000 files.
    if (target.isDirectory())
      for (const file of await below(own.source, own.path, [...above, real])) found.push(file);
    else found.push(own);
  }
  return found;
}

const HEAD = 65_536;

const pngReader: PictureReader = {
  async head({ path, source }) {
    const file = await open(source as string).catch((cause) => {
      throw unreadable(clip(basename(path)), cause);
    });
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },
  async decode({ path, source }) {
    const name = clip(basename(path));
    if (!/\.png$/i.test(name))
      throw new Error(
        `${name} is no PNG file, and the command line reads PNG alone: convert it, or train on the page`,
      );
    const bytes = await readFile(source as string);
    try {
      return decodePng(bytes);
    } catch (error) {
      throw new Error(`${name} ${(error as Error).message}`);
    }
  },
};
