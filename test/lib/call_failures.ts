/** What a program does with an engine, while one call of its device after the other fails. */

import { Random } from '../../harness/specs/lib/spec';
import { EngineError } from '../../src/base/errors';
import { createEngine, type Engine } from '../../src/engine';
import type { SampleOptions } from '../../src/sampling/options';
import { memoryCache } from '../../src/trust/cache';
import { loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { fingerprintImages } from '../../src/weights/fingerprint';
import { FailingDevice, failuresOf, type Planned } from './failing_device';

const size = 4 * 4;
const COUNT = 3;
const random = new Random(1);
const images = {
  images: Uint8Array.from(random.integers(5 * size, 256)),
  labels: Uint8Array.from(random.integers(5, 2)),
  count: 5,
  height: 4,
  width: 4,
  channels: 1,
};
const batch = {
  noisy: random.floats(COUNT * size, -1, 1),
  target: random.floats(COUNT * size, -1, 1),
  levels: random.floats(COUNT, 0, 1),
  labels: [0, 1, 2],
};
/** Conditioned on level and class, so that sampling is guided; the trainer averages the weights, so that there is a second set of them. */
const config = {
  ...{ height: 4, width: 4, widths: [4], kernelSize: 3 },
  conditioning: { noiseLevel: true, classes: 2 },
};
const trainerOptions = { batchSize: COUNT, objective: 'flow', average: {} } as const;
const fitOptions = { epochs: 9, seed: 7, maxSteps: 1 };
const run = { seed: 7, batchSize: COUNT, learningRate: 1e-3, epochs: 1 };
const sampleOptions = {
  ...{ steps: 2, method: 'heun', labels: [0, 1, 1], seed: 3 },
  start: new Float32Array(COUNT * size).fill(0.5),
  mask: new Float32Array(COUNT * size).fill(1, 0, 4),
} satisfies SampleOptions;

/** The calls that make a pipeline: where a pipeline is refused, another form may take its place. */
const OF_PIPELINES =
  /^create(BindGroupLayout|PipelineLayout|ShaderModule|ComputePipelineAsync)$|^popErrorScope$/;

/** An engine with all that there is to do something with. With `selfCheck` it checks all kernels, as at its first start. */
export async function setUp(device: GPUDevice, selfCheck = false) {
  const engine = await createEngine({
    device,
    selfCheck,
    tuningCache: memoryCache(),
    maxSubmitMilliseconds: 10_000,
    onWarning: () => {},
  });
  try {
    return await furnish(engine);
  } catch (error) {
    engine.destroy();
    throw error;
  }
}

async function furnish(engine: Engine) {
  const unet = await engine.createUNet(config, { seed: 1 });
  const dataset = await engine.createDataset(images);
  const trainer = await engine.createTrainer(unet, trainerOptions);
  const sampler = await engine.createSampler(unet, { count: COUNT });
  return { engine, unet, dataset, trainer, sampler };
}

export type World = Awaited<ReturnType<typeof setUp>>;

/** Saves a checkpoint of a world after its first step. */
const save = ({ trainer }: World) =>
  saveCheckpoint({ trainer, settings: run, data: fingerprintImages(images), losses: [1] });

/** A checkpoint after the first step. */
export async function firstCheckpoint(world: World): Promise<Uint8Array> {
  await world.trainer.step(batch);
  return save(world);
}

export async function restore({ unet, trainer }: World, checkpoint: Uint8Array): Promise<void> {
  const { parameters, state } = loadCheckpoint(checkpoint);
  await unet.setParameters(parameters);
  trainer.setState(state);
}

/** What is done. Each gives numbers that tell whether it was done right. */
export const deeds: Readonly<Record<string, (world: World, checkpoint: Uint8Array) => Promise<unknown>>> = {
  'a training step': ({ trainer }) => trainer.step(batch),
  'a fit of a step': async ({ trainer, dataset }) => {
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(dataset, fitOptions)) losses.push(loss);
    return losses;
  },
  'a run of sampling': ({ sampler }) => sampler.sample(sampleOptions),
  'a prediction': ({ unet }) =>
    unet.predict(batch.noisy, { count: COUNT, levels: batch.levels, labels: batch.labels }),
  'an evaluation': ({ trainer }) => trainer.evaluate(images),
  'a distillation': async ({ engine, unet }) => {
    using distiller = await engine.createDistiller(unet, { calls: 1, noises: 2, steps: 1, batchSize: 2 });
    const losses: unknown[] = [];
    for await (const { loss } of distiller.run()) losses.push(loss);
    distiller.student!.destroy();
    return losses;
  },
  'a checkpoint that is saved': save,
  'a checkpoint that is gone on from': async (world, checkpoint) => {
    await restore(world, checkpoint);
    return world.trainer.step(batch);
  },
};

