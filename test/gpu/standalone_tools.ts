/** Runs kernels by themselves on buffers of their own, and brings images from one order to the other. */
import { expect } from 'vitest';
import type { Values } from '../../harness/specs/lib/spec';
import type { Gpu } from '../../src/gpu/gpu';
import { readBuffer } from '../../src/gpu/staging';

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
    const [pixel, c] = [Math.floor(i / channels), i % channels];
    const [n, p] = [Math.floor(pixel / (height * width)), pixel % (height * width)];
    return values[(c * height * width + p) * batch + n];
  });
}

export type Run = (
  inputs: Readonly<Record<string, Float32Array>>,
  outputs: Readonly<Record<string, number>>,
  record: (encoder: GPUCommandEncoder, buffers: Record<string, GPUBuffer>) => void | Promise<void>,
) => Promise<Record<string, Float32Array>>;

/** Calls `record` with buffers of these contents, and of these sizes for results; returns what is in the latter, and one number behind each. */
export async function runOn(gpu: Gpu, ...[inputs, outputs, record]: Parameters<Run>): ReturnType<Run> {
  const { device } = gpu;
  const buffers: Record<string, GPUBuffer> = {};
  for (const [name, values] of Object.entries(inputs)) {
    buffers[name] = device.createBuffer({
      size: values.byteLength,
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffers[name], 0, values as Float32Array<ArrayBuffer>);
  }
  for (const [name, size] of Object.entries(outputs)) {
    buffers[name] = device.createBuffer({
      size: (size + 1) * 4,
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffers[name], 0, new Float32Array(size + 1).fill(Number.NaN));
  }
  const encoder = device.createCommandEncoder();
  await record(encoder, buffers);
  device.queue.submit([encoder.finish()]);
  const results: Record<string, Float32Array> = {};
  for (const [name, size] of Object.entries(outputs)) {
    const all = new Float32Array(await readBuffer(gpu, buffers[name], size + 1));
    expect(all[size], `behind ${name}`).toBeNaN();
    results[name] = all.subarray(0, size);
  }
  for (const buffer of Object.values(buffers)) buffer.destroy();
  return results;
}

/** Expects the largest difference to be less than `close` of the largest number, which is not 0. */
export function expectClose(name: string, given: Values, expected: Values, close: number): void {
  expect(given.length, name).toBe(expected.length);
  let [worst, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Number.isFinite(given[i]) ? Math.abs(given[i] - expected[i]) : Infinity);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  expect(scale, name).toBeGreaterThan(0.1);
  expect(worst / scale, name).toBeLessThan(close);
}
