/** Training beside other work of the GPU: for some milliseconds at a time, in parts, and with a learning rate that is recorded. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { Dataset } from '../../../src/data/dataset';
import { Gpu } from '../../../src/gpu/gpu';
import { Load } from '../../../src/gpu/pacer';
import type { FitOptions, FrameOptions, FrameResult, TrainerOptions } from '../../../src/training/options';
import { Trainer } from '../../../src/training/trainer';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();

const config = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
const size = 4 * 8;
const count = 10;
const images = Uint8Array.from(new Random(5).integers(count * size, 256));
const createDataset = () => Dataset.create(gpu, { images, count, height: 4, width: 8, channels: 1 });

async function setUp(options: TrainerOptions = {}) {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  return { unet, trainer: await Trainer.create(gpu, unet, { batchSize: 4, ...options }) };
}

const random = new Random(8);
const arrays = Array.from({ length: 6 }, () => ({
  noisy: random.floats(4 * size, 0, 1),
  target: random.floats(4 * size, 0, 1),
}));

/** A batch as buffers: the target images lie in the middle of theirs. */
function onGpu({ noisy, target }: (typeof arrays)[number]) {
  const around = new Float32Array(3 * target.length);
  around.set(target, target.length);
  const part = { offset: target.byteLength, size: target.byteLength };
  return { noisy: bufferOf(gpu, noisy), target: { buffer: bufferOf(gpu, around), ...part } };
}

const usual = gpu.pacer.maxMilliseconds;

const workOf = ({ workByShader }: Load) => [...workByShader.values()].reduce((sum, work) => sum + work, 0);
/** From now on a submission has one dispatch. */
const onePartEach = () => {
  gpu.pacer.maxMilliseconds = 1e-9;
};

/** Calls `runFor` until `steps` steps are complete. */
async function framesOf(
  trainer: Trainer,
  source: Parameters<Trainer['runFor']>[0],
  steps: number,
  options: Partial<FrameOptions> = {},
): Promise<FrameResult[]> {
  const results: FrameResult[] = [];
  do results.push(await trainer.runFor(source, { milliseconds: 1, ...options }));
  while (results.at(-1)!.step < steps);
  return results;
}

async function lossesOfFit(
  steps: number,
  options: TrainerOptions = {},
  how: Partial<FitOptions> = {},
): Promise<number[]> {
  const { trainer } = await setUp(options);
  const losses: number[] = [];
  const fit = { epochs: 9, seed: 7, maxSteps: steps, ...how };
  for await (const { loss } of trainer.fit(await createDataset(), fit)) losses.push(loss);
  return losses;
}