/** The error that `work` ends with. */
async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What is wrong with what came of a planned failure, or nothing. `mayDo`: another kernel may do what failed. */
function complaint(
  failing: FailingDevice,
  { name, failure }: Planned,
  error: unknown,
  mayDo = false,
): string | undefined {
  if (!failing.unwatch()) return 'it did not happen';
  // It is tried once more.
  const isOvercome = name === 'mapAsync' && failure === 'rejected';
  const isDone = error === undefined && (mayDo || isOvercome);
  if (!isDone && (isOvercome || !(error instanceof EngineError))) return `the error is ${error}`;
  if (error && failure === 'lost' && error.code !== 'device-lost')
    return `the error is ${error.code}: ${error.message}`;
  if (failing.openScopes > 0) return `${failing.openScopes} error scopes are left open`;
  if (failing.uncaught.length > 0) return `the owner of the device got uncaught errors: ${failing.uncaught}`;
  return undefined;
}

/**
 * The engine waits some time for a device that rejects or refuses something to say that it is lost. No device here says it late, so the wait
 * becomes 0 ms. Gives back what undoes this.
 */
export function hurry(): () => void {
  const { setTimeout } = globalThis;
  const hurried = (work: () => void, ms?: number) => setTimeout(work, ms === 3000 || ms === 500 ? 0 : ms);
  globalThis.setTimeout = hurried as typeof setTimeout;
  return () => {
    globalThis.setTimeout = setTimeout;
  };
}

/**
 * Collects the pipelines that are dropped: of lavapipe each holds mappings of memory, and with more than Linux allows a process (65,530) the
 * driver crashes.
 */
function collect(): void {
  // Browsers import this file, too.
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  process.getBuiltinModule('node:vm').runInNewContext('gc')();
}

const nameOf = ({ name, nth, failure }: Planned) => `${name} ${nth} (${failure})`;

/** What has been found, and how often something failed. */
export interface Result {
  readonly failures: number;
  readonly faults: readonly string[];
}

/** What comes of a thing that is done from a checkpoint, bit for bit. */
async function outcomeOf(world: World, deed: string, checkpoint: Uint8Array): Promise<string> {
  await restore(world, checkpoint);
  const made = await deeds[deed](world, checkpoint);
  return JSON.stringify([made, [...(await world.unet.getParameters())], await world.trainer.getState()]);
}

/**
 * Does a thing on one engine, again and again, with another call failing each time: each must be a typed error, and afterwards the
 * checkpoint from before must lead the same engine to the same bits.
 */
export async function failEach(
  failing: FailingDevice,
  world: World,
  deed: string,
  checkpoint: Uint8Array,
): Promise<Result> {
  const expected = await outcomeOf(world, deed, checkpoint);
  const planned = failuresOf(await callsOf(failing, world, deed, checkpoint));
  const faults: string[] = [];
  for (const [i, plan] of planned.entries()) {
    if (i % 32 === 0) collect();
    await restore(world, checkpoint);
    failing.watch(plan);
    const error = await errorOf(deeds[deed](world, checkpoint));
    // Uncaught errors come late.
    await failing.device.queue.onSubmittedWorkDone();
    const fault = complaint(failing, plan, error);
    if (fault) faults.push(`${deed}, ${nameOf(plan)}: ${fault}`);
    const now = await outcomeOf(world, deed, checkpoint).catch((later) => `${later}`);
    if (now !== expected) faults.push(`${deed}, ${nameOf(plan)}: afterwards ${now.slice(0, 200)}`);
  }
  return { failures: planned.length, faults };
}

