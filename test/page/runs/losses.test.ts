import { expect, test } from 'vitest';
import { smooth, smoothLoss } from '../../../harness/page/runs/losses';
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

test('the smoothed curve starts at the first value, keeps a constant, and falls with a step', () => {
  expect(smooth([3, 3, 3], 256)).toEqual([3, 3, 3]);
  const steps = smooth([...Array(50).fill(1), ...Array(200).fill(0)], 256);
  expect(steps[49]).toBe(1);
  expect(steps[249]).toBeLessThan(0.001);
  for (let i = 51; i < 250; i++) expect(steps[i]).toBeLessThan(steps[i - 1]);
});

test('smoothing spans about the same number of images at any batch', () => {
  const fall = (at: number, of: number) => [...Array(at).fill(1), ...Array(of).fill(0)];
  const large = smooth(fall(100, 20), 256).at(-1)!;
  const small = smooth(fall(400, 80), 64).at(-1)!;
  expect(small).toBeCloseTo(large, 1);
  // Of what is long ago nothing shows.
  expect([smoothLoss(fall(1, 200), 256), smoothLoss(fall(1, 800), 64)]).toEqual([0, 0]);
  expect(smoothLoss(new Float32Array(), 64)).toBeUndefined();
});
