/**
 * Samplers and predictors: used, used in a way that ends badly, and used again. Nothing is left of it, and the results are the same.
 *
 * @module-tag nightly
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import { createEngine, type Engine, type SampleOptions, type UNet } from '../../src/index';
import { memoryCache } from '../../src/trust/cache';
import type { UNetConfig } from '../../src/unet/config';
import { failLoad, loads } from '../lib/failed_load';
import { FailingDevice, type Failure } from '../lib/failing_device';
import { testGpu } from '../lib/gpu';
import { refused } from '../lib/refused';

vi.mock(import('../../src/base/load'), async (original) =>
  (await import('../lib/failed_load')).failedLoads(original),
);

await testGpu();

const count = 3;
const size = 64;
const network = {
  ...{ height: 8, width: 8, widths: [4, 8], kernelSize: 3, finalActivation: 'none' as const },
  conditioning: { noiseLevel: true, classes: 3 },
} satisfies Partial<UNetConfig>;
const labels = [0, 1, 2];
const polish = { noises: 2, level: 0.2 };
const images = Float32Array.from({ length: count * size }, (_, i) => Math.sin(i));

interface World {
  readonly failing: FailingDevice;
  readonly engine: Engine;
  readonly unet: UNet;
}

async function createWorld(): Promise<World> {
  const { device } = await requestDevice();
  const failing = new FailingDevice(device);
  const engine = await createEngine({ device, tuningCache: memoryCache() });
  onTestFinished(() => {
    engine.destroy();
    device.destroy();
  });
  return { failing, engine, unet: await engine.createUNet(network, { seed: 3 }) };
}

/** What a use may take: a signal, and a callback at each step. */
interface Asked {
  readonly signal?: AbortSignal;
  readonly onStep?: () => void;
}
type Use = (asked?: Asked) => Promise<unknown>;

const samples =
  (more: Partial<SampleOptions>) =>
  async ({ engine, unet }: World) => {
    const sampler = await engine.createSampler(unet, { count });
    return {
      use: (asked: Asked = {}) => sampler.sample({ steps: 3, seed: 7, labels, ...more, ...asked }),
      destroy: () => sampler.destroy(),
    };
  };

/** Makes what is used, and returns its use and its end. */
const subjects: Record<string, (world: World) => Promise<{ use: Use; destroy(): void }>> = {
  'sampler.sample': samples({}),
  'sampler.sample with a polish': samples({ polish }),
  'sampler.run': async ({ engine, unet }) => {
    const sampler = await engine.createSampler(unet, { count });
    return {
      async use({ signal, onStep }: Asked = {}) {
        const all: unknown[] = [];
        for await (const event of sampler.run({ steps: 3, seed: 7, labels, signal })) {
          onStep?.();
          all.push(event);
        }
        return all;
      },
      destroy: () => sampler.destroy(),
    };
  },
  'unet.predict': async ({ unet }) => ({
    use: () => unet.predict(images, { count, labels, levels: new Float32Array(count).fill(0.5) }),
    destroy: () => unet.destroy(),
  }),
};

const END = new Error('a planned end');
const submissionEnds =
  (failure: Failure) =>
  ({ failing }: World, use: Use) => {
    failing.watch({ name: 'submit', nth: 0, failure });
    return use()
      .catch(({ code }) => code)
      .finally(() => failing.unwatch());
  };
/** Lets a use end badly; resolves to what it throws. */
const ends: Record<string, (world: World, use: Use) => Promise<unknown>> = {
  'an abort': async ({ engine, failing }, use) => {
    // Many submissions, so that there is something left to end.
    engine.gpu.pacer.maxMilliseconds = 1e-6;
    const abort = new AbortController();
    failing.watch({ name: 'submit', nth: 0, failure: () => abort.abort(END) });
    return use({ signal: abort.signal })
      .catch((error) => error)
      .finally(() => failing.unwatch());
  },
  'an exception of the caller': async (_, use) => {
    const onStep = () => {
      throw END;
    };
    return use({ onStep }).catch((error) => error);
  },
  'a refused submission': submissionEnds('refused'),
  'a lost device': submissionEnds('lost'),
};
const thrown: Record<keyof typeof ends, unknown> = {
  'an abort': END,
  'an exception of the caller': END,
  'a refused submission': 'shader',
  'a lost device': 'device-lost',
};

/** The pairs that cannot happen, and why. What a later use needs is loaded: loads fail below. */
const impossible: Record<string, string> = {
  'unet.predict, an abort': 'it takes no signal',
  'unet.predict, an exception of the caller': 'it calls nothing of the caller',
};

