/** What a program does with an engine and with what it makes, for tests that end it badly and do it again. */
import { onTestFinished } from 'vitest';
import type { Resource } from '../../src/base/resource';
import { requestDevice } from '../../src/gpu/request_device';
import {
  type Batch,
  createEngine,
  type Dataset,
  type Engine,
  type EngineOptions,
  type UNet,
} from '../../src/index';
import { memoryCache } from '../../src/trust/cache';
import { FailingDevice, type Planned } from './failing_device';
import { makeHostile, silence } from './hostile/hostile_device';

const count = 3;
const size = 8 * 8;
const network = {
  height: 8,
  width: 8,
  widths: [4, 8],
  kernelSize: 3,
  finalActivation: 'none' as const,
  conditioning: { noiseLevel: true, classes: 3 },
};
const labels = [0, 1, 2];
const levels = new Float32Array(count).fill(0.5);
const polish = { noises: 2, level: 0.2 };
const floats = Float32Array.from({ length: count * size }, (_, i) => Math.sin(i));
const batch = { noisy: floats, target: floats, levels, labels };
const images = {
  images: Uint8Array.from({ length: 10 * size }, (_, i) => (i * 37) % 256),
  count: 10,
  height: 8,
  width: 8,
  channels: 1,
  labels: Uint8Array.from({ length: 10 }, (_, i) => i % 3),
};
const training = { batchSize: count, learningRate: 0.01, objective: 'flow' } as const;

export interface World {
  readonly failing: FailingDevice;
  readonly engine: Engine;
  readonly unet: UNet;
  readonly dataset: Dataset;
  /** From now on the device answers nothing, until `answer()`. Resolves when something waits for an answer. */
  fallSilent(): Promise<void>;
  answer(): void;
}

/** An engine on a device of its own, with what most uses need. It ends with the test, or when what `atEnd` gets is called. */
export async function createWorld(
  options: EngineOptions = { selfCheck: false, tune: false },
  atEnd: (end: () => void) => void = onTestFinished,
): Promise<World> {
  const { device } = await requestDevice();
  const failing = new FailingDevice(device);
  const { begin, end, until } = silence();
  let onWait = () => {};
  makeHostile(device, {
    delaysAnswers() {
      const answered = until();
      if (answered) onWait();
      return answered;
    },
  });
  const engine = await createEngine({ device, tuningCache: memoryCache(), ...options });
  atEnd(() => {
    end();
    engine.destroy();
    device.destroy();
  });
  const unet = await engine.createUNet(network, { seed: 3 });
  return {
    failing,
    engine,
    unet,
    dataset: await engine.createDataset(images),
    fallSilent() {
      begin();
      return new Promise((resolve) => {
        onWait = resolve;
      });
    },
    answer: end,
  };
}

export interface Asked {
  readonly signal?: AbortSignal;
  /** The caller's own code amid the use. */
  readonly amid?: () => void;
  /** Whether there is to be more to do than comes before an abort. */
  readonly lasts?: boolean;
}
export interface Made {
  /** Does it, and resolves to what comes of it. */
  use(asked?: Asked): Promise<unknown>;
  /** Sets it back, so that each use begins from the same state. */
  again?(): Promise<void>;
  /** What it is done with, beside the network. */
  readonly objects: readonly Resource[];
}
/** What a device does badly. What reads meets the first two, what also writes and submits all. */
const READS = ['a refusal', 'a lost device'] as const;
const WRITES = [...READS, 'a refused write', 'a write without memory', 'a rejected answer'] as const;
/** For what takes a signal, and for what also calls something of the caller. */
const ABORT = ['an abort'] as const;
const CALLER = [...ABORT, 'an exception of the caller'] as const;
/** How a use may end badly. */
export type Way = (typeof WRITES)[number] | (typeof CALLER)[number];

export interface Subject {
  make(world: World): Promise<Made>;
  readonly ways: readonly Way[];
  /** What the device refuses in it. Default: a submission. */
  readonly refused?: Planned;
  /** The device's call at which the caller aborts, one after which something is left to end; 'none': at once. Default: the first submission. */
  readonly abortedAt?: Pick<Planned, 'name' | 'nth'> | 'none';
  /** Whether it makes an object: of a network, which can be destroyed meanwhile, or of nothing that was there before. */
  readonly makes?: 'of a network' | 'of nothing';
}

