/**
 * Engines and trainers: used, used in a way that ends badly, and used again. Nothing is left of it, and the results are the same.
 *
 * @module-tag nightly
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import { createEngine, type Dataset, type Engine, type UNet } from '../../src/index';
import { memoryCache } from '../../src/trust/cache';
import { failLoad, loads } from '../lib/failed_load';
import { FailingDevice, type Planned } from '../lib/failing_device';
import { testGpu } from '../lib/gpu';
import { images, run } from '../lib/worker/tiny';

vi.mock(import('../../src/base/load'), async (original) =>
  (await import('../lib/failed_load')).failedLoads(original),
);

await testGpu();

interface World {
  readonly failing: FailingDevice;
  readonly engine: Engine;
  readonly unet: UNet;
  readonly dataset: Dataset;
}

async function createWorld(): Promise<World> {
  const { device } = await requestDevice();
  const failing = new FailingDevice(device);
  const engine = await createEngine({ device, tuningCache: memoryCache(), selfCheck: false, tune: false });
  onTestFinished(() => {
    engine.destroy();
    device.destroy();
  });
  const unet = await engine.createUNet(run.network, { seed: 3 });
  return { failing, engine, unet, dataset: await engine.createDataset(images) };
}

interface Asked {
  readonly signal?: AbortSignal;
  /** Called amid the use. */
  readonly amid?: () => void;
}
interface Made {
  /** Sets it back, so that each use begins from the same state. */
  again?(): Promise<void>;
  use(asked?: Asked): Promise<unknown>;
}
interface Subject {
  /** Makes what is used. */
  make(world: World): Promise<Made>;
  /** Default: a submission is refused. */
  readonly refused?: Planned;
  /** The device's call at which the caller aborts: one after which it has something left to end. Default: the first submission. */
  readonly abortedAt?: string;
  /** It makes no call after which something is left to end: the caller aborts as soon as it has called it. */
  readonly isShort?: boolean;
  /** Why it cannot end so. */
  readonly cannot: { readonly [of in keyof typeof ends]?: string };
}

const NO_SIGNAL = 'it takes no signal';
const NO_CALLER = 'it calls nothing of the caller';
const NO_LOAD = 'all is loaded when there is a trainer';
const REFUSED: Planned = { name: 'submit', nth: 0, failure: 'refused' };
const NO_MEMORY: Planned = { name: 'createBuffer', nth: 0, failure: 'memory' };

/** A trainer, and what sets it back. */
async function trainerOf({ engine, unet }: World) {
  const trainer = await engine.createTrainer(unet, run.trainer);
  const [state, parameters] = [await trainer.getState(), await unet.getParameters()];
  const again = async () => {
    trainer.setState(state);
    await unet.setParameters(parameters);
  };
  return { trainer, again };
}
/** What makes an object and destroys it: it returns something of the object. */
const making =
  <T extends { destroy(): void }>(
    create: (world: World, signal?: AbortSignal) => Promise<T>,
    of: (made: T) => unknown,
  ) =>
  async (world: World): Promise<Made> => ({
    async use({ signal } = {}) {
      const made = await create(world, signal);
      made.destroy();
      return of(made);
    },
  });

const floats = new Float32Array(4 * 64).fill(0.25);
const subjects: Readonly<Record<string, Subject>> = {
  'trainer.fit': {
    async make(world) {
      const { trainer, again } = await trainerOf(world);
      return {
        again,
        async use({ signal, amid } = {}) {
          const losses: number[] = [];
          for await (const { loss } of trainer.fit(world.dataset, { epochs: 2, seed: 5, signal })) {
            losses.push(loss);
            amid?.();
          }
          return losses;
        },
      };
    },
    cannot: { 'a failed load': NO_LOAD },
  },
  'trainer.step': {
    async make(world) {
      const { trainer, again } = await trainerOf(world);
      return { again, use: () => trainer.step({ noisy: floats, target: floats }) };
    },
    cannot: { 'an abort': NO_SIGNAL, 'an exception of the caller': NO_CALLER, 'a failed load': NO_LOAD },
  },
  'trainer.runFor': {
    async make(world) {
      const { trainer, again } = await trainerOf(world);
      return {
        again,
        async use({ signal, amid } = {}) {
          const batch = () => {
            amid?.();
            return { noisy: floats, target: floats };
          };
          const source = amid ? batch : world.dataset;
          const milliseconds = signal ? 60_000 : 5;
          let steps = 0;
          while (steps === 0) {
            ({ steps } = await trainer.runFor(source as Dataset, { milliseconds, signal }));
            // runFor resolves after an abort.
            signal?.throwIfAborted();
          }
          return (await trainer.readLosses(steps))[0];
        },
      };
    },
    cannot: {},
  },
  'trainer.evaluate': {
    async make(world) {
      const { trainer } = await trainerOf(world);
      return { use: async ({ signal } = {}) => (await trainer.evaluate(world.dataset, { signal })).loss };
    },
    cannot: { 'an exception of the caller': NO_CALLER },
  },
  createEngine: {
    make: making(
      ({ failing: { device } }, signal) => createEngine({ device, tuningCache: memoryCache(), signal }),
      ({ adapter }) => adapter,
    ),
    isShort: true,
    cannot: {
      'an exception of the caller': NO_CALLER,
      'a failed load': 'it loads nothing on a device that is given',
    },
  },
  'engine.createTrainer': {
    make: making(
      ({ engine, unet }, signal) => engine.createTrainer(unet, { ...run.trainer, signal }),
      ({ variants }) => variants,
    ),
    abortedAt: 'createBuffer',
    refused: NO_MEMORY,
    cannot: { 'an exception of the caller': NO_CALLER },
  },
  'engine.createUNet': {
    make: making(
      ({ engine }, signal) => engine.createUNet(run.network, { signal }),
      ({ parameterCount }) => parameterCount,
    ),
    abortedAt: 'createBuffer',
    refused: NO_MEMORY,
    cannot: { 'an exception of the caller': NO_CALLER, 'a failed load': 'it is part of the engine' },
  },
  'engine.createDataset': {
    make: making(
      ({ engine }, signal) => engine.createDataset(images, { signal }),
      ({ count }) => count,
    ),
    isShort: true,
    refused: NO_MEMORY,
    cannot: { 'an exception of the caller': NO_CALLER },
  },
};

