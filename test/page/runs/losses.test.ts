/** The losses of a run as numbers: means of epochs, the file, the smoothed curve. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { smooth, smoothLoss } from '../../../harness/page/runs/losses';
import { decodeRecording } from '../../../harness/page/welcome/recording';
import { epochMeans, lossesCsv } from '../../../harness/run/losses';

test('epoch means are of complete epochs only, and not weighted by the size of batches', () => {
  expect(epochMeans([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([2, 5]);
  expect(epochMeans([], 3)).toEqual([]);
});

test('losses.csv counts from 1', () => {
  expect(lossesCsv([0.5, 0.25, 0.125], 2)).toBe('step,epoch,loss\n1,1,0.5\n2,1,0.25\n3,2,0.125\n');
  const measured = { held_out_loss: new Map([[2, 0.375]]), accepted: new Map<number, number>() };
  expect(lossesCsv([0.5, 0.25], 2, measured)).toBe(
    'step,epoch,loss,held_out_loss\n1,1,0.5,\n2,1,0.25,0.375\n',
  );
});

test('the smoothed curve starts at the first value, keeps a constant, falls with a step, and stays within its losses', () => {
  expect(smooth([3, 3, 3], 256)).toEqual([3, 3, 3]);
  expect(smooth([3, 5], 8192)).toEqual([3, 5]);
  expect(smooth([], 256)).toEqual([]);
  const steps = smooth([...Array(50).fill(1), ...Array(200).fill(0)], 256);
  expect([steps[49], steps[249] < 0.001]).toEqual([1, true]);
  for (let i = 51; i < 250; i++) expect(steps[i]).toBeLessThan(steps[i - 1]);
  const recording = readFileSync(new URL('../../../harness/page/welcome/recording.gz', import.meta.url));
  const { losses, batch } = decodeRecording(new Uint8Array(gunzipSync(recording))).learning;
  const outside = smooth(losses, batch).flatMap((mean, i) => {
    const last = losses.slice(Math.max(0, i - 49), i + 1);
    return i >= 50 && (mean < Math.min(...last) || mean > Math.max(...last)) ? [i + 1] : [];
  });
  expect([losses.length > 250, outside]).toEqual([true, []]);
});

test('smoothing spans about the same number of images at any batch', () => {
  const fall = (at: number, of: number) => [...Array(at).fill(1), ...Array(of).fill(0)];
  const [large, small] = [smooth(fall(100, 20), 256).at(-1)!, smooth(fall(400, 80), 64).at(-1)!];
  expect(small).toBeCloseTo(large, 1);
  // Of what is long ago nothing shows.
  expect([smoothLoss(fall(1, 200), 256), smoothLoss(fall(1, 800), 64)]).toEqual([0, 0]);
  expect(smoothLoss(fall(1, 799), 64)).toBeGreaterThan(0);
  expect(smoothLoss(new Float32Array(), 64)).toBeUndefined();
});
