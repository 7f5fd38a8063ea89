/**
 * What a worker does, done, ended badly and done again: the same result, and nothing of it stays.
 *
 * @module-tag nightly
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { RUNS } from '../../../src/keeping/store';
import {
  type CallContext,
  connect,
  createSession,
  expose,
  type Session,
  type SessionClient,
} from '../../../src/worker';
import type { SampleCallOptions } from '../../../src/worker/types';
import { hurry } from '../../lib/clock';
import { FailingDevice, type Planned } from '../../lib/failing_device';
import { FakeLocks, FakeStorage, namesIn, stubBrowser } from '../../lib/fake_storage';
import { gate } from '../../lib/gate';
import { testGpu } from '../../lib/gpu';
import { makeHostile, silence } from '../../lib/hostile/hostile_device';
import { until } from '../../lib/until';
import { heard, listenersOf, trained } from '../../lib/worker/alone';
import { losableGpu } from '../../lib/worker/losable';
import { images, run } from '../../lib/worker/tiny';

await testGpu();

/** How each mishap ends a call. */
const ends = {
  abort: (end: unknown) => expect(end).toBe(thrown),
  loss: (end: unknown, name: string) => {
    if (name.startsWith('train')) expect(end).toMatchObject({ step: 3, complete: false });
    else expect(end).toMatchObject({ code: expect.stringMatching(/^(device-lost|no-adapter|destroyed)$/) });
  },
  refusal: (end: unknown) => expect(end).toMatchObject({ code: expect.stringMatching(/^(limit|shader)$/) }),
  'failed load': (end: unknown) =>
    expect(end).toMatchObject({ message: expect.stringMatching(/damaged|bytes|does not keep/) }),
  exception: (end: unknown) => expect(end).toMatchObject({ message: thrown.message }),
};
type Mishap = keyof typeof ends;
const mishaps = Object.keys(ends) as Mishap[];

const thrown = new Error('The caller’s own.');
/** The mishap that is due, where it is not of the device or the signal. */
let broken: Mishap | undefined;

const callsOf = (session: Session) => ({
  /** Asks the engine twice. */
  own: (_: undefined, { signal: given }: CallContext) =>
    session.turn(
      'answer',
      async ({ engine, signal }) => {
        let parameters = 0;
        for (let times = 0; times < 2; times++) {
          const unet = await engine.createUNet(run.network);
          parameters += unet.parameterCount;
          unet.destroy();
          signal.throwIfAborted();
          if (broken === 'exception') throw thrown;
        }
        return parameters;
      },
      { signal: given },
    ),
});
interface Mine {
  readonly calls: ReturnType<typeof callsOf>;
  readonly events: Record<never, never>;
}
type Client = SessionClient<Mine>;

interface Work {
  /** A run that rests first, or is stored. */
  readonly needs?: 'run' | 'stored';
  act(client: Client, options: Required<Pick<SampleCallOptions, 'signal' | 'onStep'>>): Promise<unknown>;
  /** The call of the device that is refused, and at which it is aborted, or the device is lost. */
  readonly refused?: Planned;
  /** Another call at which the device is lost. */
  readonly lostAt?: string;
  /** An abort ends it once the device has made what it was given. */
  readonly waitsForDevice?: boolean;
  /** Why it cannot end so. */
  readonly cannot: { readonly [of in Mishap]?: string };
}
const NO_SIGNAL = 'it takes no signal';
const NO_CALLER = 'it calls nothing of the caller’s; what a listener of events throws is the page’s';
const NO_LOAD = 'it loads nothing; a part of the worker that does not load: expose.test.ts';
const ITS_IMAGES = 'the worker’s images are asked for once: worker.all.test.ts, asks for them again';
const NO_GPU = 'it asks nothing of the device';
const refusal = (name: string, failure: Planned['failure'], nth = 0) => ({
  refused: { name, nth, failure } as const,
});
const builds = refusal('createBuffer', 'memory', 2);
const trains = {
  needs: 'run',
  waitsForDevice: true,
  ...refusal('submit', 'refused', 3),
  cannot: { 'failed load': NO_LOAD, exception: NO_CALLER },
} as const;
const copies = { needs: 'run', ...refusal('getMappedRange', 'throws') } as const;
const noMishap = { abort: NO_SIGNAL, refusal: NO_GPU, 'failed load': NO_LOAD, exception: NO_CALLER };

