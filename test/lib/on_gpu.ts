/** Brings values into buffers and back, runs kernels by themselves, brings images from one order to the other, and says how far results are apart. */
import { expect, vi } from 'vitest';
import { TestRandom, type Values } from '../../harness/specs/lib/spec';
import type { Gpu } from '../../src/gpu/gpu';
import { readBuffer } from '../../src/gpu/staging';
import type { ImageLayout } from '../../src/standalone/passes';
import type { TrainerOptions } from '../../src/training/options';
import { Trainer } from '../../src/training/trainer';
import type { UNetConfig } from '../../src/unet/config';
import { UNet } from '../../src/unet/unet';
import { ReferenceUNet } from './reference_unet';

const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** A buffer with these values behind `offset` bytes. */
export function bufferOf({ device }: Gpu, values: Float32Array | Uint32Array, offset = 0): GPUBuffer {
  const buffer = device.createBuffer({ label: 'of a test', size: offset + values.byteLength, usage });
  device.queue.writeBuffer(buffer, offset, values as Float32Array<ArrayBuffer>);
  return buffer;
}

/** A buffer for `count` numbers, which are 0. */
export const roomFor = (gpu: Gpu, count: number) => bufferOf(gpu, new Float32Array(count));

/** All numbers of a buffer, or its first ones. */
export const floatsIn = async (gpu: Gpu, buffer: GPUBuffer, count = buffer.size / 4) =>
  new Float32Array(await readBuffer(gpu, buffer, count));

/** Records and submits. */
export function submit({ device }: Gpu, record: (encoder: GPUCommandEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
}

/** Does `act` right after the `n`th submission from now; returns a function that gives the number of submissions so far. */
export function afterSubmissions(gpu: Gpu, n: number, act: () => void): () => number {
  const submit = gpu.submit.bind(gpu);
  let submissions = 0;
  vi.spyOn(gpu, 'submit').mockImplementation((...args) => {
    const submitted = submit(...args);
    if (++submissions === n) act();
    return submitted;
  });
  return () => submissions;
}

export interface Size {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** From [height][width][channels] of `count` images to [channels][height][width][batch], the rest of the batch 0. */
export function toChwn(values: Values, count: number, { height, width, channels }: Size): Float64Array {
  const batch = Math.ceil(count / 4) * 4;
  const result = new Float64Array(channels * height * width * batch);
  for (let n = 0; n < count; n++)
    for (let p = 0; p < height * width; p++)
      for (let c = 0; c < channels; c++)
        result[(c * height * width + p) * batch + n] = values[(n * height * width + p) * channels + c];
  return result;
}

/** The way back. */
export function toNhwc(values: Values, count: number, { height, width, channels }: Size): Float64Array {
  const batch = Math.ceil(count / 4) * 4;
  return Float64Array.from({ length: count * height * width * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    const c = i % channels;
    const n = Math.floor(pixel / (height * width));
    const p = pixel % (height * width);
    return values[(c * height * width + p) * batch + n];
  });
}

/** Brings images into the order of a layout, and back. */
export const ordersOf = (layout: ImageLayout, batch: number) => ({
  inner: (given: Float32Array, size: Size) =>
    layout === 'NHWC' ? given : Float32Array.from(toChwn(given, batch, size)),
  outer: (given: Float32Array, size: Size) => (layout === 'NHWC' ? given : toNhwc(given, batch, size)),
});

export type Run = (
  inputs: Readonly<Record<string, Float32Array>>,
  outputs: Readonly<Record<string, number>>,
  record: (encoder: GPUCommandEncoder, buffers: Record<string, GPUBuffer>) => void | Promise<void>,
) => Promise<Record<string, Float32Array>>;

/** Calls `record` with buffers of these contents, and of these sizes for results; returns what is in the latter, and one number behind each. */
export async function runOn(gpu: Gpu, ...[inputs, outputs, record]: Parameters<Run>): ReturnType<Run> {
  const { device } = gpu;
  const buffers: Record<string, GPUBuffer> = {};
  for (const [name, values] of Object.entries(inputs)) buffers[name] = bufferOf(gpu, values);
  for (const [name, size] of Object.entries(outputs))
    buffers[name] = bufferOf(gpu, new Float32Array(size + 1).fill(Number.NaN));
  const encoder = device.createCommandEncoder();
  await record(encoder, buffers);
  device.queue.submit([encoder.finish()]);
  const results: Record<string, Float32Array> = {};
  for (const [name, size] of Object.entries(outputs)) {
    const all = await floatsIn(gpu, buffers[name]);
    expect(all[size], `behind ${name}`).toBeNaN();
    results[name] = all.subarray(0, size);
  }
  for (const buffer of Object.values(buffers)) buffer.destroy();
  return results;
}

/** Expects the largest difference to be less than `close` of the largest number, which is not 0. */
export function expectClose(name: string, given: Values, expected: Values, close: number): void {
  expect(given.length, name).toBe(expected.length);
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Number.isFinite(given[i]) ? Math.abs(given[i] - expected[i]) : Infinity);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  expect(scale, name).toBeGreaterThan(0.1);
  expect(worst / scale, name).toBeLessThan(close);
}

/** The largest difference. */
export function furthest(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const apart = Math.abs(got[i] - want[i]);
    worst = Number.isNaN(apart) ? Infinity : Math.max(worst, apart);
  }
  return worst;
}

