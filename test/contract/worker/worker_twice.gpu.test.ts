/**
 * What a worker does, done, ended badly and done again: the same result, and nothing of it stays.
 *
 * @module-tag nightly
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CallContext, createWorkerClient, serve, type WorkerClient } from '../../../src/worker';
import type { CallName } from '../../../src/worker/protocol';
import { hurry } from '../../lib/call_failures';
import { FailingDevice, type Planned } from '../../lib/failing_device';
import { FakeLocks, FakeStorage } from '../../lib/fake_storage';
import { testGpu } from '../../lib/gpu';
import { makeHostile, silence } from '../../lib/hostile/hostile_device';
import { heard, listenersOf } from '../../lib/worker/alone';
import { losableGpu } from '../../lib/worker/losable';
import { images, run } from '../../lib/worker/tiny';

await testGpu();

const mishaps = ['abort', 'loss', 'refusal', 'failed load', 'exception'] as const;
type Mishap = (typeof mishaps)[number];

const calls = {
  /** Asks the engine twice. */
  own: (_: undefined, { inTurn, engine, signal, tell }: CallContext) =>
    inTurn(async () => {
      let parameters = 0;
      for (let times = 0; times < 2; times++) {
        const unet = await (await engine()).createUNet(run.network);
        parameters += unet.parameterCount;
        unet.destroy();
        tell('asked');
        signal.throwIfAborted();
        if (broken === 'exception') throw thrown;
      }
      return parameters;
    }),
};
const thrown = new Error('The caller’s own.');
/** The mishap that is due, where it is not of the device or the signal. */
let broken: Mishap | undefined;

interface Work {
  /** A run that rests first, or is stored. */
  readonly needs?: 'run' | 'stored';
  act(client: Client, options: { readonly signal: AbortSignal }, onStep: () => void): Promise<unknown>;
  /** The event that tells when it is under way. */
  readonly underWay?: 'phase' | 'loss' | 'asked';
  /** The call of the device that is refused. */
  readonly refused?: Planned;
  /** Why it cannot end so. */
  readonly cannot: { readonly [of in Mishap]?: string };
}
type Client = WorkerClient<{ calls: typeof calls; events: { asked: undefined } }>;

const NO_SIGNAL = 'it takes no signal';
const NO_CALLER = 'it calls nothing of the caller’s; what a listener of events throws is the page’s';
const NO_LOAD =
  'it loads nothing; a part of the worker that does not load: test/contract/worker/serve.test.ts';
const ITS_IMAGES = 'the worker’s images are asked for once: gpu/worker.test.ts, asked for again';
const NO_GPU = 'it asks nothing of the device';
const refused = (name: string, failure: Planned['failure'], nth = 0): Planned => ({ name, nth, failure });

/** The id of the run that `prepare` stores. */
let stored = '';
let files: { model: Uint8Array; checkpoint: Uint8Array<ArrayBuffer> };
const works: Readonly<Record<string, Work>> = {
  begin: {
    act: (client, options) => client.begin(run, options).then(({ step, parameters }) => [step, parameters]),
    underWay: 'phase',
    refused: refused('createBuffer', 'memory', 2),
    cannot: { 'failed load': ITS_IMAGES, exception: ITS_IMAGES },
  },
  'resume of a file': {
    act: (client, options) =>
      client.resume({ from: files.checkpoint }, options).then(({ step, parameters }) => [step, parameters]),
    underWay: 'phase',
    refused: refused('createBuffer', 'memory', 2),
    cannot: { 'failed load': ITS_IMAGES, exception: ITS_IMAGES },
  },
  'resume of a stored run': {
    needs: 'stored',
    act: async (client, options) => {
      const { step } = await client.resume({ from: stored }, options);
      await client.putAside();
      return step;
    },
    underWay: 'phase',
    refused: refused('createBuffer', 'memory', 2),
    cannot: { exception: ITS_IMAGES },
  },
  start: {
    needs: 'run',
    act: (client, options) => client.start(options),
    underWay: 'loss',
    refused: refused('submit', 'refused', 3),
    cannot: { 'failed load': NO_LOAD, exception: NO_CALLER },
  },
  step: {
    needs: 'run',
    act: (client, options) => client.step(12, options),
    underWay: 'loss',
    refused: refused('submit', 'refused', 3),
    cannot: { 'failed load': NO_LOAD, exception: NO_CALLER },
  },
  sample: {
    needs: 'run',
    act: (client, options, onStep) =>
      client.sample({ count: 2, steps: 40, seed: 3, ...options, onStep }).then((samples) => samples.images),
    underWay: 'phase',
    refused: refused('submit', 'refused', 1),
    cannot: { 'failed load': NO_LOAD },
  },
  load: {
    act: (client) => client.load(files.model.slice(0, broken ? 100 : undefined)),
    refused: refused('createBuffer', 'memory'),
    cannot: { abort: NO_SIGNAL, exception: NO_CALLER },
  },
  'save of a model': {
    needs: 'run',
    act: (client) => client.save('model'),
    refused: refused('getMappedRange', 'throws'),
    cannot: { abort: NO_SIGNAL, 'failed load': NO_LOAD, exception: NO_CALLER },
  },
  'save of a checkpoint': {
    needs: 'run',
    act: (client) => client.save('checkpoint').then((file) => file.length),
    refused: refused('getMappedRange', 'throws'),
    cannot: {
      ...{ abort: NO_SIGNAL, 'failed load': NO_LOAD, exception: NO_CALLER },
      loss: 'it is the last copy then: gpu/worker.test.ts, while it rests',
    },
  },
  putAside: {
    needs: 'run',
    act: async (client) => {
      // What is not stored yet cannot be stored.
      if (broken) await client.step();
      await client.putAside();
    },
    refused: refused('getMappedRange', 'throws'),
    cannot: { abort: NO_SIGNAL, loss: 'the last copy is stored already', exception: NO_CALLER },
  },
  'a call of its own': {
    act: (client, options) => client.call('own', undefined, options),
    underWay: 'asked',
    refused: refused('createBuffer', 'memory'),
    cannot: { 'failed load': NO_LOAD },
  },
};

