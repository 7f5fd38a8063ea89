/** How much is given to a GPU at once. With simulated times: pacer.test.ts. */
import { expect, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import type { Load } from '../../src/gpu/pacer';
import { Program } from '../../src/gpu/program';
import { requestDevice } from '../../src/gpu/request_device';
import { stopwatch } from '../../src/gpu/stopwatch';
import { swish } from '../../src/kernels/swish';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

const compile = (on: Gpu, elements: number, dispatches: number) => {
  const tensors = { input: tensor('input', elements), output: tensor('output', elements) };
  const ops = Array.from({ length: dispatches }, () => op(swish, 'all', { elements }, tensors));
  return Program.compile(on, 'swish', ops, new Map());
};

test('up to three submissions are in flight while the pacer has room, and the last one’s result is returned', async () => {
  const program = await compile(gpu, 64, 6);
  gpu.pacer.maxMilliseconds = 1e-6;
  const { measure } = gpu.pacer;
  const inFlight = new Set<Promise<void>>();
  const most: number[] = [];
  vi.spyOn(gpu.pacer, 'measure').mockImplementation((...args) => {
    const measured = measure.apply(gpu.pacer, args);
    const ended = measured.finally(() => inFlight.delete(ended));
    most.push(inFlight.add(ended).size);
    return ended;
  });
  const room = () => (inFlight.size < 3 ? undefined : Promise.race(inFlight).then(() => false));
  vi.spyOn(gpu.pacer, 'untilRoom').mockImplementation(room);
  const last = (encoder: GPUCommandEncoder, load: Load) => gpu.submit(encoder, load).then(() => 'done');
  expect(await gpu.runAnd([program], last)).toBe('done');
  program.destroy();
  expect(most).toHaveLength(6);
  expect(Math.max(...most)).toBe(3);
});

test('a prediction in turns gives the bits of each turn alone, however many submissions a turn takes', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4, 4] });
  const size = 16;
  const images = Float32Array.from({ length: 150 * size }, (_, i) => (i * 0.37) % 1);
  const alone = async (first: number, end: number) => [
    ...(await unet.predict(images.subarray(first * size, end * size), { count: end - first })),
  ];
  const expected = [...(await alone(0, 64)), ...(await alone(64, 128)), ...(await alone(128, 150))];
  gpu.pacer.maxMilliseconds = 1e-6;
  expect([...(await unet.predict(images, { count: 150 }))]).toEqual(expected);
});

const { device } = await requestDevice();

test.runIf(device.features.has('timestamp-query'))(
  'the stopwatch on the GPU measures milliseconds',
  async () => {
    const gpu = new Gpu(device);
    const program = await compile(gpu, 2 ** 20, 1);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < 16; i++) program.encode(pass);
    pass.end();
    const start = performance.now();
    const read = stopwatch(gpu);
    device.queue.submit([encoder.finish()]);
    const milliseconds = await read!();
    program.destroy();
    expect(milliseconds).toBeGreaterThan(0);
    expect(milliseconds).toBeLessThan(performance.now() - start + 1);
  },
);