type Trainer = Awaited<ReturnType<Engine['createTrainer']>>;
/** A use of a trainer, and where that leaves it. */
const ofTrainer =
  (use: (trainer: Trainer, world: World, asked: Asked) => Promise<unknown>, leaves = false) =>
  async (world: World): Promise<Made> => {
    const trainer = await world.engine.createTrainer(world.unet, training);
    const { state, parameters } = await trainer.snapshot();
    return {
      async use(asked = {}) {
        const result = await use(trainer, world, asked);
        if (!leaves) return result;
        const { readLosses: _, ...left } = await trainer.snapshot();
        return { result, ...left };
      },
      async again() {
        trainer.setState(state);
        await world.unet.setParameters(parameters);
      },
      objects: [trainer],
    };
  };
/** Trains for a while, until there is a step. */
const runFor =
  (sourceOf: (world: World, asked: Asked) => Dataset | (() => Batch)) =>
  async (trainer: Trainer, world: World, asked: Asked) => {
    const { signal, lasts } = asked;
    let steps = 0;
    while (steps === 0) {
      const source = sourceOf(world, asked) as Dataset;
      ({ steps } = await trainer.runFor(source, { milliseconds: lasts ? 10_000 : 5, signal }));
      // runFor resolves after an abort.
      signal?.throwIfAborted();
    }
    return (await trainer.readLosses(steps))[0];
  };
type Sampler = Awaited<ReturnType<Engine['createSampler']>>;
const ofSampler =
  (use: (sampler: Sampler, asked: Asked) => Promise<unknown>) =>
  async ({ engine, unet }: World): Promise<Made> => {
    const sampler = await engine.createSampler(unet, { count });
    return { use: (asked = {}) => use(sampler, asked), objects: [sampler] };
  };
const ofUNet =
  (use: (unet: UNet) => Promise<unknown>) =>
  async ({ unet }: World): Promise<Made> => ({ use: () => use(unet), objects: [] });

const NO_MEMORY: Planned = { name: 'createBuffer', nth: 0, failure: 'memory' };
const FAILED_READ: Planned = { name: 'getMappedRange', nth: 0, failure: 'throws' };
/** Makes an object and destroys it; comes to something of the object. */
const making = <T extends { destroy(): void }>(
  makes: Subject['makes'],
  create: (world: World, signal?: AbortSignal) => Promise<T>,
  of: (made: T) => unknown,
  abortedAt: Subject['abortedAt'] = { name: 'createBuffer', nth: 0 },
): Subject => ({
  async make(world) {
    return {
      async use({ signal } = {}) {
        const made = await create(world, signal);
        made.destroy();
        return of(made);
      },
      objects: [],
    };
  },
  ways: [...READS, ...ABORT],
  refused: NO_MEMORY,
  abortedAt,
  makes,
});
/** Destroys `made` where what is made of it is not. */
async function orDestroy<T>(made: { destroy(): void }, then: () => Promise<T>): Promise<T> {
  try {
    return await then();
  } catch (error) {
    made.destroy();
    throw error;
  }
}