const pairs = Object.keys(subjects).flatMap((subject) => Object.keys(ends).map((end) => ({ subject, end })));

test('each pair that is left out as impossible has a use and an end that this test knows', () => {
  const names = pairs.map(({ subject, end }) => `${subject}, ${end}`);
  expect(names).toEqual(expect.arrayContaining(Object.keys(impossible)));
});

test.each(pairs.filter(({ subject, end }) => !(`${subject}, ${end}` in impossible)))(
  '$subject after $end gives the same result again',
  async ({ subject, end }) => {
    let world = await createWorld();
    const before = world.failing.labels;
    let { use, destroy } = await subjects[subject](world);
    const first = await use();
    const held = world.failing.labels;
    expect(await ends[end](world, use)).toEqual(thrown[end]);
    expect(world.failing.labels).toEqual(held);
    if (end === 'a lost device') {
      world.engine.destroy();
      expect(world.failing.labels).toEqual([]);
      world = await createWorld();
      ({ use, destroy } = await subjects[subject](world));
    }
    expect(await use()).toEqual(first);
    expect(world.failing.labels).toEqual(held);
    destroy();
    expect(world.failing.labels).toEqual(subject === 'unet.predict' ? [] : before);
    expect([world.failing.openScopes, world.failing.uncaught]).toEqual([0, []]);
  },
);

const creations = {
  'a sampler': ({ engine, unet }: World) => engine.createSampler(unet, { count }),
  'a sampler of a network with a polish': async ({ engine }: World) => {
    const sampling = { method: 'adams', steps: 2, polish } as const;
    const unet = await engine.createUNet(network, { sampling });
    try {
      const sampler = await engine.createSampler(unet, { count });
      return {
        destroy() {
          sampler.destroy();
          unet.destroy();
        },
      };
    } catch (error) {
      unet.destroy();
      throw error;
    }
  },
  'what a polish adds to a sampler': async ({ engine, unet }: World) => {
    const sampler = await engine.createSampler(unet, { count });
    try {
      await sampler.prepare({ steps: 1, labels, polish });
      return sampler;
    } catch (error) {
      sampler.destroy();
      throw error;
    }
  },
  'a predictor': ({ engine, unet }: World) => engine.createPredictor(unet, { count }),
};

test.each(Object.entries(creations))('memory too short for %s leaves no buffer', async (_, create) => {
  const world = await createWorld();
  const { failing } = world;
  const before = world.failing.labels;
  (await create(world)).destroy();
  expect(world.failing.labels).toEqual(before);
  failing.watch();
  (await create(world)).destroy();
  const buffers = failing.calls.filter((name) => name === 'createBuffer').length;
  for (const nth of [0, buffers >> 1, buffers - 1]) {
    failing.watch({ name: 'createBuffer', nth, failure: 'memory' });
    await refused(create(world), 'limit');
    failing.unwatch();
    expect(world.failing.labels, `after buffer ${nth} of ${buffers}`).toEqual(before);
    (await create(world)).destroy();
    expect(world.failing.labels).toEqual(before);
  }
});

const created = Object.entries(creations).map(
  ([name, create]) => [name, async (world: World) => async () => (await create(world)).destroy()] as const,
);
const used = Object.entries(subjects).map(
  ([name, make]) => [name, async (world: World) => (await make(world)).use] as const,
);

test.each([...created, ...used])('%s works again after a failed load of a part', async (name, prepare) => {
  const healthy = await createWorld();
  const work = await prepare(healthy);
  failLoad(Number.POSITIVE_INFINITY);
  const expected = await work();
  const { count } = loads;
  // All of one that also loads the comparison at size; of the others three.
  const step = name === 'unet.predict' ? 1 : Math.ceil(count / 3);
  for (let nth = 0; nth < count; nth += step) {
    const world = await createWorld();
    const work = await prepare(world);
    const before = world.failing.labels;
    failLoad(nth);
    const ended = await work().catch((error) => error);
    expect(loads.failing, `part ${nth} of ${count}`).toBe(-1);
    // Some texts of shaders are loaded again at once, for a check of each kernel alone.
    if (nth === 0 || ended instanceof Error) {
      expect(ended).toMatchObject({ code: 'data' });
      expect(before).toEqual(expect.arrayContaining(world.failing.labels));
    }
    expect(await work()).toEqual(expected);
    expect(world.failing.labels).toEqual(healthy.failing.labels);
  }
});
