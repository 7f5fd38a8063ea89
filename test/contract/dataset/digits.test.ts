import { afterEach, expect, test, vi } from 'vitest';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import { refused } from '../../lib/refused';

/** What stands where the file should. */
const inPlace = vi.hoisted((): { bytes?: Uint8Array } => ({}));
const replaced = vi.hoisted(() => async (original: () => Promise<unknown>) => {
  const { default: load } = (await original()) as { default: () => Promise<Uint8Array> };
  return { default: async () => inPlace.bytes ?? load() };
});
vi.mock('../../../src/data/mnist-digits.idx3-ubyte.gz?bytes', replaced);
vi.mock('../../../src/data/mnist-digits.idx1-ubyte.gz?bytes', replaced);

afterEach(() => {
  vi.unstubAllGlobals();
  delete inPlace.bytes;
});

/** How many of `labels` are 0, 1, … 9. */
function countClasses(labels: Uint8Array): number[] {
  const counts = new Array<number>(10).fill(0);
  for (const label of labels) counts[label]++;
  return counts;
}

test('loadDigits gives 10,000 digits with the known statistics', async () => {
  const { images, ...size } = await loadDigits();
  expect(size).toEqual({ count: 10_000, height: 28, width: 28, channels: 1, name: 'MNIST digits' });
  expect(images).toHaveLength(10_000 * 28 * 28);
  let sum = 0;
  let squares = 0;
  for (const byte of images) {
    sum += byte / 255;
    squares += (byte / 255) ** 2;
  }
  const mean = sum / images.length;
  expect(mean.toFixed(4)).toBe('0.1311');
  expect(Math.sqrt(squares / images.length - mean * mean).toFixed(4)).toBe('0.3087');
});

test('loadDigitLabels gives all ten classes, well mixed', async () => {
  const labels = await loadDigitLabels();
  expect(countClasses(labels)).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  for (let at = 0; at < labels.length; at += 1000) {
    for (const count of countClasses(labels.subarray(at, at + 1000))) {
      expect(count).toBeGreaterThan(60);
      expect(count).toBeLessThan(150);
    }
  }
});

test('in a page without crypto.subtle, digits and labels are checked by their FNV-1a hash', async () => {
  vi.stubGlobal('crypto', {});
  expect((await loadDigits()).count).toBe(10_000);
  expect((await loadDigitLabels()).length).toBe(10_000);
});

test('another file in place of the digits or their labels is refused', async () => {
  inPlace.bytes = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 1, 7]); // legal IDX of one label
  await refused(() => loadDigits(), 'data', 'mnist-digits.idx3-ubyte.gz', 'sha256', 'ea141389', 'install');
  vi.stubGlobal('crypto', {});
  await refused(
    () => loadDigitLabels(),
    'data',
    'mnist-digits.idx1-ubyte.gz',
    'fnv1a',
    'e69e4eeb',
    'install',
  );
});

test('loadDigits stops when it is aborted', async () => {
  const reason = new Error('enough');
  await expect(loadDigits({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
