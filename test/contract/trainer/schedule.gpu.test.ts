/** A schedule that changes while a trainer lives: from which step on it holds, and that a change between two fits gives the same bits. */
import { expect, test, vi } from 'vitest';
import { Dataset } from '../../../src/data/dataset';
import { rateFactor, type Schedule } from '../../../src/plan/schedule';
import { Trainer } from '../../../src/training/trainer';
import { UNet } from '../../../src/unet/unet';
import { loadCheckpoint, saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf } from '../../lib/on_gpu';
import { BATCH, batchOf, images, network } from '../../lib/small_trainer';

const { gpu } = await testGpu();
const dataset = await Dataset.create(gpu, images);
const BASE = 3e-3;
const STEPS = 10;
const before: Schedule = { decay: 'none', warmup: 8 };
const after: Schedule = { decay: 'cosine', warmup: 2, steps: 12, floor: 0.1 };
const order = { epochs: 9, seed: 7 };
const USUAL = gpu.pacer.maxMilliseconds;
/** A submission for each dispatch. */
const inParts = () => {
  gpu.pacer.maxMilliseconds = 1e-6;
};
/** As before `inParts` or `afterSubmissions`. */
const atOnce = () => {
  vi.restoreAllMocks();
  gpu.pacer.maxMilliseconds = USUAL;
};

async function begin(schedule: Schedule = before) {
  const unet = await UNet.create(gpu, network, { seed: 3 });
  const options = { batchSize: BATCH, learningRate: BASE, schedule, customLoss: true };
  const trainer = await Trainer.create(gpu, unet, options);
  const rates: number[] = [];
  const losses: number[] = [];
  return {
    unet,
    trainer,
    losses,
    rates,
    async fitTo(step: number, each: (step: number) => void = () => {}) {
      for await (const event of trainer.fit(dataset, { ...order, maxSteps: step - losses.length })) {
        rates.push(event.learningRate);
        losses.push(event.loss);
        each(event.step);
      }
    },
    all: async () => ({ losses, rates, state: await trainer.getState() }),
    [Symbol.dispose]: () => [trainer, unet].map((each) => each.destroy()),
  };
}

/** The run whose schedule changes after `at` steps, when nothing is under way. */
async function changedAt(at: number) {
  using run = await begin();
  await run.fitTo(at);
  run.trainer.schedule = after;
  await run.fitTo(STEPS);
  return await run.all();
}

/** The number of steps that were made with the old schedule. */
const changeIn = (rates: readonly number[]) =>
  rates.findIndex((rate, step) => Math.abs(rate / (BASE * rateFactor(before, step)) - 1) > 1e-5);

test('a schedule that changes between two fits holds from the next step on, and is the checkpoint’s', async () => {
  const { rates, losses } = await changedAt(4);
  for (const [step, rate] of rates.entries())
    expect(rate).toBeCloseTo(BASE * rateFactor(step < 4 ? before : after, step), 8);
  expect(changeIn(rates)).toBe(4);
  using run = await begin();
  await run.fitTo(4);
  const { trainer } = run;
  trainer.schedule = after;
  const settings = { seed: order.seed, batchSize: BATCH, learningRate: BASE, epochs: order.epochs };
  const run4 = { trainer, settings, data: fingerprintImages(images), losses: losses.slice(0, 4) };
  expect(loadCheckpoint(await saveCheckpoint(run4)).training.schedule).toEqual(after);
  trainer.schedule = 'constant';
  expect(trainer.schedule).toEqual({ decay: 'none', warmup: 0 });
  await run.fitTo(5);
  expect(run.rates[4] / BASE).toBeCloseTo(1, 6);
});

test('a schedule that changes during a step of fit: the step in parts keeps the old one', async () => {
  using run = await begin();
  await run.fitTo(3);
  inParts();
  afterSubmissions(gpu, 5, () => {
    run.trainer.schedule = after;
  });
  await run.fitTo(STEPS);
  atOnce();
  expect(await run.all()).toEqual(await changedAt(4));
});

test('a schedule that changes during a step of runFor: several calls keep the old one to the step’s end', async () => {
  using run = await begin();
  const { trainer } = run;
  const runFor = (milliseconds: number) => trainer.runFor(dataset, { milliseconds, seed: order.seed });
  inParts();
  let result = await runFor(1e-3);
  while (result.step < 3 || result.progress < 0.2) result = await runFor(1e-3);
  expect(result.step).toBe(3);
  trainer.schedule = after;
  atOnce();
  while (result.step < STEPS) result = await runFor(100);
  const { losses } = await changedAt(4);
  expect([...(await trainer.readLosses(result.step))].slice(0, STEPS)).toEqual(losses.map(Math.fround));
});

const floats = batchOf(6).noisy;
const [noisy, target, output] = [0, 1, 2].map(() => bufferOf(gpu, floats));
type Run = Awaited<ReturnType<typeof begin>>;
test.each<[string, (run: Run, encoder: GPUCommandEncoder) => unknown]>([
  ['step', ({ trainer }, encoder) => trainer.encodeStep(encoder, { noisy, target })],
  [
    'step that drops a started one',
    async ({ trainer }, encoder) => {
      inParts();
      const { progress } = await trainer.runFor(dataset, { milliseconds: 1e-3 });
      atOnce();
      expect(progress).toBeGreaterThan(0);
      trainer.encodeStep(encoder, { noisy, target });
    },
  ],
  [
    'encodeUpdate',
    ({ trainer }, encoder) => {
      trainer.encodeForward(encoder, { input: noisy, output });
      trainer.encodeBackward(encoder, { outputGradient: target });
      trainer.encodeUpdate(encoder);
    },
  ],
])('a recorded %s takes the schedule in force when it runs', async (_, record) => {
  const made = async (schedule: Schedule, then: Schedule) => {
    using run = await begin(schedule);
    const encoder = gpu.device.createCommandEncoder();
    await record(run, encoder);
    run.trainer.schedule = then;
    gpu.device.queue.submit([encoder.finish()]);
    return await run.unet.getParameters();
  };
  const expected = await made(after, after);
  expect(await made(before, after)).toEqual(expected);
  expect(await made(before, before)).not.toEqual(expected);
});
