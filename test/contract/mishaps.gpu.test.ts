/**
 * Everything is used, used in a way that ends badly, and used again: nothing stays of it, and the results are the same.
 *
 * @module-tag nightly
 */
import { getEventListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import type { Resource } from '../../src/base/resource';
import { hurry } from '../lib/clock';
import type { Planned } from '../lib/failing_device';
import { testGpu } from '../lib/gpu';
import { createWorld, type Made, type Subject, subjects, type Way, type World } from '../lib/subjects';
import { until } from '../lib/until';

await testGpu();

const END = new Error('a planned end');
const errorOf = (work: Promise<unknown>) => work.catch((error) => error);
const codeOf = (work: Promise<unknown>) => work.catch((error) => error.code ?? error);

/** What the engine may keep too long, of a device's and its objects'. */
const keptBy = ({ failing, engine, unet, dataset }: World, { objects }: Made) => {
  const { loss, writes } = engine.gpu as unknown as { loss: { waits: Set<unknown> }; writes: Set<unknown> };
  const listenersOf = (of: Resource) => (of as unknown as { listeners: Set<unknown> }).listeners.size;
  return {
    buffers: failing.labels,
    scopes: failing.openScopes,
    listeners: [...objects, unet, dataset, engine].map(listenersOf),
    waits: loss.waits.size,
    writes: writes.size,
  };
};
/** Waits until nothing more is kept than before. */
async function expectKept(world: World, made: Made, held: ReturnType<typeof keptBy>): Promise<void> {
  const { unet, dataset } = world;
  await Promise.all([...made.objects, unet, dataset].map(({ idle }) => idle));
  await until(() => isDeepStrictEqual(keptBy(world, made), held));
}

afterEach(() => void vi.useRealTimers());

/** The way of a device, in a subject of which it refuses this, and the code of the error. */
const ofDevice = (way: Way, refused: Planned): readonly [Planned, code: string] | undefined =>
  ({
    'a refusal': [refused, refused.failure === 'memory' ? 'limit' : 'shader'] as const,
    'a lost device': [{ ...refused, failure: 'lost' }, 'device-lost'] as const,
    'a refused write': [{ name: 'writeBuffer', nth: 0, failure: 'refused' }, 'shader'] as const,
    'a write without memory': [{ name: 'writeBuffer', nth: 0, failure: 'memory' }, 'limit'] as const,
    'a rejected answer': [{ name: 'onSubmittedWorkDone', nth: 0, failure: 'rejected' }, 'shader'] as const,
  })[way as string];

/** Has the device fail at a call of a use; resolves to the code of its error. */
async function failing(world: World, { use }: Made, planned: Planned) {
  world.failing.watch(planned);
  // It says by itself that it is lost.
  if (planned.failure !== 'lost') void hurry();
  const code = await codeOf(use());
  expect(world.failing.unwatch()).toBe(true);
  vi.useRealTimers();
  return code;
}

/** Aborts a use at a call of the device; resolves to its error. */
async function aborting({ failing, engine }: World, { use }: Made, { abortedAt }: Subject) {
  const { pacer } = engine.gpu;
  const { maxMilliseconds } = pacer;
  // Many submissions, so that there is something left to end.
  if (!abortedAt) pacer.maxMilliseconds = 1e-6;
  const controller = new AbortController();
  const submissions = () => failing.calls.filter((name) => name === 'submit').length;
  let before = 0;
  const failure = () => {
    before = submissions();
    controller.abort(END);
  };
  if (abortedAt !== 'none') failing.watch({ name: 'submit', nth: 0, ...abortedAt, failure });
  const used = errorOf(use({ signal: controller.signal, lasts: true }));
  if (abortedAt === 'none') failure();
  const error = await used;
  failing.unwatch();
  pacer.maxMilliseconds = maxMilliseconds;
  // What is in flight, and the pieces of one update.
  if (abortedAt !== 'none') expect(submissions() - before).toBeLessThan(5);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  return error;
}

const throwing = ({ use }: Made) =>
  errorOf(
    use({
      amid() {
        throw END;
      },
    }),
  );

const pairs = Object.entries(subjects).flatMap(([name, subject]) =>
  subject.ways.map((end) => ({ name, subject, end })),
);
test.each(pairs)('$name after $end gives the same result again', async ({ subject, end }) => {
  let world = await createWorld();
  let made = await subject.make(world);
  const { signal } = new AbortController();
  const use = async () => {
    await made.again?.();
    return made.use({ signal });
  };
  const first = await use();
  const held = keptBy(world, made);
  await made.again?.();
  const planned = ofDevice(end, subject.refused ?? { name: 'submit', nth: 0, failure: 'refused' });
  if (planned) expect(await failing(world, made, planned[0])).toBe(planned[1]);
  else expect(await (end === 'an abort' ? aborting(world, made, subject) : throwing(made))).toBe(END);
  if (end === 'a lost device') {
    await until(() => isDeepStrictEqual(world.failing.labels, held.buffers));
    expect(await codeOf(made.use())).toBe('device-lost');
    world.engine.destroy();
    expect(world.failing.labels).toEqual([]);
    world = await createWorld();
    made = await subject.make(world);
  } else await expectKept(world, made, held);
  for (let twice = 0; twice < 2; twice++) {
    expect(await use()).toEqual(first);
    expect(keptBy(world, made)).toEqual(held);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  world.engine.destroy();
  expect(world.failing.labels).toEqual([]);
  expect({ openScopes: world.failing.openScopes, uncaught: world.failing.uncaught }).toEqual({
    openScopes: 0,
    uncaught: [],
  });
});

/** Some of the calls of this name that a use makes, from 0: the first, one in the middle, the last. */
async function someOf({ failing }: World, { use, again }: Made, name: string): Promise<number[]> {
  await again?.();
  failing.watch();
  await use();
  failing.unwatch();
  const { length } = failing.calls.filter((other) => other === name);
  return length === 0 ? [] : [...new Set([0, length >> 1, length - 1])];
}

const makings = Object.entries(subjects).filter(([_, { makes }]) => makes);
test.each(makings)('memory too short for %s, or a refusal amid it, leaves no buffer', async (_, subject) => {
  const world = await createWorld();
  const made = await subject.make(world);
  const first = await made.use();
  const before = keptBy(world, made);
  for (const [name, failure, code] of [
    ['createBuffer', 'memory', 'limit'],
    ['createBindGroup', 'refused', 'shader'],
  ] as const)
    for (const nth of await someOf(world, made, name)) {
      expect(await failing(world, made, { name, nth, failure }), `${name} ${nth}`).toBe(code);
      expect(keptBy(world, made)).toEqual(before);
      expect(await made.use()).toEqual(first);
      expect(keptBy(world, made)).toEqual(before);
    }
});

// There is no engine yet that could end.
const ofEngine = Object.entries(subjects).filter(([name]) => name !== 'createEngine');
test.each(ofEngine)('%s ends with its engine, and leaves no buffer', async (_, subject) => {
  const { makes, abortedAt } = subject;
  const ofUse = typeof abortedAt === 'object' ? abortedAt.name : 'submit';
  const name = makes ? 'createBuffer' : ofUse;
  const prepare = async () => {
    const world = await createWorld();
    const made = await subject.make(world);
    return { world, made, some: await someOf(world, made, name) };
  };
  const { made, some } = await prepare();
  await made.again?.();
  const first = await made.use();
  expect(some).not.toEqual([]);
  for (const nth of some) {
    const { world, made } = await prepare();
    const { failing, engine } = world;
    await made.again?.();
    failing.watch({ name, nth, failure: () => engine.destroy() });
    const ended = await codeOf(made.use());
    // How many submissions there are follows their times, and a last read that is in flight completes.
    const legal = nth === 0 || makes ? ['destroyed'] : ['destroyed', first];
    expect(legal, `${name} ${nth}`).toContainEqual(ended);
    engine.destroy();
    await until(() => failing.buffers.size === 0);
  }
});

test.each(makings.filter(([name]) => name !== 'createEngine'))(
  '%s leaves no buffer where its engine ends between two answers of the device',
  async (_, subject) => {
    for (let answers = 0; answers < 6; answers++) {
      const world = await createWorld();
      const made = await subject.make(world);
      const first = await made.use();
      const used = codeOf(made.use());
      for (let i = 0; i < answers; i++) await world.failing.device.queue.onSubmittedWorkDone();
      world.engine.destroy();
      expect(['destroyed', first], `after ${answers} answers`).toContainEqual(await used);
      await until(() => world.failing.buffers.size === 0);
    }
  },
);

/** A call ends at most this many milliseconds after what ends it. */
const IN_TIME = 4000;
/** What ends a use of a device that does not answer, and the error that it ends with. */
const silentEnds: Readonly<Record<string, (world: World, made: Made) => string>> = {
  'destroy()': ({ unet, dataset }, { objects }) => {
    for (const object of [...objects, unet, dataset]) object.destroy();
    return 'destroyed';
  },
  'destroy() of the engine': ({ engine }) => {
    engine.destroy();
    return 'destroyed';
  },
  'the loss of the device': ({ engine }) => {
    const { loss } = engine.gpu as unknown as { loss: { lose(info: object): void } };
    loss.lose({ reason: 'unknown', message: 'planted' });
    return 'device-lost';
  },
};
const silentPairs = ofEngine
  .flatMap(([name, subject]) => Object.keys(silentEnds).map((end) => ({ name, subject, end })))
  // There is nothing yet that could be destroyed.
  .filter(({ subject: { makes }, end }) => makes !== 'of nothing' || end !== 'destroy()');
test.each(silentPairs)('$name on a silent device ends in time after $end', async ({ subject, end }) => {
  const world = await createWorld();
  const made = await subject.make(world);
  await made.use();
  const { failing, engine, unet, dataset } = world;
  const held = [...failing.buffers];
  const waits = world.fallSilent();
  const used = codeOf(made.use());
  await waits;
  void hurry();
  const begun = Date.now();
  const code = silentEnds[end](world, made);
  if (code === 'destroyed') {
    // But for those into which the device was ordered to copy what is read.
    const left = held.filter((b) => failing.buffers.has(b) && !(b.usage & GPUBufferUsage.MAP_READ));
    expect(left.map(({ label }) => label)).toEqual([]);
  }
  expect(await used).toBe(code);
  // What the device does not answer does not go on for ever, unless the engine may still want it.
  if (end !== 'destroy()') await Promise.all([...made.objects, unet, dataset].map(({ idle }) => idle));
  expect(Date.now() - begun).toBeLessThanOrEqual(IN_TIME);
  world.answer();
  engine.destroy();
  await until(() => failing.buffers.size === 0);
});

const abortable = Object.entries(subjects).filter(([_, { ways }]) => ways.includes('an abort'));
test.each(abortable)(
  '%s on a silent device ends in time after an abort, is busy until the device answers, and works again',
  async (name, subject) => {
    const world = await createWorld();
    const made = await subject.make(world);
    await made.again?.();
    const first = await made.use();
    const held = keptBy(world, made);
    const { pacer } = world.engine.gpu;
    const { maxMilliseconds } = pacer;
    const callsCaller = subject.ways.includes('an exception of the caller');
    for (const amid of [false, callsCaller]) {
      await made.again?.();
      // Something is left to do after the first call of the caller's.
      if (amid) pacer.maxMilliseconds = 1e-6;
      const controller = new AbortController();
      const asked = { signal: controller.signal };
      let used: Promise<unknown> | undefined;
      if (amid)
        await new Promise<void>((resolve) => {
          let fallSilent = () => {
            fallSilent = () => {};
            void world.fallSilent().then(resolve);
          };
          used = errorOf(made.use({ ...asked, amid: () => fallSilent() }));
        });
      else {
        const waits = world.fallSilent();
        used = errorOf(made.use(asked));
        await waits;
      }
      void hurry();
      const begun = Date.now();
      controller.abort(END);
      expect(await used).toBe(END);
      expect(Date.now() - begun).toBeLessThanOrEqual(IN_TIME);
      // What a distiller has begun amid its run ends by itself.
      if (!subject.makes && !(amid && name === 'distiller.run'))
        expect(await codeOf(made.use())).toBe('busy');
      vi.useRealTimers();
      world.answer();
      await Promise.all(made.objects.map(({ idle }) => idle));
      pacer.maxMilliseconds = maxMilliseconds;
      await made.again?.();
      expect(await made.use()).toEqual(first);
      await expectKept(world, made, held);
    }
  },
);
