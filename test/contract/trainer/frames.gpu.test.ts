/** Training beside other work of the GPU: for some milliseconds at a time, in parts, and with a learning rate that is recorded. */
import { describe, expect, test, vi } from 'vitest';
import { Dataset } from '../../../src/data/dataset';
import type { Load } from '../../../src/gpu/pacer';
import type { FitOptions, FrameOptions, FrameResult, TrainerOptions } from '../../../src/training/options';
import type { Trainer } from '../../../src/training/trainer';
import { testGpu } from '../../lib/gpu';
import { bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';
import { batchOf, images, lossesOf, setUp } from '../../lib/small_trainer';

const { gpu } = await testGpu();
const dataset = await Dataset.create(gpu, images);

const arrays = Array.from({ length: 6 }, (_, i) => batchOf(8 + i));

/** A batch as buffers: the target images lie in the middle of theirs. */
function onGpu({ noisy, target }: (typeof arrays)[number]) {
  const around = new Float32Array(3 * target.length);
  around.set(target, target.length);
  const part = { offset: target.byteLength, size: target.byteLength };
  return { noisy: bufferOf(gpu, noisy), target: { buffer: bufferOf(gpu, around), ...part } };
}

const usual = gpu.pacer.maxMilliseconds;

const workOf = ({ workByShader }: Load) => [...workByShader.values()].reduce((sum, work) => sum + work, 0);
const sum = (results: readonly FrameResult[], name: 'steps' | 'images') =>
  results.reduce((all, result) => all + result[name], 0);
/** From now on a submission has one dispatch. */
const onePartEach = () => {
  gpu.pacer.maxMilliseconds = 1e-9;
};
/** A call makes one part. */
const onePart = { milliseconds: 1e-3, seed: 7 };

/** Calls `runFor` until `steps` steps are complete. */
async function framesOf(
  trainer: Trainer,
  source: Parameters<Trainer['runFor']>[0],
  steps: number,
  options: Partial<FrameOptions> = {},
): Promise<FrameResult[]> {
  const results: FrameResult[] = [];
  do results.push(await trainer.runFor(source, { milliseconds: 1, seed: 7, ...options }));
  while (results.at(-1)!.step < steps);
  return results;
}

const fitOf = (trainer: Trainer, maxSteps: number, how: Partial<FitOptions> = {}) =>
  lossesOf(trainer.fit(dataset, { epochs: 9, seed: 7, maxSteps, ...how }));
const lossesOfFit = async (steps: number, options: TrainerOptions = {}, how: Partial<FitOptions> = {}) =>
  fitOf((await setUp(gpu, options)).trainer, steps, how);

describe('runFor', () => {
  test.each<[TrainerOptions, { dropLast?: boolean }]>([
    [{}, {}],
    [{ average: {} }, { dropLast: true }],
  ])(
    'makes the steps of fit bit for bit, one dispatch or several at once, with %o %o',
    async (options, how) => {
      const expected = await lossesOfFit(20, options, how);
      const { trainer } = await setUp(gpu, options);
      onePartEach();
      const pieces = await framesOf(trainer, dataset, 3, { ...onePart, ...how });
      expect(pieces.length).toBeGreaterThan(20);
      // The share of each step that is done grows until the step is complete.
      for (const [i, { steps, progress, loss }] of pieces.entries()) {
        const before = i > 0 && pieces[i - 1].steps === 0 ? pieces[i - 1].progress : 0;
        expect(steps === 1 ? progress === 0 : progress > before && progress < 1).toBe(true);
        expect(loss !== undefined).toBe(steps === 1);
      }
      gpu.pacer.maxMilliseconds = usual;
      const all = [...pieces, ...(await framesOf(trainer, dataset, 7, { milliseconds: 5, ...how }))];
      const made = all.at(-1)!.step;
      expect(sum(all, 'steps')).toBe(made);
      // Epochs of ten images: batches of 4, 4 and 2.
      const images = how.dropLast ? 4 * made : Math.floor(made / 3) * 10 + [0, 4, 8][made % 3];
      expect(sum(all, 'images')).toBe(images);
      // A fit goes on, and then frames again.
      await fitOf(trainer, 2, how);
      await trainer.runFor(dataset, { ...onePart, ...how });
      const losses = [...(await trainer.readLosses(1024))].slice(0, 20);
      expect(losses.length).toBeGreaterThan(8);
      expect(losses).toEqual(expected.slice(0, losses.length));
    },
  );

  test.each([1, 9])(
    'makes the steps of fit, too, after the device has refused part %i of one',
    async (nth) => {
      const expected = await lossesOfFit(4);
      const { trainer } = await setUp(gpu);
      onePartEach();
      const { queue } = gpu.device;
      const submit = queue.submit.bind(queue);
      let parts = 0;
      vi.spyOn(queue, 'submit').mockImplementation((commands) => {
        if ([...commands].length > 0 && ++parts === nth) throw new TypeError('refused.');
        submit(commands);
      });
      await refused(framesOf(trainer, dataset, 2, onePart), 'shader', 'refused');
      gpu.pacer.maxMilliseconds = usual;
      await framesOf(trainer, dataset, 4);
      expect([...(await trainer.readLosses(1024))].slice(0, 4)).toEqual(expected);
    },
  );

  test('makes the same steps where a submission ends in the middle of an update', async () => {
    const expected = await lossesOfFit(7);
    // What the dispatches of a step are estimated at; the update's are last, and Adam's the very last.
    onePartEach();
    const submit = vi.spyOn(gpu, 'submit');
    const submitted = () => submit.mock.calls.flatMap(([_, load]) => (load ? [workOf(load)] : []));
    const { trainer } = await setUp(gpu);
    submit.mockClear();
    await framesOf(trainer, dataset, 1, onePart);
    const works = submitted();
    const whole = works.reduce((all, work) => all + work, 0);
    gpu.pacer.maxMilliseconds = 20;
    for (const steps of [1, 2, 3]) {
      const budget = steps * whole - works.at(-1)! / 2;
      vi.spyOn(gpu.pacer, 'millisecondsOf').mockImplementation(({ work }) => (20 * work) / budget);
      const { trainer } = await setUp(gpu);
      submit.mockClear();
      const results = await framesOf(trainer, dataset, 7, { milliseconds: 30 });
      const most = Math.max(...submitted());
      expect(most).toBeLessThanOrEqual(budget);
      expect(most).toBeGreaterThan(budget - works.at(-1)!);
      const made = results.at(-1)!.step;
      expect([...(await trainer.readLosses(made))].slice(0, 7)).toEqual(expected);
    }
  });

  test('has the order of its epoch again where setState takes it back from another epoch', async () => {
    const expected = await lossesOfFit(3);
    const { trainer, unet } = await setUp(gpu);
    onePartEach();
    await framesOf(trainer, dataset, 1, onePart);
    const weights = await unet.getParameters();
    const state = await trainer.getState();
    gpu.pacer.maxMilliseconds = usual;
    // Epochs have three steps: the order of the second one lies on the GPU then.
    await fitOf(trainer, 3);
    await unet.setParameters(weights);
    trainer.setState(state);
    onePartEach();
    await framesOf(trainer, dataset, 3, onePart);
    expect([...(await trainer.readLosses(2))]).toEqual(expected.slice(1));
  });

  test('takes batches of a function, arrays or buffers, one for each step', async () => {
    const one = await setUp(gpu);
    const two = await setUp(gpu);
    const expected: number[] = [];
    for (const batch of arrays) expected.push(await one.trainer.step(batch));
    const buffers = arrays.map(onGpu);
    let asked = 0;
    const next = () => (asked % 2 === 0 ? arrays[asked++] : buffers[asked++]);
    onePartEach();
    const results = await framesOf(two.trainer, next, arrays.length, onePart);
    expect(asked).toBe(arrays.length);
    expect([...(await two.trainer.readLosses(9))]).toEqual(expected);
    expect(results.flatMap(({ loss }) => loss ?? [])).toEqual(expected);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test.each<[string, number, (trainer: Trainer, recorded: GPUCommandEncoder) => unknown]>([
    ['step makes another', 1, (trainer) => trainer.step(arrays[1])],
    ['a step recorded before is submitted', 1, (_, recorded) => gpu.device.queue.submit([recorded.finish()])],
    [
      'the caller’s encodeForward overwrites its memory',
      0,
      (trainer) => {
        const { noisy: input, target } = onGpu(arrays[3]);
        const output = roomFor(gpu, target.size / 4);
        submit(gpu, (encoder) => trainer.encodeForward(encoder, { input, output }));
      },
    ],
  ])('loses the started part of a step, and its batch, where %s', async (_, steps, amid) => {
    const one = await setUp(gpu);
    const two = await setUp(gpu, { customLoss: true });
    for (const i of [1, 2].slice(0, steps + 1)) await one.trainer.step(arrays[i]);
    const encoder = gpu.device.createCommandEncoder();
    two.trainer.encodeStep(encoder, onGpu(arrays[1]));
    let given = 0;
    const source = () => arrays[given++];
    onePartEach();
    for (let i = 0; i < 5; i++) {
      const part = await two.trainer.runFor(source, onePart);
      expect(part).toMatchObject({ steps: 0, step: 0, images: 0, loss: undefined });
      expect(part.progress).toBeGreaterThan(0);
    }
    expect(given).toBe(1);
    await amid(two.trainer, encoder);
    given = 1 + steps;
    await framesOf(two.trainer, source, 1 + steps, onePart);
    expect(given).toBe(2 + steps);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('submits no more at once than fits into the time, and ends when no more fits', async () => {
    const { trainer } = await setUp(gpu);
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
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((turn: () => void, delay = 0) => {
      now += delay;
      pauses.push(delay);
      queueMicrotask(turn);
    }) as never);
    const before = now;
    const shared = await trainer.runFor(dataset, { milliseconds: 20, share: 0.25 });
    expect(planned.length).toBeGreaterThanOrEqual(2);
    expect(planned.length).toBeLessThan(5);
    const elapsed = shared.milliseconds + pauses.reduce((all, each) => all + each, 0);
    expect(now - before).toBeCloseTo(elapsed, 6);
    expect(pauses[0]).toBeCloseTo(12, 6);
  });
});

test('a recorded step has the learning rate that it was recorded with', async () => {
  const rates = [3e-3, 1.7e-2, 1e-4];
  const one = await setUp(gpu);
  const two = await setUp(gpu, { learningRate: rates[0] });
  for (const [i, rate] of rates.entries()) {
    one.trainer.learningRate = rate;
    await one.trainer.step(arrays[i]);
  }
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
