/** The images that --data names: the digits that come with the package, or IDX files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDigits } from '../src/data/digits';
import { type ImageSet, loadIdx } from '../src/data/idx';
import { EngineError } from '../src/errors';
import { UsageError } from './args';

/** `mnist`, or a file or folder of IDX; the first `limit` images. */
export async function loadImages(source: string, limit?: number, signal?: AbortSignal): Promise<ImageSet> {
  const set =
    source === 'mnist' ? await loadDigits({ signal }) : await loadIdx(await idxFiles(source), { signal });
  if (limit === undefined) return set;
  if (limit > set.count) {
    throw new UsageError(`--limit is ${limit}; ${source} has ${set.count} images: give 1 to ${set.count}.`);
  }
  const bytes = limit * set.height * set.width * set.channels;
  return { ...set, images: set.images.subarray(0, bytes), count: limit };
}

/** A file itself; of a folder its files of images, training sets before test sets (t10k), by name otherwise. */
export async function idxFiles(path: string): Promise<string[]> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (cause) {
    throw new EngineError(
      'data',
      `--data ${path}: there is no such file or folder. Give mnist, a file of IDX, or a folder of *-images-idx3-ubyte files (plain or .gz).`,
      { cause },
    );
  }
  if (!isFolder) return [path];
  const names = (await readdir(path)).filter((name) => /[-.]images[-.]idx3-ubyte(\.gz)?$/.test(name)).sort();
  // A file may lie there both packed and unpacked.
  const once = names.filter((name) => !names.includes(name.replace(/\.gz$/, '')) || !name.endsWith('.gz'));
  if (once.length === 0) {
    throw new EngineError(
      'data',
      `--data ${path}: the folder has no *-images-idx3-ubyte file (plain or .gz). Give the folder where they are, or one file.`,
    );
  }
  const isTest = (name: string) => Number(name.startsWith('t10k'));
  return once.sort((a, b) => isTest(a) - isTest(b)).map((name) => join(path, name));
}