/** The id of the run that `prepare` stores. */
let stored = '';
let files: { model: Uint8Array; checkpoint: Uint8Array };
const works: Readonly<Record<string, Work>> = {
  begin: {
    ...builds,
    act: (client, { signal }) =>
      client.begin(run, { signal }).then(({ step, parameters }) => [step, parameters]),
    cannot: { 'failed load': ITS_IMAGES, exception: ITS_IMAGES },
  },
  'resume of a file': {
    ...builds,
    act: (client, { signal }) =>
      client
        .resume({ from: files.checkpoint }, { signal })
        .then(({ step, parameters }) => [step, parameters]),
    cannot: { 'failed load': ITS_IMAGES, exception: ITS_IMAGES },
  },
  'resume of a stored run': {
    ...builds,
    needs: 'stored',
    act: async (client, { signal }) => {
      const { step } = await client.resume({ from: stored }, { signal });
      await client.close();
      return step;
    },
    cannot: { exception: ITS_IMAGES },
  },
  'train to the end': { ...trains, act: (client, { signal }) => trained(client, { signal }) },
  'train for 12 steps': { ...trains, act: (client, { signal }) => trained(client, { steps: 12, signal }) },
  sample: {
    needs: 'run',
    ...refusal('submit', 'refused', 1),
    act: async (client, options) => (await client.sample({ count: 2, steps: 40, seed: 3 }, options)).images,
    cannot: { 'failed load': NO_LOAD },
  },
  load: {
    ...refusal('createBuffer', 'memory'),
    act: (client) => client.load(files.model.slice(0, broken ? 100 : undefined)),
    cannot: { abort: NO_SIGNAL, exception: NO_CALLER },
  },
  'save of a model': {
    ...copies,
    act: (client) => client.save('model'),
    lostAt: 'mapAsync',
    cannot: { abort: NO_SIGNAL, 'failed load': NO_LOAD, exception: NO_CALLER },
  },
  'save of a checkpoint': {
    ...copies,
    act: (client) => client.save('checkpoint').then((file) => file.length),
    cannot: { ...noMishap, refusal: undefined, loss: 'it is the last copy then: lost.all.test.ts, rests' },
  },
  'close that keeps': {
    ...copies,
    act: async (client) => {
      // What is not stored yet cannot be stored.
      if (broken) await trained(client, { steps: 1 });
      await client.close();
    },
    cannot: { abort: NO_SIGNAL, loss: 'the last copy is stored already', exception: NO_CALLER },
  },
  'a call of its own': {
    ...refusal('createBuffer', 'memory'),
    act: (client, { signal }) => client.own(undefined, { signal }),
    cannot: { 'failed load': NO_LOAD },
  },
  pause: {
    act: (client) => client.pause(),
    cannot: { ...noMishap, loss: 'it gives the wait for a device up, and resolves' },
  },
  goBack: {
    act: (client) => client.goBack(),
    cannot: { ...noMishap, loss: 'the next step builds the run again, on another device' },
  },
  adjust: {
    act: (client) => client.adjust({ maxSteps: 9 }),
    cannot: { ...noMishap, loss: 'these are numbers, which a device gets when it is there' },
  },
  'close that does not keep': {
    act: (client) => client.close({ keep: false }),
    cannot: { ...noMishap, loss: 'it forgets the run, on a device or not' },
  },
  runs: { act: (client) => client.runs(), cannot: { ...noMishap, loss: NO_GPU } },
  discard: { act: (client) => client.discard(stored), cannot: { ...noMishap, loss: NO_GPU } },
};

