/** A run that is stopped, saved, loaded and continued gives the same bits as one that was never stopped. */
import { expect, test, vi } from 'vitest';
import { TestRandom } from '../../harness/specs/lib/spec';
import type { Warning } from '../../src/base/events';
import { createEngine } from '../../src/engine';
import type { TrainerOptions } from '../../src/training/options';
import type { UNetConfig } from '../../src/unet/config';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { encodeSafetensors } from '../../src/weights/encode';
import { loadModel } from '../../src/weights/model';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { saveModel } from '../../src/weights/save_model';
import { testGpu } from '../lib/gpu';
import { afterSubmissions } from '../lib/on_gpu';
import { refused } from '../lib/refused';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });

// Epochs of 4 steps, the last of 2 images.
const images = {
  images: Uint8Array.from(new TestRandom(1).integers(20 * 64, 256)),
  count: 20,
  height: 8,
  width: 8,
  channels: 1,
  labels: Uint8Array.from({ length: 20 }, (_, i) => i % 3),
};
const dataset = await engine.createDataset(images);
const order = { epochs: 3, seed: 123 };
const STEPS = 11;

interface Run {
  readonly network?: Partial<UNetConfig>;
  readonly trainer?: TrainerOptions;
  readonly fit?: { readonly binarize?: boolean; readonly dropLast?: boolean };
}
const runs: Readonly<Record<string, Run>> = {
  plain: {},
  everything: {
    network: { finalActivation: 'none', conditioning: { noiseLevel: true, classes: 3 } },
    trainer: {
      objective: 'flow',
      classDropout: 0.3,
      clipNorm: 0.5,
      skipNonFinite: 2,
      weightDecay: 0.02,
      beta1: 0.7,
      beta2: 0.97,
      epsilon: 1e-4,
      schedule: { warmup: 3, decay: 'cosine', steps: 9 },
      average: { after: 2, span: 36, most: 0.99975 },
    },
    fit: { binarize: true, dropLast: false },
  },
};
type Name = keyof typeof runs;

const made = async ({ network, trainer }: Run) => {
  const unet = await engine.createUNet(
    { height: 8, width: 8, widths: [4, 8], kernelSize: 3, ...network },
    { seed: 5 },
  );
  return { unet, trainer: await engine.createTrainer(unet, { batchSize: 6, ...trainer }), losses: [] };
};

/** Trains until `until` steps are done or `abort` says so; from a checkpoint or from the beginning. Returns a checkpoint. */
async function trainUntil(name: Name, until: number, from?: Uint8Array, abort?: AbortController) {
  const run = runs[name];
  const resumed = from && (await engine.resume(from, { images }));
  const { unet, trainer, losses: known } = resumed ?? (await made(run));
  const { fit = { ...order, ...run.fit } } = resumed ?? {};
  const losses = [...known];
  const training = trainer.fit(dataset, {
    ...fit,
    maxSteps: until - losses.length,
    signal: abort?.signal,
  });
  try {
    for await (const { loss } of training) losses.push(loss);
  } catch (error) {
    if (!abort?.signal.aborted) throw error;
  }
  const checkpoint = await trainer.checkpoint({ fit, images, losses });
  expect(loadModel(checkpoint).parameters).toEqual(await unet.getParameters());
  for (const each of [trainer, unet]) each.destroy();
  return checkpoint;
}

const whole = new Map<Name, Promise<Uint8Array>>();
/** A difference of whole files takes minutes to show. */
const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
/** The checkpoint of a run without a stop. */
function unbroken(name: Name): Promise<Uint8Array> {
  const known = whole.get(name) ?? trainUntil(name, STEPS);
  whole.set(name, known);
  return known;
}

test.each<[Name, string, number[]]>([
  ['plain', 'again and again', [1, 2, 4, 7, 8]],

  ['everything', 'in the middle of an epoch', [6]],
])('a run, %s, that is stopped %s and resumed gives the same bytes', async (name, _, stops) => {
  const { losses, state } = loadCheckpoint(await unbroken(name));
  expect({ lossesCount: losses.length, step: state.step }).toEqual({ lossesCount: STEPS, step: STEPS });
  expect(losses.every(Number.isFinite)).toBe(true);
  let last: Uint8Array | undefined;
  for (const stop of [...stops, STEPS]) last = await trainUntil(name, stop, last);
  // Weights, moments, step, corrections, losses: every byte.
  expect(isSame(last!, await unbroken(name))).toBe(true);
});