const END = new Error('a planned end');
const codeOf = (error: { code?: string }) => error.code ?? error;
const failed = ({ failing }: World, { use }: Made, planned: Planned) => {
  failing.watch(planned);
  return use()
    .catch(codeOf)
    .finally(() => failing.unwatch());
};
/** Lets a use end badly; resolves to what it throws. */
const ends = {
  'an abort': async ({ engine, failing }: World, { use }: Made, { abortedAt, isShort }: Subject) => {
    const { pacer } = engine.gpu;
    const { maxMilliseconds } = pacer;
    // Many submissions, so that there is something left to end.
    pacer.maxMilliseconds = 1e-6;
    const abort = new AbortController();
    const end = () => abort.abort(END);
    if (!isShort) failing.watch({ name: abortedAt ?? 'submit', nth: 0, failure: end });
    const done = use({ signal: abort.signal }).catch((error) => error);
    if (isShort) end();
    return done.finally(() => {
      failing.unwatch();
      pacer.maxMilliseconds = maxMilliseconds;
    });
  },
  'an exception of the caller': (_: World, { use }: Made) => {
    const amid = () => {
      throw END;
    };
    return use({ amid }).catch((error) => error);
  },
  'a refusal': (world: World, made: Made, { refused = REFUSED }: Subject) => failed(world, made, refused),
  'a lost device': (world: World, made: Made, { refused = REFUSED }: Subject) =>
    failed(world, made, { ...refused, failure: 'lost' }),
  'a failed load': (_: World, { use }: Made) => {
    failLoad();
    return use().catch(codeOf);
  },
};
const expected = ({ refused = REFUSED }: Subject): Record<keyof typeof ends, unknown> => ({
  'an abort': END,
  'an exception of the caller': END,
  'a refusal': refused === NO_MEMORY ? 'limit' : 'shader',
  'a lost device': 'device-lost',
  'a failed load': 'data',
});

const pairs = Object.entries(subjects).flatMap(([name, subject]) =>
  (Object.keys(ends) as (keyof typeof ends)[])
    .filter((end) => !(end in subject.cannot))
    .map((end) => ({ name, subject, end })),
);

test.each(pairs)('$name after $end gives the same result again', async ({ subject, end }) => {
  let world = await createWorld();
  const isLoaded = end === 'a failed load';
  let made = await subject.make(world);
  const use = async () => {
    await made.again?.();
    return made.use();
  };
  const before = world.failing.labels;
  const first = isLoaded ? undefined : await use();
  const held = isLoaded ? before : world.failing.labels;
  await made.again?.();
  expect(await ends[end](world, made, subject)).toEqual(expected(subject)[end]);
  expect(loads.failing).toBe(-1);
  await expect.poll(() => world.failing.labels).toEqual(held);
  if (end === 'a lost device') {
    world.engine.destroy();
    expect(world.failing.labels).toEqual([]);
    world = await createWorld();
    made = await subject.make(world);
  }
  const second = await use();
  if (first !== undefined) expect(second).toEqual(first);
  const later = world.failing.labels;
  if (!isLoaded) expect(later).toEqual(held);
  expect(await use()).toEqual(second);
  expect(world.failing.labels).toEqual(later);
  world.engine.destroy();
  expect(world.failing.labels).toEqual([]);
  expect([world.failing.openScopes, world.failing.uncaught]).toEqual([0, []]);
});
