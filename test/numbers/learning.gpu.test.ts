/** Does it learn? Real digits, a small network, a few dozen steps. */
import { expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { loadDigits } from '../../src/data/digits';
import { Trainer } from '../../src/training/trainer';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

const side = 14;
const pixels = side * side;
const batch = 32;
const steps = 60;
const count = 1024;

const digits = await loadDigits();
/** Every second pixel of every second row. */
const clean = Float32Array.from({ length: count * pixels }, (_, i) => {
  const [n, y, x] = [Math.floor(i / pixels), Math.floor((i % pixels) / side), i % side];
  return digits.images[(n * 2 * side + 2 * y) * 2 * side + 2 * x] > 127 ? 1 : 0;
});

/** The loss of the best answer that does not look at its input: the mean image. */
function meanImageLoss(): number {
  let loss = 0;
  for (let p = 0; p < pixels; p++) {
    let ink = 0;
    for (let i = 0; i < count; i++) ink += clean[i * pixels + p];
    const mean = ink / count;
    loss += (mean * (1 - mean)) / pixels;
  }
  return loss;
}

/** Trains, and returns the mean loss of the last ten steps. With `shuffled` targets, each image is to become another one. */
async function train(shuffled: boolean): Promise<number> {
  using unet = await UNet.create(gpu, { height: side, width: side, widths: [8, 16] }, { seed: 1 });
  using trainer = await Trainer.create(gpu, unet, { batchSize: batch, learningRate: 5e-3 });
  const random = new Random(2);
  let last = 0;
  for (let step = 0; step < steps; step++) {
    const noisy = new Float32Array(batch * pixels);
    const target = new Float32Array(batch * pixels);
    for (let i = 0; i < batch; i++) {
      const pick = () => Math.floor(random.next() * count) * pixels;
      const source = pick();
      const amount = random.next();
      for (let p = 0; p < pixels; p++)
        noisy[i * pixels + p] = clean[source + p] * (1 - amount) + random.next() * amount;
      const goal = shuffled ? pick() : source;
      target.set(clean.subarray(goal, goal + pixels), i * pixels);
    }
    const loss = await trainer.step({ noisy, target });
    if (step >= steps - 10) last += loss / 10;
  }
  return last;
}

test('sixty steps make the loss better than the mean image’s; with shuffled targets they do not', async () => {
  const floor = meanImageLoss();
  const learned = await train(false);
  const shuffled = await train(true);
  expect(learned, `the mean image has a loss of ${floor}`).toBeLessThan(0.9 * floor);
  expect(shuffled, `the mean image has a loss of ${floor}`).toBeGreaterThan(0.98 * floor);
});