type Ended = 'begin' | 'resume' | 'start' | 'step' | 'sample' | 'load' | 'save' | 'putAside';
const always = { abort: NO_SIGNAL, refusal: NO_GPU, 'failed load': NO_LOAD, exception: NO_CALLER };
/** Why the other calls end in none of these ways. */
const never: Readonly<Record<Exclude<CallName, Ended>, Readonly<Record<Mishap, string>>>> = {
  pause: { ...always, loss: 'it gives the wait for a device up, and resolves' },
  goBack: { ...always, loss: 'the next step builds the run again, on another device' },
  adjust: { ...always, loss: 'these are numbers, which a device gets when it is there' },
  reset: { ...always, loss: 'it forgets the run, on a device or not' },
  ...{ runs: { ...always, loss: NO_GPU }, discard: { ...always, loss: NO_GPU } },
};
const storage = new FakeStorage();
const locks = new FakeLocks();
const devices: FailingDevice[] = [];
const { begin: fallSilent, end: answer, until } = silence();
/** From this event on the devices do not answer: what is under way is not over before the test ends it. */
let silentFrom: Work['underWay'];
let isUnderWay = () => {};
const losable = losableGpu((device) => {
  devices.push(new FailingDevice(device));
  makeHostile(device, { delaysAnswers: until });
});

let client: Client;
const { port1, port2 } = new MessageChannel();
const post = port2.postMessage.bind(port2);
Object.assign(port2, {
  postMessage(message: { readonly name?: string; readonly value?: unknown }, transfer: Transferable[]) {
    // The phase of what came before may be told late.
    const rests = /idle|paused/.test(Object(message.value).phase);
    if (silentFrom && message.name === silentFrom && !rests) {
      silentFrom = undefined;
      fallSilent();
      isUnderWay();
    }
    post(message, transfer);
  },
});
let undo: () => void;
beforeAll(async () => {
  const { gpu } = navigator;
  vi.stubGlobal('navigator', { gpu, storage: { getDirectory: async () => storage.root }, locks });
  undo = hurry();
  serve(port2, { images: () => images, engine: { gpu: losable.gpu, selfCheck: false }, calls });
  client = createWorkerClient(port1, { events: ['asked'] });
  await client.begin(run);
  await client.step(3);
  files = {
    checkpoint: (await client.save('checkpoint')) as Uint8Array<ArrayBuffer>,
    model: await client.save(),
  };
  await client.load(files.model);
  await client.reset();
});
afterAll(() => {
  client.destroy();
  port2.close();
  undo();
  vi.unstubAllGlobals();
});
beforeEach(() => {
  listeners.length = 0;
});
afterEach(async () => {
  mend();
  await client.reset();
});
function mend(): void {
  broken = undefined;
  answer();
  Object.assign(storage, { unreadable: false, quota: Number.POSITIVE_INFINITY });
  losable.refuse(0);
}

const listeners: (() => number)[] = [];
/** A controller whose listeners are counted. */
function counted(): AbortController {
  const controller = new AbortController();
  listeners.push(listenersOf(controller.signal));
  return controller;
}

/** Timers that run, without the test runner's own, which it makes with the original functions. */
const timers = new Set<NodeJS.Timeout>();
for (const [make, end, isOnce] of [
  ['setTimeout', 'clearTimeout', true],
  ['setInterval', 'clearInterval', false],
] as const) {
  const { [make]: begin, [end]: stop } = globalThis;
  const counted = (turn: (...given: unknown[]) => void, ...given: [number?, ...unknown[]]) => {
    const timer = begin(
      (...args: unknown[]) => {
        if (isOnce) timers.delete(timer);
        turn(...args);
      },
      ...given,
    );
    timers.add(timer);
    return timer;
  };
  const ended = (timer: NodeJS.Timeout) => {
    timers.delete(timer);
    stop(timer);
  };
  Object.assign(globalThis, { [make]: counted, [end]: ended });
}