/** The calls that making an engine takes, with all that there is to do something with. */
export async function callsOfMaking(failing: FailingDevice, selfCheck = false): Promise<readonly string[]> {
  failing.watch();
  const { engine } = await setUp(failing.device, selfCheck);
  failing.unwatch();
  engine.destroy();
  return failing.calls;
}

/**
 * Makes all that, with one of these calls failing each time: each must be a typed error that leaves nothing on the device, where the
 * checkpoint must then lead a fresh engine to the same bits. What only refuses a kernel, or disturbs its check, may also be got over.
 */
export async function failMaking(
  failing: FailingDevice,
  planned: readonly Planned[],
  selfCheck = false,
): Promise<Result> {
  const { device } = failing;
  const fresh = async (checkpoint?: Uint8Array) => {
    const world = await setUp(device);
    const saved = checkpoint ?? (await firstCheckpoint(world));
    const outcome = await outcomeOf(world, 'a training step', saved);
    world.engine.destroy();
    return { saved, outcome };
  };
  const { saved, outcome } = await fresh();
  const before = failing.buffers.size;
  const faults: string[] = [];
  for (const [i, plan] of planned.entries()) {
    if (i % 32 === 0) collect();
    failing.watch(plan);
    const error = await errorOf(setUp(device, selfCheck).then(({ engine }) => engine.destroy()));
    await device.queue.onSubmittedWorkDone();
    const fault = complaint(failing, plan, error, selfCheck || OF_PIPELINES.test(plan.name));
    if (fault) faults.push(`${nameOf(plan)}: ${fault}`);
    if (failing.buffers.size > before) faults.push(`${nameOf(plan)}: buffers are left behind`);
    const now = await fresh(saved).catch((later) => ({ outcome: `${later}` }));
    if (now.outcome !== outcome) faults.push(`${nameOf(plan)}: afterwards ${now.outcome.slice(0, 200)}`);
  }
  return { failures: planned.length, faults };
}

/** Loses a device of its own during each of these calls of a thing that is done, or of making what it takes. */
export async function loseEach(
  request: () => Promise<GPUDevice>,
  planned: readonly Planned[],
  deed?: string,
): Promise<Result> {
  const faults: string[] = [];
  for (const plan of planned) {
    const failing = new FailingDevice(await request());
    let error: unknown;
    if (deed) {
      const world = await setUp(failing.device);
      const checkpoint = await firstCheckpoint(world);
      await restore(world, checkpoint);
      failing.watch(plan);
      error = await errorOf(deeds[deed](world, checkpoint));
      const later = await errorOf(deeds[deed](world, checkpoint));
      if ((later as EngineError | undefined)?.code !== 'device-lost')
        faults.push(`${nameOf(plan)}: afterwards ${later}`);
      // What is lost is freed like anything else.
      for (const thing of [world.sampler, world.trainer, world.dataset, world.unet, world.engine])
        thing.destroy();
    } else {
      failing.watch(plan);
      error = await errorOf(setUp(failing.device));
    }
    const fault = complaint(failing, plan, error);
    if (fault) faults.push(`${nameOf(plan)}: ${fault}`);
    failing.device.destroy();
  }
  return { failures: planned.length, faults };
}

/** The calls of a thing that is done. */
export async function callsOf(
  failing: FailingDevice,
  world: World,
  deed: string,
  checkpoint: Uint8Array,
): Promise<readonly string[]> {
  await restore(world, checkpoint);
  failing.watch();
  await deeds[deed](world, checkpoint);
  failing.unwatch();
  return failing.calls;
}
