/** A schedule that changes while a trainer lives: from which step on it holds, and that a change between two fits gives the same bits. */
import { expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { Dataset } from '../../../src/data/dataset';
import { rateFactor, type Schedule } from '../../../src/plan/schedule';
import { Trainer } from '../../../src/training/trainer';
import { UNet } from '../../../src/unet/unet';
import { loadCheckpoint, saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf, submit } from '../../lib/on_gpu';

const { gpu } = await testGpu();
const network = { height: 8, width: 8, widths: [4, 8], kernelSize: 3 };
const images = {
  images: Uint8Array.from(new Random(1).integers(24 * 64, 256)),
  ...{ count: 24, height: 8, width: 8, channels: 1 },
};
const dataset = await Dataset.create(gpu, images);
const BASE = 3e-3;
const STEPS = 10;
const before: Schedule = { decay: 'none', warmup: 8 };
const after: Schedule = { decay: 'cosine', warmup: 2, steps: 12, floor: 0.1 };
const order = { epochs: 9, seed: 7 };
const USUAL = gpu.pacer.maxMilliseconds;
/** As before `inParts` or `changeDuringSubmission`. */
const atOnce = () => {
  vi.restoreAllMocks();
  gpu.pacer.maxMilliseconds = USUAL;
};

interface Run extends Disposable {
  readonly unet: UNet;
  readonly trainer: Trainer;
  readonly rates: number[];
  readonly losses: number[];
}

async function begin(schedule: Schedule = before): Promise<Run> {
  const unet = await UNet.create(gpu, network, { seed: 3 });
  const trainer = await Trainer.create(gpu, unet, { batchSize: 4, learningRate: BASE, schedule });
  return {
    unet,
    trainer,
    rates: [],
    losses: [],
    [Symbol.dispose]: () => [trainer, unet].map((o) => o.destroy()),
  };
}

async function fitTo(run: Run, step: number, each: (step: number) => void = () => {}): Promise<void> {
  const maxSteps = step - run.losses.length;
  for await (const event of run.trainer.fit(dataset, { ...order, maxSteps })) {
    run.rates.push(event.learningRate);
    run.losses.push(event.loss);
    each(event.step);
  }
}

/** The run whose schedule changes after `at` steps, when nothing is under way. */
async function changedAt(at: number) {
  using run = await begin();
  await fitTo(run, at);
  run.trainer.schedule = after;
  await fitTo(run, STEPS);
  return { losses: run.losses, rates: run.rates, state: await run.trainer.getState() };
}

/** The number of steps that were made with the old schedule. */
const changeIn = (rates: readonly number[]) =>
  rates.findIndex((rate, step) => Math.abs(rate / (BASE * rateFactor(before, step)) - 1) > 1e-5);

/** Sets the schedule while the submission `nth` from now on is under way. */
const changeDuringSubmission = (nth: number, { trainer }: Run) =>
  afterSubmissions(gpu, nth, () => {
    trainer.schedule = after;
  });

/** A submission for each dispatch. */
const inParts = () => {
  gpu.pacer.maxMilliseconds = 1e-6;
};

test('a schedule that changes between two fits holds from the next step on', async () => {
  const { rates } = await changedAt(4);
  const expected = rates.map((_, step) => BASE * rateFactor(step < 4 ? before : after, step));
  for (const [step, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[step], 8);
  expect(changeIn(rates)).toBe(4);
});

test('a schedule that changes during a fit holds from the next submission on', async () => {
  using run = await begin();
  vi.spyOn(gpu.pacer, 'repeats').mockReturnValue(1);
  await fitTo(run, STEPS, (step) => {
    if (step === 3) run.trainer.schedule = after;
  });
  const at = changeIn(run.rates);
  // Two submissions are in flight, and one more is made before the event is seen.
  expect(at).toBeGreaterThanOrEqual(3);
  expect(at).toBeLessThan(7);
  expect({ losses: run.losses, rates: run.rates, state: await run.trainer.getState() }).toEqual(
    await changedAt(at),
  );
});

test('a schedule that changes during a step of fit: the step in parts keeps the old one', async () => {
  using run = await begin();
  await fitTo(run, 3);
  inParts();
  changeDuringSubmission(5, run);
  await fitTo(run, STEPS);
  atOnce();
  expect(changeIn(run.rates)).toBe(4);
  expect({ losses: run.losses, rates: run.rates, state: await run.trainer.getState() }).toEqual(
    await changedAt(4),
  );
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

test('a schedule or rate that changes during trainer.step holds from the next step on', async () => {
  const noisy = new Random(5).floats(4 * 64, 0, 1);
  const batch = { noisy, target: noisy.map((v) => 1 - v), count: 4 };
  const make = async (set: (trainer: Trainer) => void, during: boolean) => {
    using run = await begin();
    const { trainer, unet } = run;
    await trainer.step(batch);
    const submit = gpu.submit.bind(gpu);
    let count = 0;
    if (during) {
      inParts();
      vi.spyOn(gpu, 'submit').mockImplementation((...args) => {
        if (++count === 5) set(trainer);
        return submit(...args);
      });
    }
    await trainer.step(batch);
    atOnce();
    if (!during) set(trainer);
    else expect(count).toBeGreaterThan(5);
    await trainer.step(batch);
    return await unet.getParameters();
  };
  for (const set of [
    (trainer: Trainer) => Object.assign(trainer, { schedule: after }),
    (trainer: Trainer) => Object.assign(trainer, { learningRate: 1e-4 }),
  ]) {
    const expected = await make(set, false);
    expect(await make(set, true)).toEqual(expected);
    expect(await make(() => {}, false)).not.toEqual(expected);
  }
});

test('a recorded step takes the schedule in force when it runs, also where it drops a started step', async () => {
  const images = new Random(6).floats(4 * 64, 0, 1);
  const batch = { noisy: bufferOf(gpu, images), target: bufferOf(gpu, images), count: 4 };
  const make = async (
    schedule: Schedule,
    then: (trainer: Trainer, record: () => GPUCommandEncoder) => Promise<GPUCommandEncoder>,
  ) => {
    using run = await begin(schedule);
    const record = () => {
      const encoder = gpu.device.createCommandEncoder();
      run.trainer.encodeStep(encoder, batch);
      return encoder;
    };
    const encoder = await then(run.trainer, record);
    gpu.device.queue.submit([encoder.finish()]);
    return await run.unet.getParameters();
  };
  const expected = await make(after, async (_, record) => record());
  expect(await make(before, async (_, record) => record())).not.toEqual(expected);
  const recordedBefore = await make(before, async (trainer, record) => {
    const encoder = record();
    trainer.schedule = after;
    return encoder;
  });
  expect(recordedBefore).toEqual(expected);
  const dropping = await make(before, async (trainer, record) => {
    inParts();
    const { progress } = await trainer.runFor(dataset, { milliseconds: 1e-3 });
    atOnce();
    expect(progress).toBeGreaterThan(0);
    trainer.schedule = after;
    return record();
  });
  expect(dropping).toEqual(expected);
});

test('a recorded encodeUpdate takes the schedule in force when it runs', async () => {
  const floats = new Random(8).floats(64, 0, 1);
  const [input, output, outputGradient] = [0, 1, 2].map(() => bufferOf(gpu, floats));
  const update = async (schedule: Schedule, changed?: Schedule) => {
    using unet = await UNet.create(gpu, network, { seed: 3 });
    using trainer = await Trainer.create(gpu, unet, { batchSize: 1, schedule, customLoss: true });
    submit(gpu, (encoder) => {
      trainer.encodeForward(encoder, { input, output });
      trainer.encodeBackward(encoder, { outputGradient });
      trainer.encodeUpdate(encoder);
      if (changed) trainer.schedule = changed;
    });
    return await unet.getParameters();
  };
  const expected = await update(after);
  expect(await update(before, after)).toEqual(expected);
  expect(await update(before)).not.toEqual(expected);
});

test('a checkpoint has the present schedule, and the run goes on with it', async () => {
  using run = await begin();
  await fitTo(run, 4);
  run.trainer.schedule = after;
  expect(run.trainer.config.schedule).toEqual(after);
  await fitTo(run, 6);
  const { trainer } = run;
  const settings = { seed: order.seed, batchSize: 4, learningRate: BASE, epochs: order.epochs };
  const bytes = await saveCheckpoint({
    trainer,
    settings,
    data: fingerprintImages(images),
    losses: run.losses,
  });
  const saved = loadCheckpoint(bytes);
  expect(saved.training.schedule).toEqual(after);
  using unet = await UNet.create(gpu, saved.config);
  await unet.setParameters(saved.parameters);
  using resumed = await Trainer.create(gpu, unet, {
    ...{ ...saved.state.adam, ...saved.training, batchSize: 4, learningRate: BASE, variants: saved.variants },
  });
  resumed.setState(saved.state);
  const rest: number[] = [];
  for await (const { loss } of resumed.fit(dataset, { ...order, maxSteps: STEPS - 6 })) rest.push(loss);
  const { losses, state } = await changedAt(4);
  expect([...run.losses, ...rest]).toEqual(losses);
  expect(await resumed.getState()).toEqual(state);
});

test('a wrong schedule is refused, and changes nothing', async () => {
  using run = await begin();
  for (const wrong of [{ warmup: -1 }, { decay: 'cosine' }, 'linear', { steps: 9 }])
    expect(() => Object.assign(run.trainer, { schedule: wrong })).toThrow('schedule');
  expect(run.trainer.schedule).toEqual(before);
  run.trainer.schedule = 'constant';
  expect(run.trainer.schedule).toEqual({ decay: 'none', warmup: 0 });
  await fitTo(run, 2);
  expect(run.rates.map((rate) => rate / BASE)).toEqual([1, 1].map((share) => expect.closeTo(share, 6)));
});
