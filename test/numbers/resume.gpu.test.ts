/** A run that is stopped, saved, loaded and continued gives the same bits as one that was never stopped. */
import { expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import type { Warning } from '../../src/base/events';
import { createEngine } from '../../src/engine';
import type { TrainerOptions } from '../../src/training/options';
import type { Trainer } from '../../src/training/trainer';
import type { UNetConfig } from '../../src/unet/config';
import { loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { encodeSafetensors } from '../../src/weights/encode';
import { fingerprintImages } from '../../src/weights/fingerprint';
import { loadModel } from '../../src/weights/model';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { saveModel } from '../../src/weights/save_model';
import { testGpu } from '../lib/gpu';
import { refused } from '../lib/refused';

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
  const resumed = from && (await engine.resume(from, { images }));
  using unet = resumed?.unet ?? (await engine.createUNet(config, { seed: settings.seed }));
  using trainer = resumed?.trainer ?? (await engine.createTrainer(unet, { batchSize, learningRate }));
  const losses = [...(resumed?.losses ?? [])];
  const { fit = { epochs: settings.epochs, seed: settings.seed } } = resumed ?? {};
  const abort = new AbortController();
  const maxSteps = until - losses.length;
  try {
    for await (const event of trainer.fit(dataset, { ...fit, maxSteps, signal: abort.signal })) {
      losses.push(event.loss);
      if (event.step === abortAt) abort.abort();
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
  return { checkpoint: await trainer.checkpoint({ fit, images, losses }), losses } satisfies Progress;
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

test.each<[string, TrainerOptions, Partial<UNetConfig>]>([
  ['its own Adam settings', { beta1: 0.7, beta2: 0.97, epsilon: 1e-4, weightDecay: 0.1 }, { kernelSize: 5 }],
  [
    'an average, a schedule and classes',
    {
      ...{ objective: 'flow', classDropout: 0.3, clipNorm: 0.5, skipNonFinite: 2 },
      ...{ schedule: { warmup: 3, decay: 'cosine', steps: 9 }, average: { after: 2 } },
    },
    { conditioning: { noiseLevel: true, classes: 3 } },
  ],
])('a run with %s resumes with them', async (_, own, network) => {
  const labelled = { ...images, labels: Uint8Array.from({ length: 20 }, (_, i) => i % 3) };
  using set = await engine.createDataset(labelled);
  const run = async (maxSteps: number, from?: Uint8Array) => {
    const resumed = from && (await engine.resume(from, { images: labelled }));
    using unet = resumed?.unet ?? (await engine.createUNet({ ...config, ...network }, { seed: 5 }));
    using trainer = resumed?.trainer ?? (await engine.createTrainer(unet, { batchSize: 8, ...own }));
    const { fit = { epochs: 4, seed: 6, binarize: false, dropLast: true } } = resumed ?? {};
    const losses = [...(resumed?.losses ?? [])];
    for await (const { loss } of trainer.fit(set, { ...fit, maxSteps })) losses.push(loss);
    return await trainer.checkpoint({ fit, images: labelled, losses });
  };
  expect(await run(5, await run(3))).toEqual(await run(8));
});

test('a run resumes with what is left of its steps, and says so where its kernels are others', async () => {
  const warnings: Warning[] = [];
  const warned = await createEngine({
    device: gpu.device,
    selfCheck: false,
    onWarning: (warning) => warnings.push(warning),
  });
  const { tensors, metadata } = decodeSafetensors(unbroken.checkpoint);
  const { crc32: _, version: __, ...others } = metadata;
  const file = (changes: Record<string, string>) =>
    encodeSafetensors(
      [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
      { ...others, ...changes, version: '1' },
    );
  const planned = JSON.stringify({ ...settings, maxSteps: 15 });
  const { fit, losses } = await warned.resume(file({ settings: planned }), { images });
  expect([fit, [...losses]]).toEqual([{ epochs: 3, seed: 123, maxSteps: 15 - STEPS }, unbroken.losses]);
  expect(warnings).toEqual([]);
  const ended = JSON.stringify({ ...settings, maxSteps: STEPS });
  const elsewhere = await warned.resume(file({ settings: ended, adapter: 'Acme One' }), { images });
  expect(elsewhere.fit).toEqual({ epochs: 3, seed: 123, maxSteps: 0 });
  for await (const event of elsewhere.trainer.fit(dataset, elsewhere.fit))
    expect.unreachable(`${event.step}`);
  expect(warnings).toMatchObject([
    { code: 'other-kernels', message: expect.stringMatching(/: the run began on Acme One\.$/) },
  ]);
  const less = { ...images, count: 19, images: images.images.subarray(64) };
  for (const [bytes, given, code, fact] of [
    [unbroken.checkpoint, less, 'data', 'Give the same images'],
    [await saveModel(elsewhere.unet), images, 'data', 'not a checkpoint'],
    [unbroken.checkpoint.subarray(1), images, 'data', 'The checkpoint'],
  ] as const)
    await refused(warned.resume(bytes, { images: given }), code, fact);
  warned.destroy();
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
