/** examples/classifier and examples/denoiser: networks made of single kernels, with losses of their own. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { createEngine, type Engine } from '../../src/engine';
import type { BufferSlice } from '../../src/index';
import { testGpu } from '../lanes/gpu';
import { bufferOf, floatsIn, submit } from './on_gpu';

const { gpu } = await testGpu();

interface Classifier {
  readonly parameters: GPUBuffer;
  readonly gradient: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly score: GPUBuffer;
  encodeForward(encoder: GPUCommandEncoder, images: BufferSlice, labels: BufferSlice): void;
  encodeStep(encoder: GPUCommandEncoder, images: BufferSlice, labels: BufferSlice, rate: number): void;
}

interface Epoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
}

interface Denoiser {
  readonly parameters: GPUBuffer;
  readonly gradient: GPUBuffer;
  readonly loss: GPUBuffer;
  encodeStep(encoder: GPUCommandEncoder, noisy: GPUBuffer, clean: GPUBuffer, rate: number): void;
}

interface Denoised {
  readonly noisy: Float32Array;
  readonly clean: Float32Array;
  readonly denoised: Float32Array;
}

const modules = import.meta.glob('../../examples/{classifier,denoiser}/*.js', { eager: true }) as {
  '../../examples/classifier/classifier.js': {
    createClassifier(
      engine: Engine,
      options: { batch: number; side: number; channels: number[]; seed: number },
    ): Promise<Classifier>;
  };
  '../../examples/classifier/train.js': {
    trainClassifier(
      engine: Engine,
      data: object,
      options: { epochs: number; learningRate: number; heldOut: number; onEpoch: (epoch: Epoch) => void },
    ): Promise<Epoch>;
    takeScore(device: GPUDevice, score: GPUBuffer): Promise<number[]>;
  };
  '../../examples/denoiser/denoiser.js': {
    createDenoiser(
      engine: Engine,
      options: { batch: number; side: number; channels: number; seed: number },
    ): Promise<Denoiser>;
  };
  '../../examples/denoiser/train.js': {
    trainDenoiser(
      engine: Engine,
      data: object,
      options: { steps: number; channels: number; onProgress: (progress: { error: number }) => void },
    ): Promise<Denoised>;
  };
};
const { createDenoiser } = modules['../../examples/denoiser/denoiser.js'];
const { trainDenoiser } = modules['../../examples/denoiser/train.js'];
const { createClassifier } = modules['../../examples/classifier/classifier.js'];
const { trainClassifier, takeScore } = modules['../../examples/classifier/train.js'];

const swish = (z: number) => z / (1 + Math.exp(-z));

/** A `same` convolution of [side][side][from] with [kernel][kernel][from][to], then a bias. */
function convolve(
  input: number[],
  side: number,
  [from, to, kernel]: number[],
  w: ArrayLike<number>,
  at: number,
) {
  const reach = (kernel - 1) / 2;
  const bias = at + kernel * kernel * from * to;
  return Array.from({ length: side * side * to }, (_, i) => {
    const [o, x, y] = [i % to, Math.floor(i / to) % side, Math.floor(i / to / side)];
    let sum = w[bias + o];
    for (let ky = 0; ky < kernel; ky++)
      for (let kx = 0; kx < kernel; kx++) {
        const [iy, ix] = [y + ky - reach, x + kx - reach];
        if (iy < 0 || ix < 0 || iy >= side || ix >= side) continue;
        for (let c = 0; c < from; c++)
          sum += input[(iy * side + ix) * from + c] * w[at + ((ky * kernel + kx) * from + c) * to + o];
      }
    return sum;
  });
}

/** The largest of each 2x2 window, after swish. */
function pool(input: number[], side: number, channels: number) {
  const half = side / 2;
  return Array.from({ length: half * half * channels }, (_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % half, Math.floor(i / channels / half)];
    const at = (dy: number, dx: number) => swish(input[((2 * y + dy) * side + 2 * x + dx) * channels + c]);
    return Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1));
  });
}

/** Each pixel four times, after swish; `side` is the result's. */
const upsample = (input: number[], side: number, channels: number) =>
  Array.from({ length: side * side * channels }, (_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % side, Math.floor(i / channels / side)];
    return swish(input[((y >> 1) * (side / 2) + (x >> 1)) * channels + c]);
  });

/** The slope of `loss` at `w` along random directions, in f64, agrees with the `gradient`. */
function expectGradient(
  gradient: Float32Array,
  w: ArrayLike<number>,
  random: Random,
  loss: (w: ArrayLike<number>) => number,
) {
  const norm = Math.hypot(...gradient);
  expect(norm).toBeGreaterThan(0.1);
  for (let direction = 0; direction < 8; direction++) {
    const d = random.floats(gradient.length);
    const moved = (step: number) => loss(Float64Array.from(w, (v, i) => v + step * d[i]));
    const slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
    const expected = d.reduce((sum, v, i) => sum + v * gradient[i], 0);
    expect(Math.abs(slope - expected), `direction ${direction}`).toBeLessThan(1e-5 * norm * Math.hypot(...d));
  }
}