let seeds = 100;
const order = { steps: 3, seed: 7, labels, method: 'euler' } as const;
export const subjects: Readonly<Record<string, Subject>> = {
  'trainer.fit': {
    make: ofTrainer(async (trainer, { dataset }, { signal, amid }) => {
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(dataset, { epochs: 2, seed: 5, signal })) {
        losses.push(loss);
        amid?.();
      }
      return losses;
    }, true),
    ways: [...WRITES, ...CALLER],
  },
  'trainer.step': { make: ofTrainer((trainer) => trainer.step(batch), true), ways: WRITES },
  'trainer.runFor': {
    make: ofTrainer(runFor(({ dataset }) => dataset)),
    ways: [...WRITES, ...ABORT],
    // Amid the steps of one call.
    abortedAt: { name: 'submit', nth: 5 },
  },
  'trainer.runFor of batches of the caller': {
    make: ofTrainer(
      runFor((_, { amid }) => () => {
        amid?.();
        return batch;
      }),
    ),
    ways: CALLER,
  },
  'trainer.evaluate': {
    make: ofTrainer((trainer, { dataset }, { signal }) => trainer.evaluate(dataset, { signal })),
    ways: [...WRITES, ...ABORT],
  },
  'trainer.prepare': {
    // With another seed it has something to compile.
    make: ofTrainer((trainer, { dataset }, { signal }) =>
      trainer.prepare(dataset, { seed: seeds++, signal }),
    ),
    // What it compiles is not submitted: the next step meets a refusal or a loss.
    ways: ABORT,
    abortedAt: { name: 'createBindGroup', nth: 0 },
  },
  'trainer.getState': {
    make: ofTrainer((trainer) => trainer.getState()),
    refused: FAILED_READ,
    ways: READS,
  },
  'trainer.readLosses': {
    make: ofTrainer(async (trainer) => [...(await trainer.readLosses())]),
    refused: FAILED_READ,
    ways: READS,
  },
  'sampler.sample': {
    make: ofSampler((sampler, { signal }) => sampler.sample({ ...order, signal })),
    ways: [...WRITES, ...ABORT],
  },
  'sampler.sample with a polish': {
    make: ofSampler((sampler, { signal, amid }) =>
      sampler.sample({ ...order, polish, signal, onStep: amid }),
    ),
    ways: [...WRITES, ...CALLER],
  },
  'sampler.prepare': {
    make: ofSampler((sampler, { signal }) => sampler.prepare({ ...order, signal })),
    ways: [...WRITES, ...ABORT],
  },
  'sampler.run': {
    make: ofSampler(async (sampler, { signal, amid }) => {
      const all: unknown[] = [];
      for await (const event of sampler.run({ ...order, signal })) {
        amid?.();
        all.push(event);
      }
      return all;
    }),
    ways: [...WRITES, ...CALLER],
  },
  'unet.predict': {
    make: ofUNet((unet) => unet.predict(floats, { count, labels, levels })),
    ways: WRITES,
  },
  'unet.getParameters': {
    make: ofUNet(async (unet) => [...(await unet.getParameters())]),
    refused: FAILED_READ,
    ways: READS,
  },
  'distiller.run': {
    async make({ engine, unet }) {
      const options = { calls: 1, noises: 4, steps: 2, batchSize: 4 } as const;
      const distiller = await engine.createDistiller(unet, options);
      return {
        async use({ signal, amid } = {}) {
          const losses: unknown[] = [];
          try {
            for await (const { loss } of distiller.run({ signal })) {
              amid?.();
              losses.push(loss);
            }
          } finally {
            distiller.student?.destroy();
          }
          return losses;
        },
        objects: [distiller],
      };
    },
    ways: [...WRITES, ...CALLER],
  },
  createEngine: making(
    'of nothing',
    ({ failing: { device } }, signal) => createEngine({ device, tuningCache: memoryCache(), signal }),
    ({ adapter }) => adapter,
    'none',
  ),
  'engine.createUNet': making(
    'of nothing',
    ({ engine }, signal) => engine.createUNet(network, { signal }),
    ({ parameterCount }) => parameterCount,
  ),
  'engine.createDataset': making(
    'of nothing',
    ({ engine }, signal) => engine.createDataset(images, { signal }),
    (dataset) => dataset.count,
    'none',
  ),
  'engine.createTrainer': making(
    'of a network',
    ({ engine, unet }, signal) => engine.createTrainer(unet, { ...training, signal }),
    ({ variants }) => variants,
  ),
  'engine.createSampler': making(
    'of a network',
    ({ engine, unet }, signal) => engine.createSampler(unet, { count, signal }),
    (sampler) => sampler.count,
  ),
  'engine.createSampler and a polish': making(
    'of a network',
    async ({ engine, unet }, signal) => {
      const sampler = await engine.createSampler(unet, { count, signal });
      return orDestroy(sampler, async () => {
        await sampler.prepare({ steps: 1, labels, polish, signal });
        return sampler;
      });
    },
    (sampler) => sampler.count,
  ),
  'engine.createSampler of a network with a polish': making(
    'of nothing',
    async ({ engine }, signal) => {
      const sampling = { method: 'adams', steps: 2, polish } as const;
      const unet = await engine.createUNet(network, { sampling, signal });
      return orDestroy(unet, async () => {
        const sampler = await engine.createSampler(unet, { count, signal });
        return {
          count: sampler.count,
          destroy() {
            sampler.destroy();
            unet.destroy();
          },
        };
      });
    },
    (sampler) => sampler.count,
  ),
  'engine.createPredictor': making(
    'of a network',
    ({ engine, unet }, signal) => engine.createPredictor(unet, { count, signal }),
    (predictor) => predictor.count,
  ),
};