/** The names of the stored runs' folders. */
async function folders(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await storage.root.getDirectoryHandle('webgpu-diffusion-runs')).keys())
    names.push(name);
  return names;
}

/** What there is, by what it is counted. Node has no IndexedDB. */
async function present() {
  return {
    buffers: devices.flatMap(({ labels }) => labels).sort(),
    uncaught: devices.flatMap(({ uncaught }) => uncaught),
    scopes: devices.reduce((sum, { openScopes }) => sum + openScopes, 0),
    locks: (await locks.query()).held.map(({ name }) => name),
    // The tests' own do not keep the process running.
    timers: [...timers].filter((timer) => timer.hasRef()).length,
    listeners: listeners.reduce((sum, count) => sum + count(), 0),
    folders: await folders(),
  };
}

/** What there is when the worker rests: what was let go may take some turns. */
async function atRest() {
  for (let turns = 0; turns < 100; turns++) {
    const now = await present();
    if (now.timers + now.locks.length === 0) return now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return present();
}

async function prepare({ needs }: Work): Promise<void> {
  if (!needs) return;
  await client.begin(run);
  await client.step(3);
  if (needs === 'run') return;
  const kept = new Promise<string>((resolve) => {
    const off = client.on('stored', ({ id }) => {
      off();
      resolve(id);
    });
  });
  await client.pause();
  stored = await kept;
  await client.putAside();
}

async function tidy(): Promise<void> {
  await client.reset();
  for (const id of await folders()) await client.discard(id);
  await client.load(files.model);
}

async function doIt(work: Work): Promise<unknown> {
  await prepare(work);
  const result = await work.act(client, { signal: counted().signal }, () => {});
  await tidy();
  return result;
}

/** Has it end badly. Resolves to the error, or to the state in which it rests before its end. */
async function endBadly(work: Work, mishap: Mishap): Promise<unknown> {
  await prepare(work);
  const controller = counted();
  const underWay =
    work.underWay &&
    new Promise<void>((resolve) => {
      isUnderWay = resolve;
    });
  if (mishap === 'abort' || mishap === 'loss') silentFrom = work.underWay;
  const failing = devices.at(-1)!;
  const onStep = () => {
    if (broken) throw thrown;
  };
  const act = () => work.act(client, { signal: controller.signal }, onStep).catch((error) => error);
  if (mishap === 'refusal') failing.watch(work.refused);
  if (mishap === 'failed load') Object.assign(storage, { unreadable: true, quota: 0 });
  if (mishap === 'failed load' || mishap === 'exception') broken = mishap;
  if (mishap === 'loss') losable.refuse(1000);
  const lost = heard(client, 'lost');
  if (mishap === 'loss' && !underWay) {
    losable.lose();
    await lost;
  }
  const acted = act();
  if (mishap === 'abort') {
    await underWay;
    controller.abort(thrown);
  }
  if (mishap === 'loss' && underWay) {
    await underWay;
    losable.lose();
    answer();
    await lost;
    await client.pause();
  }
  const end = await acted;
  if (mishap === 'refusal') expect(failing.unwatch(), 'what was planned has happened').toBe(true);
  mend();
  return end;
}

/** How each mishap ends it. */
const ends: Readonly<Record<Mishap, (end: unknown, name: string) => void>> = {
  abort: (end) => expect(end).toBe(thrown),
  loss: (end, name) => {
    if (name === 'start' || name === 'step') expect(end).toMatchObject({ step: 3, complete: false });
    else expect(end).toMatchObject({ code: expect.stringMatching(/^(device-lost|no-adapter|destroyed)$/) });
  },
  refusal: (end) => expect(end).toMatchObject({ code: expect.stringMatching(/^(limit|shader)$/) }),
  'failed load': (end) =>
    expect(end).toMatchObject({ message: expect.stringMatching(/damaged|bytes|does not keep/) }),
  exception: (end) => expect(end).toMatchObject({ message: thrown.message }),
};

describe.each(Object.entries(works))('the worker call %s', (name, work) => {
  test.each(mishaps.filter((mishap) => !work.cannot[mishap]))('ended by %s works again', async (mishap) => {
    const result = await doIt(work);
    const before = await atRest();
    expect(before).toMatchObject({
      uncaught: [],
      scopes: 0,
      locks: [],
      timers: 0,
      listeners: 0,
      folders: [],
    });
    ends[mishap](await endBadly(work, mishap), name);
    await client.reset();
    if (work.needs === 'stored') expect(await folders()).toEqual([stored]);
    await tidy();
    expect(await atRest()).toEqual(before);
    expect(await doIt(work)).toEqual(result);
    expect(await atRest()).toEqual(before);
  });
});

test.each(Object.entries(never))('each mishap has a reason not to end the worker call %s', (call, why) => {
  expect(client[call as CallName]).toBeInstanceOf(Function);
  expect(Object.keys(why).sort()).toEqual([...mishaps].sort());
});