/** The mean cross-entropy of the example's network in plain loops, and how many answers are right. */
function plainLoss(
  w: ArrayLike<number>,
  images: Float32Array,
  labels: Uint32Array,
  side: number,
  [a, b]: number[],
) {
  const [second, third] = [25 * a + a, 25 * a + a + 9 * a * b + b];
  let [loss, right] = [0, 0];
  for (let n = 0; n < labels.length; n++) {
    const image = [...images.subarray(n * side * side, (n + 1) * side * side)];
    const one = pool(convolve(image, side, [1, a, 5], w, 0), side, a);
    const two = pool(convolve(one, side / 2, [a, b, 3], w, second), side / 2, b);
    const logits = convolve(two, 1, [two.length, 10, 1], w, third);
    loss += Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[labels[n]];
    right += Number(logits.indexOf(Math.max(...logits)) === labels[n]);
  }
  return { loss: loss / labels.length, right };
}

describe('the classifier of the example kernels', () => {
  const [batch, side, channels] = [6, 8, [3, 4]];
  const random = new Random(3);
  const images = random.floats(batch * side * side, 0, 1);
  const labels = random.integers(batch, 10);

  test('has the loss and the gradient that plain loops compute', async () => {
    const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
    const classifier = await createClassifier(engine, { batch, side, channels, seed: 5 });
    const [onImages, onLabels] = [bufferOf(gpu, images), bufferOf(gpu, labels)];
    const w = await floatsIn(gpu, classifier.parameters);
    submit(gpu, (encoder) => classifier.encodeStep(encoder, onImages, onLabels, 0));

    const plain = plainLoss(w, images, labels, side, channels);
    const [loss, right] = await takeScore(gpu.device, classifier.score);
    expect(loss / batch / plain.loss).toBeCloseTo(1, 5);
    expect(right).toBe(plain.right);

    const gradient = await floatsIn(gpu, classifier.gradient, w.length);
    expectGradient(gradient, w, random, (at) => plainLoss(at, images, labels, side, channels).loss);
    engine.destroy();
  });
});

test('the classifier of the example kernels names most unseen digits rightly after a few steps', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const [digits, labels] = await Promise.all([loadDigits(), loadDigitLabels()]);
  const count = 64 * 10;
  const data = {
    ...digits,
    count,
    images: digits.images.subarray(0, count * 784),
    labels: labels.subarray(0, count),
  };
  const epochs: Epoch[] = [];
  const last = await trainClassifier(engine, data, {
    epochs: 3,
    learningRate: 1e-2,
    heldOut: 128,
    onEpoch: (epoch) => epochs.push(epoch),
  });
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  expect(last).toEqual(epochs[2]);
  expect(last.loss).toBeLessThan(0.5 * epochs[0].loss);
  expect(last.accuracy).toBeGreaterThan(0.75);
  engine.destroy();
});

test('the denoiser of the example kernels has the loss and the gradient that plain loops compute', async () => {
  const [batch, side, channels] = [6, 8, 3];
  const random = new Random(4);
  const [noisy, clean] = [0, 1].map(() => random.floats(batch * side * side, 0, 1));
  const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
  const denoiser = await createDenoiser(engine, { batch, side, channels, seed: 5 });
  const [onNoisy, onClean] = [bufferOf(gpu, noisy), bufferOf(gpu, clean)];
  const w = await floatsIn(gpu, denoiser.parameters);
  submit(gpu, (encoder) => denoiser.encodeStep(encoder, onNoisy, onClean, 0));

  const [second, third] = [26 * channels, 26 * channels + 9 * channels ** 2 + channels];
  const plain = (at: ArrayLike<number>) => {
    let sum = 0;
    for (let n = 0; n < batch; n++) {
      const image = [...noisy.subarray(n * side * side, (n + 1) * side * side)];
      const one = pool(convolve(image, side, [1, channels, 5], at, 0), side, channels);
      const two = convolve(one, side / 2, [channels, channels, 3], at, second);
      const output = convolve(upsample(two, side, channels), side, [channels, 1, 5], at, third);
      output.forEach((value, i) => {
        sum += Math.abs(value - clean[n * side * side + i]);
      });
    }
    return sum / noisy.length;
  };
  const [loss] = await floatsIn(gpu, denoiser.loss, 1);
  expect(loss / plain(w)).toBeCloseTo(1, 5);
  expectGradient(await floatsIn(gpu, denoiser.gradient, w.length), w, random, plain);
  engine.destroy();
});

test('the denoiser of the example kernels removes more than half of the noise after a few steps', async () => {
  const [random, before] = [new Random(5), Math.random];
  Math.random = () => random.floats(1, 0, 1)[0]; // no spy: it would remember millions of calls
  onTestFinished(() => {
    Math.random = before;
  });
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const errors: number[] = [];
  const { noisy, clean, denoised } = await trainDenoiser(engine, await loadDigits(), {
    steps: 80,
    channels: 8,
    onProgress: ({ error }) => errors.push(error),
  });
  expect(errors).toHaveLength(4);
  expect(errors[3]).toBeLessThan(0.5 * errors[0]);
  const apart = (values: Float32Array) =>
    values.reduce((sum, value, i) => sum + Math.abs(value - clean[i]), 0) / values.length;
  expect(apart(denoised)).toBeLessThan(0.5 * apart(noisy));
  engine.destroy();
});