const storage = new FakeStorage();
const locks = new FakeLocks();
const devices: FailingDevice[] = [];
const { begin: fallSilent, end: answer, until: answers } = silence();
const losable = losableGpu((device) => {
  devices.push(new FailingDevice(device));
  makeHostile(device, { delaysAnswers: answers });
});
const { port1, port2 } = new MessageChannel();
let client: Client;
beforeAll(async () => {
  stubBrowser(storage, locks);
  void hurry();
  const session = createSession({
    images: () => images,
    engine: { gpu: losable.gpu, selfCheck: false },
  });
  expose(port2, session, callsOf(session));
  client = connect<Mine>(port1);
  await client.begin(run);
  await trained(client, { steps: 3 });
  files = { checkpoint: await client.save('checkpoint'), model: await client.save() };
  await client.load(files.model);
  await client.close({ keep: false });
});
afterAll(() => {
  client.destroy();
  port2.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const listeners: (() => number)[] = [];
/** A controller whose listeners are counted. */
function counted(): AbortController {
  const controller = new AbortController();
  listeners.push(listenersOf(controller.signal));
  return controller;
}
beforeEach(() => {
  listeners.length = 0;
});
afterEach(async () => {
  mend();
  await client.close({ keep: false });
});
function mend(): void {
  broken = undefined;
  answer();
  Object.assign(storage, { unreadable: false, quota: Number.POSITIVE_INFINITY });
  losable.refuse(0);
}

/** The names of the stored runs' folders. */
const folders = async () => namesIn(await storage.root.getDirectoryHandle(RUNS));

/** What there is when the worker rests, by what it is counted. Node has no IndexedDB. */
function atRest() {
  return until(
    async () =>
      locks.held.length === 0 &&
      vi.getTimerCount() === 0 && {
        buffers: devices.flatMap(({ labels }) => labels).sort(),
        uncaught: devices.flatMap(({ uncaught }) => uncaught),
        scopes: devices.reduce((sum, { openScopes }) => sum + openScopes, 0),
        listeners: listeners.reduce((sum, count) => sum + count(), 0),
        folders: await folders(),
      },
  );
}

async function prepare({ needs }: Work): Promise<void> {
  if (!needs) return;
  await client.begin(run);
  await trained(client, { steps: 3 });
  if (needs === 'run') return;
  await client.pause();
  await client.close();
  [stored] = await folders();
}

async function tidy(): Promise<void> {
  await client.close({ keep: false });
  for (const id of await folders()) await client.discard(id);
  await client.load(files.model);
}

async function doIt(work: Work): Promise<unknown> {
  await prepare(work);
  const result = await work.act(client, { signal: counted().signal, onStep() {} });
  await tidy();
  return result;
}

/** Has it end badly. Resolves to the error, or to the state in which it rests before its end. */
async function endBadly(work: Work, mishap: Mishap): Promise<unknown> {
  await prepare(work);
  const controller = counted();
  const failing = devices.at(-1)!;
  const underWay = gate();
  // The device does not answer from there on: what is under way is not over before the test ends it.
  const amid = () => {
    fallSilent();
    underWay.open();
  };
  const ofDevice = mishap === 'abort' || mishap === 'loss' || mishap === 'refusal';
  const { refused, lostAt = refused?.name } = work;
  if (!ofDevice) broken = mishap;
  else if (mishap === 'refusal') failing.watch(refused);
  else failing.watch({ ...refused!, name: lostAt!, failure: amid });
  if (mishap === 'failed load') Object.assign(storage, { unreadable: true, quota: 0 });
  const onStep = () => {
    if (broken) throw thrown;
  };
  const acted = work.act(client, { signal: controller.signal, onStep }).catch((error) => error);
  if (mishap === 'abort' || mishap === 'loss') await underWay.opened;
  if (mishap === 'abort') controller.abort(thrown);
  if (mishap === 'abort' && work.waitsForDevice) answer();
  if (mishap === 'loss') {
    losable.refuse(1000);
    const lost = heard(client, 'lost');
    losable.lose();
    answer();
    await lost;
    await client.pause();
  }
  const end = await acted;
  if (ofDevice) expect(failing.unwatch(), 'what was planned has happened').toBe(true);
  mend();
  return end;
}

const pairs = Object.entries(works).flatMap(([name, work]) =>
  mishaps.filter((mishap) => !work.cannot[mishap]).map((mishap) => [name, mishap, work] as const),
);
test.each(pairs)('the worker call %s ended by %s works again', async (name, mishap, work) => {
  const result = await doIt(work);
  const before = await atRest();
  expect(before).toMatchObject({ uncaught: [], scopes: 0, listeners: 0, folders: [] });
  ends[mishap](await endBadly(work, mishap), name);
  await client.close({ keep: false });
  if (work.needs === 'stored') expect(await folders()).toEqual([stored]);
  await tidy();
  expect(await atRest()).toEqual(before);
  expect(await doIt(work)).toEqual(result);
  expect(await atRest()).toEqual(before);
});
