/** How much is given to a GPU at once. */
import { describe, expect, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import type { Load } from '../../src/gpu/pacer';
import { Program } from '../../src/gpu/program';
import { requestDevice } from '../../src/gpu/request_device';
import { stopwatch } from '../../src/gpu/stopwatch';
import { swish } from '../../src/kernels/swish';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { UNet } from '../../src/unet/unet';
import { watchBuffers } from '../lib/buffers';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

test('up to three submissions are in flight while the pacer has room, and the last one’s result is returned', async () => {
  const elements = 64;
  const [input, output] = [tensor('input', elements), tensor('output', elements)];
  const ops = Array.from({ length: 6 }, () => op(swish, 'all', { elements }, { input, output }));
  const program = await Program.compile(gpu, 'six', ops, new Map());
  gpu.pacer.maxMilliseconds = 1e-6;
  const { measure } = gpu.pacer;
  let inFlight = 0;
  const most: number[] = [];
  vi.spyOn(gpu.pacer, 'measure').mockImplementation(async (...args) => {
    most.push(++inFlight);
    await measure.apply(gpu.pacer, args);
    inFlight--;
  });
  const room = (): Promise<boolean> | undefined =>
    inFlight < 3 ? undefined : new Promise((resolve) => setTimeout(resolve, 1, false));
  vi.spyOn(gpu.pacer, 'untilRoom').mockImplementation(room);
  const last = (encoder: GPUCommandEncoder, load: Load) => gpu.submit(encoder, load).then(() => 'done');
  expect(await gpu.runAnd([program], last)).toBe('done');
  program.destroy();
  expect(most).toHaveLength(ops.length);
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

describe('the stopwatch on the GPU', async () => {
  const gpu = new Gpu((await requestDevice()).device);
  const hasClock = gpu.device.features.has('timestamp-query');
  const elements = 1 << 20;
  const [input, output] = [tensor('input', elements), tensor('output', elements)];
  const begin = async () => {
    const program = await Program.compile(
      gpu,
      'all',
      [op(swish, 'all', { elements }, { input, output })],
      new Map(),
    );
    const run = async (times: number) => {
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let i = 0; i < times; i++) program.encode(pass);
      pass.end();
      const start = performance.now();
      const read = stopwatch(gpu);
      gpu.device.queue.submit([encoder.finish()]);
      const milliseconds = await read?.();
      return { milliseconds, most: performance.now() - start };
    };
    await run(1);
    return { program, run };
  };

  test.runIf(hasClock)('measures what is submitted after its start, by the clock of the GPU', async () => {
    const { program, run } = await begin();
    const [long, ...short] = [await run(16), await run(1), await run(1), await run(1)];
    for (const { milliseconds, most } of [long, ...short]) {
      expect(milliseconds).toBeGreaterThan(0);
      expect(milliseconds).toBeLessThan(most + 1);
    }
    // A busy machine makes some of them longer.
    const shortest = Math.min(...short.map(({ milliseconds }) => milliseconds!));
    expect(long.milliseconds!).toBeGreaterThan(2 * shortest);
    program.destroy();
  });

  test.runIf(hasClock)('leaves no buffers or query sets behind', async () => {
    const { program, run } = await begin();
    const buffers = watchBuffers(gpu.device);
    const sets: GPUQuerySet[] = [];
    const create = gpu.device.createQuerySet.bind(gpu.device);
    vi.spyOn(gpu.device, 'createQuerySet').mockImplementation((descriptor) => {
      const set = create(descriptor);
      vi.spyOn(set, 'destroy');
      sets.push(set);
      return set;
    });
    await run(1);
    expect(buffers()).toEqual([]);
    expect(sets).toHaveLength(1);
    expect(sets[0].destroy).toHaveBeenCalledOnce();
    program.destroy();
  });

  test('measures nothing where the GPU’s clock is refused or missing', async () => {
    const { program, run } = await begin();
    vi.spyOn(gpu.device, 'createQuerySet').mockImplementation(() => {
      throw new TypeError('no clock');
    });
    expect((await run(1)).milliseconds).toBeUndefined();
    vi.restoreAllMocks();
    const without = { device: { features: new Set() } } as unknown as Parameters<typeof stopwatch>[0];
    expect(stopwatch(without)).toBeUndefined();
    program.destroy();
  });
});
