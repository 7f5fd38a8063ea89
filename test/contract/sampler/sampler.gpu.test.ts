/** The sampler as its users see it: steps, seeds, aborting, recording, and its complaints. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { readBuffer } from '../../../src/gpu/staging';
import type { SampleOptions } from '../../../src/sampling/options';
import { Orders } from '../../../src/sampling/orders';
import { Sampler } from '../../../src/sampling/sampler';
import { checkConfig } from '../../../src/unet/config';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf, expectNear, floatsIn, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();

const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };
const size = 16;
const count = 3;

async function setUp() {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  return { unet, sampler: await Sampler.create(gpu, unet, { count }) };
}

test('every step of the method mix is x = clip(x (1 - m) + net(x) m, 0, 1) with m = 1 / (steps - step)', async () => {
  const { unet, sampler } = await setUp();
  const reference = new ReferenceUNet(checkConfig(config), await unet.getParameters());
  const noise = new Random(1).floats(count * size, 0, 1);
  let x = Float64Array.from(noise);
  let steps = 0;
  for await (const event of sampler.run({ steps: 5, noise })) {
    const prediction = reference.predict(x, count);
    const m = 1 / (5 - event.step);
    expectNear(event.input, x, `x before step ${event.step}`);
    expectNear(event.prediction, prediction, `prediction of step ${event.step}`);
    x = x.map((v, i) => Math.min(Math.max(v * (1 - m) + prediction[i] * m, 0), 1));
    expectNear(event.x, x, `x after step ${event.step}`);
    steps++;
  }
  expect(steps).toBe(5);
});

test('kernels are transformed once a submission, and weights that change during a run count from the next step on', async () => {
  const wide = { height: 8, width: 8, widths: [8, 8] };
  const variants = { 'conv2d/down.1': 'winograd4', 'conv2d/up.0': 'winograd7_gpu' };
  using unet = await UNet.create(gpu, wide, { seed: 3 });
  using other = await UNet.create(gpu, wide, { seed: 4 });
  using sampler = await Sampler.create(gpu, unet, { count: 4, variants });
  expect(sampler.parts.prepare.map(({ partCount }) => partCount)).toEqual([2]);

  for await (const { step, input, prediction } of sampler.run({ steps: 2 })) {
    if (step === 0) await unet.setParameters(await other.getParameters());
    else expectNear(prediction, await other.predict(input, { count: 4 }), 'with the new weights');
  }
});

test('a run’s noise follows from the seed, and sample, run and encodeRun agree', async () => {
  const { sampler } = await setUp();
  const result = await sampler.sample({ steps: 3, seed: 9 });
  let last: Float32Array | undefined;
  let start: Float32Array<ArrayBuffer> | undefined;
  for await (const { input, x } of sampler.run({ steps: 3, seed: 9 })) {
    start ??= input;
    last = x;
  }
  expect(last).toEqual(result);
  expect(await sampler.sample({ steps: 3, seed: 10 })).not.toEqual(result);
  expect(start!.every((v) => v >= 0 && v < 1)).toBe(true);

  const buffer = bufferOf(gpu, start!);
  for (const options of [{ steps: 3 }, { steps: 3, seed: 9 }]) {
    submit(gpu, (encoder) => sampler.encodeRun(encoder, buffer, options));
    expect(await floatsIn(gpu, buffer)).toEqual(result);
  }
  buffer.destroy();
});

test('without a seed sample and run draw one, which sampler.seed tells', async () => {
  const { sampler } = await setUp();
  expect(sampler.seed).toBeUndefined();
  const first = await sampler.sample({ steps: 2 });
  const { seed } = sampler;
  const second = await sampler.sample({ steps: 2 });
  expect(second).not.toEqual(first);
  expect(await sampler.sample({ steps: 2, seed })).toEqual(first);
  expect(sampler.seed).toBe(seed);
  let last: Float32Array | undefined;
  for await (const { x } of sampler.run({ steps: 2 })) last = x;
  expect(sampler.seed).not.toBe(seed);
  expect(await sampler.sample({ steps: 2, seed: sampler.seed })).toEqual(last);
});

test('an abort stops sampler.run between two steps, and the sampler can be used again', async () => {
  const { sampler } = await setUp();
  const abort = new AbortController();
  const run = async () => {
    for await (const { step } of sampler.run({ steps: 10, signal: abort.signal }))
      if (step === 1) abort.abort('stop');
  };
  await expect(run()).rejects.toBe('stop');
  expect((await sampler.sample({ steps: 1 })).length).toBe(count * size);
});

test('an aborted sampler.run that waits in its loop is busy until its iterator returns', async () => {
  const { sampler } = await setUp();
  const abort = new AbortController();
  const run = sampler.run({ steps: 3, signal: abort.signal });
  await run.next();
  abort.abort();
  const message = expect.stringContaining('call return() of the iterator');
  await expect(sampler.sample({ steps: 1 })).rejects.toMatchObject({ code: 'busy', message });
  await run.return();
  await sampler.sample({ steps: 1 });
});

test('sample submits all the steps at once that the pacer allows, with the same bits', async () => {
  const { sampler } = await setUp();
  const submit = vi.spyOn(gpu, 'submit');
  const sample = async (maxMilliseconds: number) => {
    submit.mockClear();
    gpu.pacer.maxMilliseconds = maxMilliseconds;
    const done: number[] = [];
    const images = await sampler.sample({ steps: 20, seed: 4, onStep: (n) => done.push(n) });
    expect(done.at(-1)).toBe(20);
    return { images, done, submissions: submit.mock.calls.length };
  };
  const atOnce = await sample(1e6);
  // The noise, the steps, the result.
  expect(atOnce.submissions).toBe(3);
  expect(atOnce.done).toEqual([20]);
  const inParts = await sample(1e-6);
  expect(inParts.done).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(inParts.submissions).toBeGreaterThan(20 * 8);
  expect(inParts.images).toEqual(atOnce.images);
  let last: Float32Array | undefined;
  for await (const { x } of sampler.run({ steps: 20, seed: 4 })) last = x;
  expect(last).toEqual(atOnce.images);
});

test('an abort stops sampler.sample between two submissions', async () => {
  const { sampler } = await setUp();
  gpu.pacer.maxMilliseconds = 1e-6;
  const abort = new AbortController();
  const done: number[] = [];
  const onStep = (n: number) => {
    done.push(n);
    if (n === 2) abort.abort('stop');
  };
  await expect(sampler.sample({ steps: 10, signal: abort.signal, onStep })).rejects.toBe('stop');
  expect(done).toEqual([1, 2]);
});

test('a step allocates nothing, in a run or recorded', async () => {
  const { sampler } = await setUp();
  const createBuffer = vi.spyOn(gpu.device, 'createBuffer');
  const run = async (steps: number) => {
    createBuffer.mockClear();
    for await (const _ of sampler.run({ steps }));
    return createBuffer.mock.calls.length;
  };
  expect(await run(7)).toBe(await run(1));
  const images = roomFor(gpu, count * size);
  const encodeRun = () => sampler.encodeRun(gpu.device.createCommandEncoder(), images, { steps: 2 });
  encodeRun();
  createBuffer.mockClear();
  encodeRun();
  expect(createBuffer).not.toHaveBeenCalled();
  images.destroy();
});

test('the numbers of the last eight recorded runs stay, and are written once', async () => {
  const write = vi.spyOn(gpu.device.queue, 'writeBuffer');
  const orders = await Orders.create(gpu, 16);
  const wordsOf = (i: number) => new Uint32Array(4).fill(i);
  const placed: ReturnType<Orders['place']>[] = [];
  for (let i = 0; i < 40; i++) {
    placed.push(orders.place(wordsOf(i)));
    expect(orders.place(wordsOf(i))).toEqual(placed[i]);
    expect(write).toHaveBeenCalledTimes(i + 1);
    const all = await Promise.all(
      [...new Set(placed.map(({ buffer }) => buffer))].map(
        async (buffer) => [buffer, await readBuffer(gpu, buffer, 32)] as const,
      ),
    );
    const held = new Map(all);
    for (let n = Math.max(0, i - 7); n <= i; n++) {
      const { buffer, offset } = placed[n];
      expect(new Uint32Array(held.get(buffer)!, offset, 4), `order ${n} of ${i}`).toEqual(wordsOf(n));
    }
  }
  expect(orders.bytes).toBe(16 * 16);
  orders.destroy();
});

test('encodeRun is refused in the middle of a run', async () => {
  const { sampler } = await setUp();
  const buffer = roomFor(gpu, count * size);
  const encodeRun = () => sampler.encodeRun(gpu.device.createCommandEncoder(), buffer, { steps: 1 });
  const sampling = sampler.sample({ steps: 2 });
  await refused(sampler.sample({ steps: 2 }), 'busy');
  expect(encodeRun).toThrow('in the middle of a run');
  await sampling;
  encodeRun();
  buffer.destroy();
});

describe.each(['sample', 'run'] as const)('during %s, destroying', (method) => {
  test.each(['sampler', 'unet'] as const)('the %s ends it with an error', async (what) => {
    gpu.pacer.maxMilliseconds = 1e-6; // a submission for each dispatch
    for (const n of [1, 3, 30]) {
      const all = await setUp();
      const submissions = afterSubmissions(gpu, n, () => all[what].destroy());
      const run = async () => {
        if (method === 'sample') await all.sampler.sample({ steps: 9 });
        else for await (const _ of all.sampler.run({ steps: 9 }));
      };
      await expect(run(), `after ${n}`).rejects.toMatchObject({ name: 'EngineError', code: 'destroyed' });
      // A whole run submits a hundred times and more; this one ends at the next submission that needs what is gone.
      expect(submissions(), `after ${n}`).toBeLessThanOrEqual(n + 10);
      vi.restoreAllMocks();
    }
  });
});

test('a sampler that is destroyed in the loop of its run throws in the next step', async () => {
  const { sampler } = await setUp();
  const run = async () => {
    for await (const { step } of sampler.run({ steps: 9 })) if (step === 1) sampler.destroy();
  };
  await refused(run(), 'destroyed');
});

test('arguments of a sampler that are out of range are refused', async () => {
  const { unet, sampler } = await setUp();
  await expect(sampler.sample({ steps: 0 })).rejects.toThrow('steps is 0');
  await expect(sampler.sample({ steps: 1e6 })).rejects.toThrow('from 1 to 1000');
  await expect(sampler.sample({ steps: 1, noise: new Float32Array(5) })).rejects.toThrow(
    'noise has 5 values',
  );
  await expect(sampler.sample({ steps: 1, noise: new Float64Array(count * size) as never })).rejects.toThrow(
    'noise is of type Float64Array; it must be a Float32Array',
  );
  const foreign = { [Symbol.toStringTag]: 'UNet' } as UNet;
  await refused(Sampler.create(gpu, foreign), 'argument', 'of another copy of this library');
  await expect(Sampler.create(gpu, unet, { count: 0 })).rejects.toThrow('count is 0');
  await expect(Sampler.create(gpu, unet, { counts: 4 } as object)).rejects.toThrow('no setting counts');
  const misspelt = { steps: 1, sed: 3 } as SampleOptions;
  await expect(sampler.sample(misspelt)).rejects.toThrow('no setting sed');
  await expect(sampler.run(misspelt).next()).rejects.toThrow('no setting sed');
  sampler.destroy();
  await expect(sampler.sample({ steps: 1 })).rejects.toThrow('was destroyed');
});
