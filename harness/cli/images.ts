/** The images that --data names: the digits in the package, the letters in the repository, or IDX files. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../../src/base/errors';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { type ImageSet, loadIdx, loadLabels } from '../../src/data/idx';
import { readLetters } from '../letters/letters';
import { imagesFrom, split } from '../run/hold_out';
import { UsageError } from './args';

/** The data sets that have a name. */
export const BUILT_IN: readonly string[] = ['mnist', 'letters'];
/** A file of the repository alone. Written into the URL below, it would come along in the package's build. */
const LETTERS = '../letters/letters.idx3-ubyte.gz';

/** Loads a data set that has a name, or an IDX file or folder; the first `limit` images. With labels, if there are any. */
export async function loadImages(source: string, limit?: number, signal?: AbortSignal): Promise<ImageSet> {
  const set = await (source === 'mnist'
    ? loadDigitsAndLabels(signal)
    : source === 'letters'
      ? loadLetters()
      : loadFiles(source, signal));
  if (limit === undefined) return set;
  if (limit > set.count) {
    throw new UsageError(`--limit is ${limit}; ${source} has ${set.count} images: give 1 to ${set.count}.`);
  }
  return imagesFrom(set, 0, limit);
}

async function loadDigitsAndLabels(signal?: AbortSignal): Promise<ImageSet> {
  const [digits, labels] = await Promise.all([loadDigits({ signal }), loadDigitLabels({ signal })]);
  return { ...digits, labels, classNames: [...'0123456789'] };
}

async function loadLetters(): Promise<ImageSet> {
  let file: Uint8Array;
  try {
    file = await readFile(new URL(LETTERS, import.meta.url));
  } catch (cause) {
    throw new EngineError(
      'data',
      '--data letters: the letters are a file of the repository, not of the npm package. Clone the repository, and run npm run train -- --data letters there.',
      { cause },
    );
  }
  return readLetters(file);
}

async function loadFiles(source: string, signal?: AbortSignal): Promise<ImageSet> {
  const files = await idxFiles(source);
  const set = { ...(await loadIdx(files, { signal })), name: basename(source) };
  const beside = files.map(labelsBeside);
  if (!beside.every((file) => file !== undefined)) return set;
  return { ...set, labels: await loadLabels(beside, { signal, count: set.count }) };
}

/** The labels file of an images file, `train-labels-idx1-ubyte` for `train-images-idx3-ubyte`, packed or not; undefined if none. */
function labelsBeside(images: string): string | undefined {
  const name = basename(images).replace(/images([-.])idx[34]/, 'labels$1idx1');
  if (name === basename(images)) return undefined;
  const path = join(dirname(images), name);
  return [path, `${path}.gz`, path.replace(/\.gz$/, '')].find((file) => existsSync(file));
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

/** The file itself; for a folder its image files, training sets before test sets (t10k), otherwise by name. */
export async function idxFiles(path: string): Promise<string[]> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (cause) {
    throw new EngineError(
      'data',
      `--data ${path}: there is no such file or folder. Give mnist, a file of IDX, or a folder of *-images-idx3-ubyte files (idx4 for several channels; plain or .gz).`,
      { cause },
    );
  }
  if (!isFolder) return [path];
  const names = (await readdir(path))
    .filter((name) => /[-.]images[-.]idx[34]-ubyte(\.gz)?$/.test(name))
    .sort();
  // A file may exist both packed and unpacked.
  const once = names.filter((name) => !names.includes(name.replace(/\.gz$/, '')) || !name.endsWith('.gz'));
  if (once.length === 0) {
    throw new EngineError(
      'data',
      `--data ${path}: the folder has no *-images-idx3-ubyte or idx4-ubyte file (plain or .gz). Give the folder where they are, or one file.`,
    );
  }
  const isTest = (name: string) => Number(name.startsWith('t10k'));
  return once.sort((a, b) => isTest(a) - isTest(b)).map((name) => join(path, name));
}