export function expectNear(got: ArrayLike<number>, want: ArrayLike<number>, what: string, error = 1e-5) {
  expect(furthest(got, want), what).toBeLessThan(error);
}

/** The length of the difference, as a share of the length that there should be; where that is 0, as it is. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < want.length; i++) {
    difference += (got[i] - want[i]) ** 2;
    norm += want[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

/** Parameters with biases that are not zero. */
export const randomParameters = ({ parameters }: UNet, random: TestRandom): Map<string, Float32Array> =>
  new Map(
    parameters.map(({ name, shape, size }) => {
      const [out, into, ...taps] = [...shape].reverse();
      const fans = taps.reduce((a, b) => a * b, 1) * (into + out);
      return [name, random.floats(size, -1, 1).map((v) => v * (into ? Math.sqrt(6 / fans) : 0.3))];
    }),
  );

/** The gradients of the last step are the reference's. */
export async function expectGradients(
  trainer: Trainer,
  reference: ReferenceUNet,
  step: number,
): Promise<void> {
  const gradients = await trainer.getGradients();
  for (const [name, want] of reference.gradients)
    expect(relativeError(gradients.get(name)!, want), `gradient of ${name}, step ${step}`).toBeLessThan(1e-4);
}

interface TestBatch {
  readonly noisy: Float32Array;
  readonly target: Float32Array;
  readonly count: number;
  readonly conditions?: { readonly levels?: Float32Array; readonly labels?: Uint32Array };
}

/** Steps of a network with random parameters have the reference's predictions, losses and gradients, and end in its weights. */
export async function expectSteps(
  gpu: Gpu,
  config: Partial<UNetConfig>,
  options: TrainerOptions,
  batchesOf: (random: TestRandom) => readonly TestBatch[],
): Promise<void> {
  const random = new TestRandom(7);
  using unet = await UNet.create(gpu, config);
  const start = randomParameters(unet, random);
  await unet.setParameters(start);
  using trainer = await Trainer.create(gpu, unet, options);
  const reference = new ReferenceUNet(unet.config, start);
  for (const [step, { noisy, target, count, conditions }] of batchesOf(random).entries()) {
    const prediction = await unet.predict(noisy, { count, ...conditions });
    const expected = reference.predict(noisy, count, conditions);
    expect(relativeError(prediction, expected), `prediction ${step}`).toBeLessThan(1e-5);
    const loss = await trainer.step({ noisy, target, ...conditions });
    const expectedLoss = reference.train(noisy, target, count, 1e-3, conditions);
    expect(Math.abs(loss / expectedLoss - 1), `loss of step ${step}`).toBeLessThan(1e-5);
    await expectGradients(trainer, reference, step);
  }
  const weights = await unet.getParameters();
  for (const [name, want] of reference.parameters)
    expect(relativeError(weights.get(name)!, want), `${name} after all steps`).toBeLessThan(1e-4);
}
