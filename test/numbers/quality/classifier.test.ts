import { afterEach, expect, test, vi } from 'vitest';
import { loadClassifier } from '../../../harness/quality/classifier';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import { refused } from '../../lib/refused';
import fixture from './classifier.json';

const pixels = 28 * 28;
const classifier = await loadClassifier();
/** The digits that it has not learnt from. */
const held = Float32Array.from((await loadDigits()).images.subarray(9000 * pixels), (byte) => byte / 255);
const labels = (await loadDigitLabels()).subarray(9000);
const binarised = held.map((value) => (value > 0.5 ? 1 : 0));

/** What stands where the file should. */
const inPlace = vi.hoisted((): { bytes?: Uint8Array; error?: Error } => ({}));
vi.mock('../../../harness/quality/digit-classifier.safetensors?bytes', async (original) => {
  const { default: load } = await original<{ default: () => Promise<Uint8Array> }>();
  return {
    default: async () => {
      if (inPlace.error) throw inPlace.error;
      return inPlace.bytes ?? load();
    },
  };
});

afterEach(() => {
  delete inPlace.bytes;
  delete inPlace.error;
});

/** Share of the images from `first` on that are named rightly. */
function accuracy(images: Float32Array, first: number, count: number): number {
  const part = images.subarray(first * pixels, (first + count) * pixels);
  const { probabilities } = classifier.classify(part, count);
  let right = 0;
  for (let n = 0; n < count; n++) {
    const row = probabilities.subarray(n * 10, n * 10 + 10);
    if (row.indexOf(Math.max(...row)) === labels[first + n]) right++;
  }
  return right / count;
}

test('the classifier names at least 98.5% of the digits that it has not seen', () => {
  expect(accuracy(binarised, 0, 1000)).toBeGreaterThanOrEqual(0.985);
  expect(accuracy(held, 0, 200)).toBeGreaterThanOrEqual(0.985);
});

test('the classifier computes the probabilities and features that PyTorch computes', () => {
  const images = new Float32Array(4 * pixels);
  images.set(held.subarray(0, 2 * pixels));
  images.set(binarised.subarray(0, 2 * pixels), 2 * pixels);
  const { probabilities, features } = classifier.classify(images, 4);
  expect(classifier.features).toBe(fixture.features[0].length);
  // PyTorch adds up in f32 what is added up in f64 here: hundreds of terms, at 6e-8 each.
  const close = (given: Float32Array, expected: number[]) => {
    expect(given.length).toBe(expected.length);
    for (const [i, value] of expected.entries()) {
      expect(Math.abs(given[i] - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
    }
  };
  close(probabilities, fixture.probabilities.flat());
  close(features, fixture.features.flat());
});

test('loadClassifier refuses another file in place of its own, and stops when aborted', async () => {
  inPlace.bytes = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
  await refused(() => loadClassifier(), 'data', 'digit-classifier.safetensors', 'fnv1a', 'install');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(loadClassifier({ signal })).rejects.toThrow('enough');
});

test('loadClassifier says what to do where its file does not load, and loads it again at the next call', async () => {
  inPlace.error = new TypeError('Failed to fetch dynamically imported module: x.js');
  await refused(() => loadClassifier(), 'data', 'imported module: x.js', 'Call again', 'reload the page');
  delete inPlace.error;
  expect((await loadClassifier()).features).toBe(classifier.features);
});
