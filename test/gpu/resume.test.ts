/** A run that is stopped, saved, loaded and continued gives the same bits as one that was never stopped. */
import { expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { createEngine } from '../../src/engine';
import type { Trainer } from '../../src/training/trainer';
import { loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { assertSameData, fingerprintImages } from '../../src/weights/fingerprint';
import { loadModel, saveModel } from '../../src/weights/model';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });

const config = { height: 8, width: 8, widths: [4, 8], kernelSize: 3 };
const settings = { seed: 123, batchSize: 6, learningRate: 1e-3, epochs: 3 };
// 20 images: epochs of 4 steps, the last of 2 images.
const images = {
  images: Uint8Array.from(new Random(1).integers(20 * 64, 256)),
  count: 20,
  height: 8,
  width: 8,
  channels: 1,
};
const { batchSize, learningRate } = settings;
const data = fingerprintImages(images);
const dataset = await engine.createDataset(images);
const STEPS = 11;

interface Progress {
  readonly checkpoint: Uint8Array;
  readonly losses: readonly number[];
}

/** Trains until `until` steps are done or, aborted, when step `abortAt` is; from a checkpoint or from the beginning. */
async function trainUntil(until: number, from?: Uint8Array, abortAt?: number) {
  const saved = from && loadCheckpoint(from);
  using unet = await engine.createUNet(saved?.config ?? config, { seed: settings.seed });
  const variants = saved?.variants;
  using trainer = await engine.createTrainer(unet, { batchSize, learningRate, variants });
  const losses = [...(saved?.losses ?? [])];
  if (saved) {
    assertSameData(saved.data, data);
    await unet.setParameters(saved.parameters);
    trainer.setState(saved.state);
  }
  const abort = new AbortController();
  const maxSteps = until - losses.length;
  try {
    const options = { epochs: settings.epochs, seed: settings.seed, maxSteps, signal: abort.signal };
    for await (const event of trainer.fit(dataset, options)) {
      losses.push(event.loss);
      if (event.step === abortAt) abort.abort();
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
  const checkpoint = await saveCheckpoint({ trainer, settings, data, losses });
  return { checkpoint, losses } satisfies Progress;
}

const unbroken = await trainUntil(STEPS);

test('a run without a stop has finite losses', () => {
  expect(unbroken.losses).toHaveLength(STEPS);
  expect(unbroken.losses.every(Number.isFinite)).toBe(true);
});

for (const [title, stops] of Object.entries({
  'in the middle of an epoch': [6],
  'at the end of an epoch': [4],
  'before the first step is done, and again and again': [1, 2, 7, 8],
})) {
  test(`a run stopped ${title} and resumed gives the same bytes`, async () => {
    let last: Progress | undefined;
    for (const stop of [...stops, STEPS]) last = await trainUntil(stop, last?.checkpoint);
    expect(last!.losses).toEqual(unbroken.losses);
    // Weights, moments, step, corrections, losses: every byte.
    expect(last!.checkpoint).toEqual(unbroken.checkpoint);
  });
}

test('a run stopped by an abort and resumed gives the same bytes', async () => {
  // Short submissions, so that it has not done everything by then.
  engine.maxSubmitMilliseconds = 1;
  const stopped = await trainUntil(STEPS, undefined, 5);
  engine.maxSubmitMilliseconds = 300;
  const { losses, state } = loadCheckpoint(stopped.checkpoint);
  expect(state.step).toBeGreaterThanOrEqual(5);
  expect([...losses]).toEqual(unbroken.losses.slice(0, state.step));
  if (state.step === STEPS) return; // All of it fitted into what was under way.
  expect((await trainUntil(STEPS, stopped.checkpoint)).checkpoint).toEqual(unbroken.checkpoint);
});

test('a checkpoint saved while the run goes on holds the steps under way and their losses', async () => {
  using unet = await engine.createUNet(config, { seed: settings.seed });
  using trainer = await engine.createTrainer(unet, { batchSize, learningRate });
  const losses: number[] = [];
  let checkpoint: Uint8Array | undefined;
  for await (const event of trainer.fit(dataset, { epochs: 3, seed: settings.seed, maxSteps: STEPS })) {
    losses.push(event.loss);
    if (event.step === 3) checkpoint = await saveCheckpoint({ trainer, settings, data, losses });
  }
  expect(losses).toEqual(unbroken.losses);
  const saved = loadCheckpoint(checkpoint!);
  expect(saved.state.step).toBeGreaterThanOrEqual(3);
  expect([...saved.losses]).toEqual(unbroken.losses.slice(0, saved.state.step));
  expect((await trainUntil(STEPS, checkpoint)).checkpoint).toEqual(unbroken.checkpoint);
});

test.each(['runFor', 'fit'] as const)(
  'a checkpoint and a state that are saved while %s trains on are each of one step',
  async (name) => {
    const epochs = 1000;
    const all = { ...settings, epochs };
    const trained = async <T>(work: (trainer: Trainer) => Promise<T>) => {
      using unet = await engine.createUNet(config, { seed: settings.seed });
      using trainer = await engine.createTrainer(unet, { batchSize, learningRate, average: {} });
      return await work(trainer);
    };
    const both = (trainer: Trainer) =>
      Promise.all([
        saveCheckpoint({ trainer, settings: all, data, losses: [] }).then(loadCheckpoint),
        trainer.getState(),
      ]);
    const seen = await trained(async (trainer) => {
      const events = trainer.fit(dataset, { epochs, seed: settings.seed });
      const work = () =>
        name === 'fit'
          ? events.next()
          : trainer.runFor(dataset, { milliseconds: 20, seed: settings.seed, binarize: true });
      const found = [];
      engine.maxSubmitMilliseconds = 1;
      for (let i = 0; i < 8; i++) {
        const working = work();
        found.push(await both(trainer));
        await working;
      }
      engine.maxSubmitMilliseconds = 300;
      await events.return();
      return found;
    });
    for (const [checkpoint, state] of seen.slice(2)) {
      const after = (maxSteps: number) =>
        trained(async (trainer) => {
          if (maxSteps > 0)
            for await (const _ of trainer.fit(dataset, { epochs, seed: settings.seed, maxSteps }));
          return both(trainer);
        });
      expect(checkpoint).toEqual((await after(checkpoint.state.step))[0]);
      expect(state).toEqual((await after(state.step))[1]);
    }
  },
);

test('a run with its own Adam settings and grey images resumes with them', async () => {
  const own = { beta1: 0.7, beta2: 0.97, epsilon: 1e-4 };
  const grey = { ...settings, binarize: false };
  const run = async (maxSteps: number, from?: Uint8Array) => {
    const saved = from && loadCheckpoint(from);
    using unet = await engine.createUNet({ ...config, kernelSize: 5 }, { seed: settings.seed });
    const begun = saved?.state.adam;
    using trainer = await engine.createTrainer(unet, {
      batchSize,
      learningRate,
      ...(begun ?? own),
      variants: saved?.variants,
    });
    const losses = [...(saved?.losses ?? [])];
    if (saved) {
      await unet.setParameters(saved.parameters);
      trainer.setState(saved.state);
    }
    const { seed, epochs, binarize } = saved?.settings ?? grey;
    for await (const { loss } of trainer.fit(dataset, { seed, epochs, binarize, maxSteps }))
      losses.push(loss);
    return await saveCheckpoint({ trainer, settings: grey, data, losses });
  };
  const whole = await run(8);
  expect(await run(5, await run(3))).toEqual(whole);
  expect(loadCheckpoint(whole).losses).not.toEqual(loadCheckpoint(unbroken.checkpoint).losses.slice(0, 8));
});

test('a saved and loaded model predicts what its network predicted', async () => {
  using unet = await engine.createUNet(config, { seed: 4 });
  const input = new Random(2).floats(3 * 64, 0, 1);
  const predictions = await unet.predict(input, { count: 3 });
  const { config: savedConfig, parameters } = loadModel(await saveModel(unet));
  using other = await engine.createUNet(savedConfig, { seed: 5 });
  await other.setParameters(parameters);
  expect(await other.predict(input, { count: 3 })).toEqual(predictions);
  expect(loadModel(unbroken.checkpoint).parameters).toEqual(loadCheckpoint(unbroken.checkpoint).parameters);
});