describe('runFor', () => {
  test.each([{}, { average: {} }])(
    'makes the steps of fit bit for bit, one dispatch or several in a submission, with %o',
    async (options) => {
      const expected = await lossesOfFit(7, options);
      const { trainer } = await setUp(options);
      const dataset = await createDataset();
      onePartEach();
      const pieces = await framesOf(trainer, dataset, 3, { seed: 7, milliseconds: 1e-3 });
      expect(pieces.length).toBeGreaterThan(20);
      // The share of each step that is done grows until the step is complete.
      for (const [i, { steps, progress, loss }] of pieces.entries()) {
        const before = i > 0 && pieces[i - 1].steps === 0 ? pieces[i - 1].progress : 0;
        expect(steps === 1 ? progress === 0 : progress > before && progress < 1).toBe(true);
        expect(loss !== undefined).toBe(steps === 1);
      }
      gpu.pacer.maxMilliseconds = usual;
      const rest = await framesOf(trainer, dataset, 7, { seed: 7, milliseconds: 50 });
      const total = [...pieces, ...rest].reduce((sum, { steps }) => sum + steps, 0);
      const made = rest.at(-1)!.step;
      expect(total).toBe(made);
      expect([...(await trainer.readLosses(made))].slice(0, 7)).toEqual(expected);
      const images = [...pieces, ...rest].reduce((sum, each) => sum + each.images, 0);
      // Epochs of ten images: batches of 4, 4 and 2.
      expect(images).toBe(Math.floor(made / 3) * 10 + [0, 4, 8][made % 3]);
    },
  );

  test('leaves the last batch of an epoch out with dropLast, as fit does', async () => {
    const expected = await lossesOfFit(5, {}, { dropLast: true });
    const { trainer } = await setUp();
    const pieces = await framesOf(trainer, await createDataset(), 5, { seed: 7, dropLast: true });
    const { step } = pieces.at(-1)!;
    expect([...(await trainer.readLosses(step))].slice(0, 5)).toEqual(expected);
    expect(pieces.reduce((sum, { images }) => sum + images, 0)).toBe(4 * step);
  });

  test('makes the steps of fit, too, after the device has refused a part of one', async () => {
    const expected = await lossesOfFit(4);
    for (const refusedPart of [1, 4, 9]) {
      const { trainer } = await setUp();
      const dataset = await createDataset();
      onePartEach();
      const { queue } = gpu.device;
      const submit = queue.submit.bind(queue);
      let parts = 0;
      vi.spyOn(queue, 'submit').mockImplementation((commands) => {
        if ([...commands].length > 0 && ++parts === refusedPart) throw new TypeError('refused.');
        submit(commands);
      });
      await refused(framesOf(trainer, dataset, 2, { seed: 7, milliseconds: 1e-3 }), 'shader', 'refused');
      vi.restoreAllMocks();
      gpu.pacer.maxMilliseconds = usual;
      await framesOf(trainer, dataset, 4, { seed: 7 });
      expect([...(await trainer.readLosses(1024))].slice(0, 4), `part ${refusedPart}`).toEqual(expected);
    }
  });

  test('makes the same steps where a submission ends in the middle of an update', async () => {
    const expected = await lossesOfFit(7);
    // What the dispatches of a step are estimated at; the update's are last, and Adam's the very last.
    onePartEach();
    const submit = vi.spyOn(gpu, 'submit');
    const submitted = () => submit.mock.calls.flatMap(([, load]) => (load ? [workOf(load)] : []));
    const { trainer } = await setUp();
    submit.mockClear();
    await framesOf(trainer, await createDataset(), 1, { milliseconds: 1e-3 });
    const works = submitted();
    const whole = works.reduce((sum, work) => sum + work, 0);
    gpu.pacer.maxMilliseconds = 20;
    for (const steps of [1, 2, 3]) {
      const budget = steps * whole - works.at(-1)! / 2;
      vi.spyOn(gpu.pacer, 'millisecondsOf').mockImplementation(({ work }) => (20 * work) / budget);
      const { trainer } = await setUp();
      submit.mockClear();
      const results = await framesOf(trainer, await createDataset(), 7, { seed: 7, milliseconds: 30 });
      const most = Math.max(...submitted());
      expect(most).toBeLessThanOrEqual(budget);
      expect(most).toBeGreaterThan(budget - works.at(-1)!);
      const made = results.at(-1)!.step;
      expect([...(await trainer.readLosses(made))].slice(0, 7)).toEqual(expected);
    }
  });

  test('goes on after steps of fit, and fit goes on after steps of runFor', async () => {
    const expected = await lossesOfFit(9);
    const { trainer } = await setUp();
    const dataset = await createDataset();
    const train = async (maxSteps: number) => {
      for await (const _ of trainer.fit(dataset, { epochs: 9, seed: 7, maxSteps }));
    };
    await train(2);
    onePartEach();
    await framesOf(trainer, dataset, 4, { seed: 7, milliseconds: 1e-3 });
    await trainer.runFor(dataset, { seed: 7, milliseconds: 1e-3 });
    gpu.pacer.maxMilliseconds = usual;
    await train(5);
    expect([...(await trainer.readLosses(9))]).toEqual(expected);
  });

  test('has the order of its epoch again where setState takes it back from another epoch', async () => {
    const expected = await lossesOfFit(3);
    const { trainer, unet } = await setUp();
    const dataset = await createDataset();
    onePartEach();
    await framesOf(trainer, dataset, 1, { seed: 7, milliseconds: 1e-3 });
    const [weights, state] = [await unet.getParameters(), await trainer.getState()];
    gpu.pacer.maxMilliseconds = usual;
    // Epochs have three steps: the order of the second one lies on the GPU then.
    for await (const _ of trainer.fit(dataset, { epochs: 9, seed: 7, maxSteps: 3 }));
    await unet.setParameters(weights);
    trainer.setState(state);
    onePartEach();
    await framesOf(trainer, dataset, 3, { seed: 7, milliseconds: 1e-3 });
    expect([...(await trainer.readLosses(2))]).toEqual(expected.slice(1));
  });

  test('takes batches of a function, arrays or buffers, one for each step', async () => {
    const one = await setUp();
    const expected: number[] = [];
    for (const batch of arrays) expected.push(await one.trainer.step(batch));
    const two = await setUp();
    const buffers = arrays.map(onGpu);
    let asked = 0;
    const next = () => (asked % 2 === 0 ? arrays[asked++] : buffers[asked++]);
    onePartEach();
    const results = await framesOf(two.trainer, next, arrays.length, { milliseconds: 1e-3 });
    expect(asked).toBe(arrays.length);
    expect([...(await two.trainer.readLosses(9))]).toEqual(expected);
    expect(results.flatMap(({ loss }) => loss ?? [])).toEqual(expected);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('loses the started part of a step, and its batch, when trainer.step is called', async () => {
    const one = await setUp();
    for (const i of [1, 2]) await one.trainer.step(arrays[i]);
    const two = await setUp();
    let given = 0;
    onePartEach();
    const part = await two.trainer.runFor(() => arrays[given++], { milliseconds: 1e-3 });
    expect(part).toMatchObject({ steps: 0, step: 0, images: 0, loss: undefined });
    expect(part.progress).toBeGreaterThan(0);
    gpu.pacer.maxMilliseconds = usual;
    await two.trainer.step(arrays[1]);
    given = 2;
    await framesOf(two.trainer, () => arrays[given++], 2, { milliseconds: 1e-3 });
    expect(given).toBe(3);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('loses the started part of a step when the caller’s encodeForward overwrites its memory', async () => {
    const one = await setUp();
    await one.trainer.step(arrays[1]);
    const two = await setUp({ customLoss: true });
    let given = 0;
    onePartEach();
    for (let i = 0; i < 5; i++) await two.trainer.runFor(() => arrays[given++], { milliseconds: 1e-3 });
    const { noisy, target } = onGpu(arrays[3]);
    const output = roomFor(gpu, target.size / 4);
    submit(gpu, (encoder) => two.trainer.encodeForward(encoder, { input: noisy, output }));
    await framesOf(two.trainer, () => arrays[given++], 1, { milliseconds: 1e-3 });
    expect(given).toBe(2);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('begins a started step again when a step recorded before runs meanwhile', async () => {
    const one = await setUp();
    for (const i of [1, 2]) await one.trainer.step(arrays[i]);
    const two = await setUp();
    const encoder = gpu.device.createCommandEncoder();
    two.trainer.encodeStep(encoder, onGpu(arrays[1]));
    let given = 0;
    onePartEach();
    await two.trainer.runFor(() => arrays[given++], { milliseconds: 1e-3 });
    gpu.device.queue.submit([encoder.finish()]);
    given = 2;
    await framesOf(two.trainer, () => arrays[given++], 2, { milliseconds: 1e-3 });
    expect(given).toBe(3);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('submits no more at once than fits into the time, and ends when no more fits', async () => {
    const { trainer } = await setUp();
    const dataset = await createDataset();
    await trainer.runFor(dataset, { milliseconds: 20 });
    // By a clock of the test's own, on which a submission takes 4 ms.
    let now = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const planned: number[] = [];
    const submit = gpu.submit.bind(gpu);
    vi.spyOn(gpu, 'submit').mockImplementation(async (encoder, load) => {
      planned.push(gpu.pacer.predict(load!));
      await submit(encoder);
      now += 4;
      load!.milliseconds = 4;
    });
    const { milliseconds } = await trainer.runFor(dataset, { milliseconds: 20 });
    for (const each of planned) expect(each).toBeLessThanOrEqual(20);
    // Five, and as many as it takes to complete an update that they cut.
    expect(planned.length).toBeGreaterThanOrEqual(5);
    expect(planned.length).toBeLessThan(8);
    expect(milliseconds).toBeCloseTo(4 * planned.length, 6);
    // With a quarter of the GPU: a submission, a pause three times as long, and another, whose pause the end of the time cuts.
    planned.length = 0;
    const pauses: number[] = [];
    const { setTimeout } = globalThis;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((turn: () => void, delay = 0) => {
      // In Firefox the waiting for the GPU has turns of a millisecond, which must take their time.
      if (delay <= 1) return setTimeout(turn, delay);
      now += delay;
      pauses.push(delay);
      queueMicrotask(turn);
    }) as never);
    const before = now;
    const shared = await trainer.runFor(dataset, { milliseconds: 20, share: 0.25 });
    expect(planned.length).toBeGreaterThanOrEqual(2);
    expect(planned.length).toBeLessThan(5);
    const elapsed = shared.milliseconds + pauses.reduce((sum, each) => sum + each, 0);
    expect(now - before).toBeCloseTo(elapsed, 6);
    expect(pauses[0]).toBeCloseTo(12, 6);
  });

  test('learns the speed of a GPU that other programs use too, and that reports its ends late', async () => {
    // Each submission waits 5 ms for other programs' submissions, takes 1 ms for a million of work, and reports its end 3 ms late.
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const busy = new Gpu(gpu.device);
    const ends: (() => void)[] = [];
    vi.spyOn(busy, 'settle').mockImplementation(
      () => new Promise((resolve) => ends.push(resolve as () => void)),
    );
    busy.pacer.maxMilliseconds = 4;
    // The GPU's own clock is not the test's.
    vi.spyOn(busy.pacer, 'isLate', 'get').mockReturnValue(false);
    for (let i = 0; i < 12; i++) {
      const load = new Load();
      load.add({ shader: 'any', work: busy.pacer.budget('any') });
      const start = now;
      const milliseconds = workOf(load) / 1e6;
      const done = busy.submit(gpu.device.createCommandEncoder(), load);
      const [before, memory, validation, end] = ends.splice(0);
      memory();
      validation();
      now = start + 8;
      before();
      await new Promise((resolve) => setTimeout(resolve));
      now += milliseconds;
      end();
      await done;
      expect(load.milliseconds).toBeCloseTo(milliseconds, 6);
    }
    // Thus 4 ms are 4 million.
    expect(busy.pacer.budget('any') / 4e6).toBeCloseTo(1, 2);
  });

  test('throws for a step that is not finite, which changes nothing', async () => {
    const { trainer, unet } = await setUp();
    const before = await unet.getParameters();
    const bad = { noisy: arrays[0].noisy.slice(), target: arrays[0].target };
    bad.noisy[5] = Number.NaN;
    onePartEach();
    await refused(
      () => framesOf(trainer, () => bad, 1, { milliseconds: 1e-3 }),
      'argument',
      'noisy[5] of its batch is NaN',
    );
    expect(await unet.getParameters()).toEqual(before);
    gpu.pacer.maxMilliseconds = usual;
    await framesOf(trainer, () => arrays[0], 1);
  });

  test('refuses wrong arguments before anything is recorded', async () => {
    const { trainer } = await setUp();
    const dataset = await createDataset();
    const submit = vi.spyOn(gpu.device.queue, 'submit');
    const write = vi.spyOn(gpu.device.queue, 'writeBuffer');
    const encoder = vi.spyOn(gpu.device, 'createCommandEncoder');
    for (const milliseconds of [0, Number.NaN, -1, Number.POSITIVE_INFINITY, '5', undefined]) {
      await refused(trainer.runFor(dataset, { milliseconds } as never), 'argument', 'milliseconds is ');
    }
    const wrong = [
      [dataset, { milliseconds: 1, share: 0 }, 'share is 0'],
      [dataset, { milliseconds: 1, shares: 1 }, 'no setting shares'],
      [dataset, undefined, 'settings of type Undefined'],
      [undefined, { milliseconds: 1 }, 'not a data set'],
      [arrays[0], { milliseconds: 1 }, 'not a data set'],
    ] as const;
    for (const [source, options, text] of wrong) {
      await refused(trainer.runFor(source as never, options as never), 'argument', text);
    }
    for (const spy of [submit, write, encoder]) expect(spy).not.toHaveBeenCalled();
    const none = trainer.runFor(() => undefined as never, { milliseconds: 1 });
    await refused(none, 'argument', 'The batch is of type Undefined');
    const running = trainer.runFor(dataset, { milliseconds: 1 });
    await refused(trainer.step(arrays[0]), 'busy');
    await running;
  });

  test('does nothing with a signal that is aborted already', async () => {
    const { trainer } = await setUp();
    const stopped = { milliseconds: 1, signal: AbortSignal.abort() };
    onePartEach();
    const source = vi.fn(() => arrays[0]);
    const { progress, step } = (await framesOf(trainer, source, 1, { milliseconds: 1e-3 })).at(-2)!;
    const nothing = { steps: 0, loss: undefined, images: 0, milliseconds: 0 };
    expect(progress).toBeGreaterThan(0);
    const calls = source.mock.calls.length;
    expect(await trainer.runFor(source, stopped)).toEqual({ ...nothing, step: step + 1, progress: 0 });
    expect(source).toHaveBeenCalledTimes(calls);
    const part = await trainer.runFor(source, { milliseconds: 1e-3 });
    expect(await trainer.runFor(source, stopped)).toEqual({ ...nothing, step: 1, progress: part.progress });
    // Another step drops it.
    gpu.pacer.maxMilliseconds = usual;
    await trainer.step(arrays[1]);
    expect(await trainer.runFor(source, stopped)).toEqual({ ...nothing, step: 2, progress: 0 });
  });
});

describe('a recorded step', () => {
  test('has the learning rate that it was recorded with', async () => {
    const rates = [3e-3, 1.7e-2, 1e-4];
    const one = await setUp({ learningRate: rates[0] });
    for (const [i, rate] of rates.entries()) {
      one.trainer.learningRate = rate;
      await one.trainer.step(arrays[i]);
    }
    const two = await setUp({ learningRate: rates[0] });
    const buffers = arrays.map(onGpu);
    submit(gpu, (encoder) => {
      two.trainer.encodeStep(encoder, buffers[0]);
      two.trainer.learningRate = rates[1];
      two.trainer.encodeStep(encoder, buffers[1]);
      two.trainer.encodeStep(encoder, buffers[2], { learningRate: rates[2] });
      two.trainer.learningRate = 9;
    });
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
    // The next one has the trainer's own again.
    for (const { trainer } of [one, two]) {
      trainer.learningRate = 2e-3;
      await trainer.step(arrays[3]);
    }
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('is refused with a wrong rate, batch or encoder', async () => {
    const { trainer } = await setUp();
    const batch = onGpu(arrays[0]);
    const encoder = gpu.device.createCommandEncoder();
    const refuses = (work: () => unknown, fact: string) => refused(work, 'argument', fact);
    const rate = { learningRate: -1 };
    await refuses(() => trainer.encodeStep(encoder, batch, rate), 'learningRate is -1');
    await refuses(() => trainer.encodeStep(encoder, arrays[0] as never), 'a Float32Array as noisy');
    await refuses(() => trainer.encodeStep(undefined as never, batch), 'The encoder is of');
  });
});