test('a run with a dispatch a submission that is aborted amid a step and resumed gives the same bytes', async () => {
  const abort = new AbortController();
  const { pacer } = engine.gpu;
  const usual = pacer.maxMilliseconds;
  pacer.maxMilliseconds = 1e-6;
  const submissions = afterSubmissions(engine.gpu, 125, () => abort.abort());
  const stopped = await trainUntil('everything', STEPS, undefined, abort);
  expect(submissions()).toBeGreaterThanOrEqual(125);
  vi.restoreAllMocks();
  const { step } = loadCheckpoint(stopped).state;
  expect(step).toBeGreaterThan(0);
  expect(step).toBeLessThan(STEPS - 1);
  const again = await trainUntil('everything', step + 1, stopped);
  pacer.maxMilliseconds = usual;
  const last = await trainUntil('everything', STEPS, again);
  expect(isSame(last, await unbroken('everything'))).toBe(true);
});

test.each(['runFor', 'fit'] as const)(
  'a checkpoint and a state that are saved while %s trains on are each of one step',
  async (name) => {
    const fit = { epochs: 9, seed: 123, maxSteps: 2 };
    const both = ({ trainer }: Awaited<ReturnType<typeof made>>) =>
      Promise.all([trainer.checkpoint({ fit, images }).then(loadCheckpoint), trainer.getState()]);
    const run = { trainer: { average: {} } };
    const alone = await made(run);
    const expected = [await both(alone)];
    for await (const _ of alone.trainer.fit(dataset, { ...fit, maxSteps: 1 }))
      expected.push(await both(alone));
    for await (const _ of alone.trainer.fit(dataset, { ...fit, maxSteps: 1 }))
      expected.push(await both(alone));

    const other = await made(run);
    const found: ReturnType<typeof both>[] = [];
    const { gpu } = engine;
    const submit = gpu.submit.bind(gpu);
    vi.spyOn(gpu, 'submit').mockImplementation((encoder, load, onSent) => {
      const done = submit(encoder, load, onSent);
      if (load) found.push(both(other));
      return done;
    });
    const usual = gpu.pacer.maxMilliseconds;
    gpu.pacer.maxMilliseconds = 1e-6; // a submission for each dispatch
    if (name === 'fit') for await (const _ of other.trainer.fit(dataset, fit));
    else while ((await other.trainer.runFor(dataset, { milliseconds: 1e-3, seed: 123 })).step < 2);
    gpu.pacer.maxMilliseconds = usual;
    expect(found.length).toBeGreaterThan(10);
    for (const [checkpoint, state] of await Promise.all(found)) {
      expect(checkpoint).toEqual(expected[checkpoint.state.step][0]);
      expect(state).toEqual(expected[state.step][1]);
      expect(checkpoint.losses).toHaveLength(checkpoint.state.step);
    }
  },
);

test('a run resumes with what is left of its steps, and says so where its kernels are others', async () => {
  const warnings: Warning[] = [];
  using warned = await createEngine({
    device: gpu.device,
    selfCheck: false,
    onWarning: (warning) => warnings.push(warning),
  });
  const bytes = await unbroken('plain');
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { crc32: _, version: __, ...others } = metadata;
  const file = (changes: Record<string, string>) =>
    encodeSafetensors(
      [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
      { ...others, ...changes, version: '1' },
    );
  const settings = (maxSteps: number) => JSON.stringify({ ...JSON.parse(metadata.settings), maxSteps });
  const planned = await warned.resume(file({ settings: settings(15) }), { images });
  const fit = { ...order, binarize: true, dropLast: false };
  expect(planned.fit).toEqual({ ...fit, maxSteps: 15 - STEPS });
  expect([...planned.losses]).toEqual([...loadCheckpoint(bytes).losses]);
  expect(warnings).toEqual([]);
  const changes = { settings: settings(STEPS), adapter: 'Acme One' };
  const elsewhere = await warned.resume(file(changes), { images });
  expect(elsewhere.fit).toEqual({ ...fit, maxSteps: 0 });
  for await (const event of elsewhere.trainer.fit(dataset, elsewhere.fit))
    expect.unreachable(`${event.step}`);
  expect(warnings).toMatchObject([
    { code: 'other-kernels', message: expect.stringMatching(/: the run began on Acme One\.$/) },
  ]);
  warnings.length = 0;
  const older = JSON.stringify({ ...JSON.parse(metadata.variants), 'conv2d/down.1': 'winograd4' });
  await warned.resume(file({ variants: older }), { images });
  expect(warnings).toMatchObject([
    {
      code: 'other-kernels',
      message: expect.stringContaining('conv2d/down.1 has no variant winograd4'),
    },
  ]);
  const less = {
    ...images,
    count: 19,
    images: images.images.subarray(64),
    labels: images.labels.subarray(1),
  };
  for (const [bytes, given, fact] of [
    [await unbroken('plain'), less, 'Give the same images'],
    [await saveModel(elsewhere.unet), images, 'not a checkpoint'],
    [(await unbroken('plain')).subarray(1), images, 'The checkpoint'],
  ] as const)
    await refused(warned.resume(bytes, { images: given }), 'data', fact);
});
