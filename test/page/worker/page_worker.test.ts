/** The page's worker, from the page's calls to what it tells, without a GPU. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type DataSource, FACES } from '../../../harness/page/messages/calls';
import { type ImageSize, initialFor } from '../../../harness/page/messages/settings';
import { TimeShare } from '../../../harness/page/worker/clocks';
import { Files } from '../../../harness/page/worker/files';
import { browserReader } from '../../../harness/page/worker/image_sources';
import { KeptImages } from '../../../harness/page/worker/kept_images';
import { Views } from '../../../harness/page/worker/views';
import { splitImages } from '../../../harness/page/worker/worker_state';
import { readOwnImages } from '../../../harness/pictures/own_images';
import { OWN_SIZE } from '../../../harness/pictures/small_pictures';
import type { Plan } from '../../../harness/run/plan';
import {
  type Engine,
  EngineError,
  type ImageSet,
  type UNet,
  type UNetConfig,
  type UNetOptions,
} from '../../../src';
import { recipeAt } from '../../../src/recipes';
import { checkConfig, listParameters, presets } from '../../../src/unet/config';
import { saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { TrainingRun } from '../../../src/worker/run';
import { gate } from '../../lib/gate';
import { engineWithout, pageWorker, runOf } from '../../lib/page/page_worker';
import { allLosses, state as checkpointState, snapshotOf, trainer } from '../../lib/small_files';
import { until } from '../../lib/until';

/** The rehearsals that have begun, each with what ends it. One that is interrupted ends once the step under way is made. */
const rehearsals: (() => void)[] = [];
let stepMade = Promise.resolve();
vi.mock('../../../harness/run/rehearsal', () => ({
  rehearse: (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
    new Promise<Plan>((resolve, reject) => {
      signal.addEventListener('abort', () => void stepMade.then(() => reject(signal.reason)));
      const plan = { batch: 1, steps: 20, epochs: 2, seconds: 20, fits: true };
      rehearsals.push(() => resolve(plan));
    }),
}));

/** Another font draws other faces. */
const fonts = { now: 1 };
const facesOf = (font: number): ImageSet => ({
  images: new Uint8Array(20 * 16 * 16 * 3).map((_, i) => i % (200 + font)),
  count: 20,
  height: 16,
  width: 16,
  channels: 3,
  name: FACES,
});
vi.mock('../../../harness/page/worker/faces', () => ({
  drawFaces: async () => ({ images: facesOf(fonts.now), notes: [] }),
}));

/** Pictures of 36 x 40 pixels, each of the colour that its name says. */
vi.mock('../../../harness/page/worker/image_sources', async (original) => ({
  ...(await original<object>()),
  browserReader: {
    async head() {
      const bytes = new Uint8Array(32);
      bytes.set(
        [...'PNG'].map((letter) => letter.charCodeAt(0)),
        1,
      );
      bytes[19] = 36;
      bytes[23] = 40;
      return bytes;
    },
    decode: async ({ path }: { readonly path: string }) => ({
      width: 36,
      height: 40,
      data: Uint8Array.from(
        { length: 36 * 40 * 4 },
        (_, at) => [10 * Number(/\d+/.exec(path)), 90, 200, 255][at % 4],
      ),
    }),
  },
}));

afterEach(() => {
  rehearsals.length = 0;
  vi.restoreAllMocks();
});

/** The open page's worker where there is no GPU, which rests. */
async function served() {
  const worker = await pageWorker();
  await worker.open();
  await worker.rests();
  return worker;
}

/** The open page's worker with engines as these, which rests. */
async function servedOn(...engines: readonly Engine[]) {
  const left = [...engines];
  const worker = await pageWorker(async () => left.shift()!);
  await worker.open();
  await worker.rests();
  return worker;
}

const wish = { speed: undefined };
const noRun = () => ({ free() {}, losses: [] }) as unknown as TrainingRun;
const image = { height: 16, width: 16, channels: 1 };
const grey = { images: new Uint8Array(20 * 256), count: 20, ...image };
const noGpu = { at: 'task', code: 'no-webgpu', message: expect.any(String) };

test('a pause does not end the images that are being made, and is answered at once', async () => {
  const { client, trains, present, rests } = await served();
  const sampling = present('order');
  await client.press({});
  expect(trains()).toBe(true);
  await client.halt();
  expect(trains()).toBe(false);
  expect(sampling.over).not.toHaveBeenCalled();
  sampling.end();
  await rests();
  expect(sampling.over).toHaveBeenCalledExactlyOnceWith(false);
});

test('training is answered at once, makes its run, and waits for what is being made', async () => {
  const { client, trains, present, rests, told, patched } = await served();
  const sampling = present('order');
  await client.press({ steps: 3 });
  await client.press({});
  expect(trains()).toBe(true);
  expect(sampling.over).not.toHaveBeenCalled();
  expect(patched('data')).toEqual([]);
  sampling.end();
  // Without images it loads the digits. There is no GPU to go on with.
  await until(() => !trains());
  await rests();
  expect(sampling.over).toHaveBeenCalledExactlyOnceWith(false);
  expect(patched('data')).toHaveLength(1);
  expect(told('problem').at(-1)).toEqual(noGpu);
});

test('a press on Train that is paused before its run is made makes none, and a later one makes it', async () => {
  const { client, session, trains, present, rests, told, patched } = await served();
  const sampling = present('order');
  await client.press({});
  await client.halt();
  sampling.end();
  await rests();
  expect(patched('data')).toEqual([]);
  expect(trains()).toBe(false);
  await client.press({});
  await until(() => !trains());
  expect(patched('data')).toHaveLength(1);
  expect(told('problem').at(-1)).toEqual(noGpu);
  const { length: errors } = told('problem');
  // One that is there stays.
  const { run } = runOf(3, { end: 3 });
  session.run = run;
  await client.press({});
  await until(() => !trains());
  expect(session.run).toEqual(run);
  expect(told('problem').at(-1)).toEqual(noGpu);
  expect(told('problem').length).toEqual(errors);
});

test('a run that is begun while the device is lost waits for another device, until a pause', async () => {
  const { client, session, trains, rests, told } = await served();
  await client.data('digits');
  await rests();
  session.isLost = true;
  vi.spyOn(session, 'device').mockRejectedValue(new EngineError('no-adapter', 'There is none.'));
  const { length } = told('problem');
  await client.press({});
  await until(() => told('lost').length > 0);
  expect(told('lost').at(-1)).toMatchObject({ recovers: true });
  expect(session.run).toBeDefined();
  await client.halt();
  await until(() => !session.run);
  expect(told('lost').at(-1)).toMatchObject({ recovers: false });
  expect(trains()).toBe(false);
  expect(told('problem').length).toEqual(length);
});

test('a press that stops the timing of dispatches ends it', async () => {
  const { client, present, rests } = await served();
  const timing = present('order');
  await client.stopTiming();
  await rests();
  expect(timing.over).toHaveBeenCalledExactlyOnceWith(true);
});

test('images of the page give way to a later task, and to the page’s word', async () => {
  let begun = 0;
  async function* run({ signal }: { readonly signal: AbortSignal }) {
    begun++;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    signal.throwIfAborted();
    yield { step: 0 };
  }
  const { client, session, turns, rests } = await servedOn(engineWithout({ run }).engine);
  const onFrame = vi.fn();
  const unet = { config: image } as UNet;
  vi.spyOn(session.samplers, 'network').mockResolvedValue({ unet, objective: 'flow' });
  const make = async (signal?: AbortSignal) => {
    const before = begun;
    const made = client.make({ network: 'file', count: 1, onFrame }, { signal });
    await until(() => begun > before);
    return { made };
  };
  const asked = vi.fn(async () => {});
  const later = await make();
  void turns.take('answer', asked);
  await expect(later.made).rejects.toMatchObject({ name: 'AbortError' });
  await until(() => asked.mock.calls.length === 1);
  const controller = new AbortController();
  const stopped = await make(controller.signal);
  controller.abort();
  await expect(stopped.made).rejects.toBe(controller.signal.reason);
  await rests();
  expect(onFrame).not.toHaveBeenCalled();
});

test.each([
  ['resets', false],
  ['puts aside', true],
])(
  'a page that %s its run interrupts what is done, and leaves what was asked for before it',
  async (_, keep) => {
    const { client, session, turns, present, rests, patched } = await served();
    const answering = present('answer');
    const asked = vi.fn(async () => {});
    const left = turns.take('answer', asked);
    left.catch(() => {});
    session.run = noRun();
    await client.leave(keep);
    await rests();
    expect(answering.over).toHaveBeenCalledExactlyOnceWith(true);
    await expect(left).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked).not.toHaveBeenCalled();
    expect(session.run).toBeUndefined();
    expect(patched('run')).toEqual([undefined]);
  },
);

test('after a device is lost, the worker drops tasks from before the loss, and does new ones', async () => {
  const { engine, lose } = engineWithout();
  const { turns, present, told } = await servedOn(engine);
  const before = vi.fn(async () => {});
  const after = vi.fn(async () => {});
  const answering = present('answer');
  const dropped = turns.take('answer', before);
  dropped.catch(() => {});
  lose();
  await expect(dropped).rejects.toMatchObject({ code: 'device-lost' });
  await turns.take('answer', after);
  expect(answering.over).toHaveBeenCalledExactlyOnceWith(true);
  expect(before).toHaveBeenCalledTimes(0);
  expect(after).toHaveBeenCalledTimes(1);
  expect(told('lost')).toMatchObject([{ recovers: false, reason: 'It is gone.' }]);
});

test('a network of the recipe pictures is sampled as the recipe says, also on grey images', async () => {
  const { session, state } = await served();
  const createUNet = vi.fn(async (_config: UNetConfig, _options: UNetOptions) => ({ destroy() {} }));
  const engine = { createUNet } as unknown as Engine;
  vi.spyOn(session, 'device').mockResolvedValue(engine);
  state.settings = initialFor('pictures');
  state.images = { ...grey, labels: new Uint8Array(20) };
  await state.networkFrom('run');
  const begin = async () => TrainingRun.begin(await state.newRun()).network(engine);
  await begin();
  state.images = grey;
  await begin();
  const of = (guidance?: number) => [
    expect.objectContaining({ ...image, kernelSize: 3, convolutionsPerLevel: [2, 2, 3] }),
    expect.objectContaining({ sampling: { method: 'adams', steps: 8, guidance } }),
  ];
  expect(createUNet.mock.calls).toEqual([of(1.5), of(1.5), of()]);
  state.images = { ...grey, height: 12 };
  await expect(state.newRun()).rejects.toThrow('The images are 12 x 16; the recipe pictures takes');
});

test('the page hears what a run begins with, and how many images it holds out', async () => {
  const { state, patched } = await served();
  state.settings = { ...initialFor('digits'), holdout: 5, begin: 'new' };
  state.images = grey;
  const { images, settings, trainer } = await state.newRun();
  expect({ count: images.count, holdout: settings.holdout, dropLast: settings.dropLast }).toEqual({
    count: 15,
    holdout: 5,
    dropLast: true,
  });
  expect(trainer).toEqual(recipeAt('digits', 64).trainer);
  const sampling = expect.objectContaining({ steps: expect.any(Number) });
  expect(patched('begun')).toEqual([{ held: 5, begin: 'new', sampling }]);
  state.settings = { ...state.settings, holdout: 20 };
  await expect(state.newRun()).rejects.toThrow(
    '20 images cannot be held out, as there are 20: hold out fewer, so that some are left to train on.',
  );
});

test('a run keeps how its finished images are shown, also where that changes', async () => {
  const { client, session, state } = await served();
  const settings = { ...initialFor('pictures'), begin: 'new' } as const;
  state.images = { ...grey, channels: 3, images: new Uint8Array(20 * 768) };
  const begun = async (shrunk?: boolean) => {
    state.settings = settings;
    state.data = { name: 'mine', builtIn: false, count: 20, ...image, channels: 3, shrunk };
    return (await state.newRun()).settings;
  };
  expect([(await begun(true)).enlarge, (await begun(false)).enlarge]).toEqual(['smooth', 'pixels']);
  const { run } = runOf(3);
  session.run = run;
  await client.settings({ ...settings, enlarge: 'smooth' });
  expect(run.settings).toEqual({ batchSize: 1, seed: 1, enlarge: 'smooth' });
});

/** Files of a worker that has no run, and the run that they find for the checkpoint of one on `images`. */
async function filesOf(from: DataSource) {
  const { state, session } = await served();
  state.settings = initialFor('pictures');
  const files = new Files(state, new Views(state));
  await files.loadData(from);
  const oldRun = async (images: ImageSet, size: ImageSize, source?: string) => {
    const config = checkConfig({ ...presets.pictures, ...size, widths: [2, 3, 4] });
    const { parameters } = listParameters(config);
    const values = new Map(parameters.map(({ name, size }) => [name, new Float32Array(size)]));
    const unet = { config, parameters, getParameters: async () => values };
    const moments = { moment1: values, moment2: values };
    const settings = { seed: 1, batchSize: 4, learningRate: 0.01, epochs: 2, holdout: 2 };
    const checkpoint = await saveCheckpoint({
      trainer: {
        ...trainer,
        unet,
        ...snapshotOf({ parameters: values, state: { ...checkpointState, ...moments } }),
      },
      settings: { ...settings, enlarge: 'pixels', ...(source ? { source } : {}) },
      data: fingerprintImages(splitImages(images, { ...state.settings, holdout: 2 }).train),
      losses: allLosses,
    });
    session.run = undefined;
    return files.oldRun(checkpoint, undefined);
  };
  return { state, oldRun };
}

describe('a checkpoint of larger pictures than the page makes', () => {
  const picture = (i: number) => ({ path: `mine/${i}.png`, source: new Blob() });
  const mine = Array.from({ length: 20 }, (_, i) => picture(i));
  const choice = { size: OWN_SIZE, fit: 'crop', ink: 'auto' } as const;
  const signal = new AbortController().signal;

  /** The page's worker has these pictures, at the page's size, and is given the checkpoint of a run on `mine` at their own. */
  async function gone(pictures: typeof mine) {
    const { state, oldRun } = await filesOf(pictures);
    expect(state.data).toMatchObject({ height: 32, width: 32, shrunk: true });
    const { images } = await readOwnImages(mine, choice, browserReader, { signal, progress() {} });
    return { state, opened: oldRun(images, { height: 40, width: 36, channels: 3 }) };
  }

  test('goes on with the same pictures, which are read again', async () => {
    const { state, opened } = await gone(mine);
    const { settings } = await opened;
    expect(state.data).toMatchObject({ height: 40, width: 36, shrunk: false });
    // They are shown as they are.
    expect(settings).toMatchObject({ holdout: 2, epochs: 2 });
    expect(settings).not.toHaveProperty('enlarge');
  });

  test('refuses others, which are the page’s again', async () => {
    const { state, opened } = await gone(mine.map((_, i) => picture(i + 1)));
    await expect(opened).rejects.toThrow('was trained on');
    expect(state.data).toMatchObject({ height: 32, width: 32 });
  });
});

describe('a run on the faces of the device', () => {
  const size = { height: 16, width: 16, channels: 3 };

  test.each([
    [1, 1],
    [1, 2],
  ])('that were drawn with font %i and are drawn with font %i when it goes on', async (before, now) => {
    fonts.now = now;
    const { state, oldRun } = await filesOf('digits');
    const opened = oldRun(facesOf(before), size, FACES);
    if (now === before) expect((await opened).images.count).toBe(18);
    else await expect(opened).rejects.toThrow('the emoji font of this device has changed');
    expect(state.source).toBe(FACES);
  });
});

test('images that are given beside a run are refused, and the run keeps its own', async () => {
  const { client, session, state, told } = await served();
  session.run = noRun();
  await client.data('digits');
  const message = 'A run is under way. Reset it to train on other images.';
  expect(told('problem')).toContainEqual({ at: 'data', code: 'argument', message });
  expect(state.images).toBeUndefined();
});

test.each([
  ['on', { tune: true }, true],
  ['off', { tune: false }, false],
  ['auto', {}, false],
] as const)(
  'with tune=%s an engine is made with %j, and one on a software adapter gets %s',
  async (tune, given, later) => {
    const { engine } = engineWithout();
    const createEngine = vi.fn(async (_: object) => engine);
    const { client, open, rests } = await pageWorker(createEngine);
    const settings = { ...initialFor('digits'), tune };
    await open(settings);
    await rests();
    const { tune: made, maxSubmitMilliseconds } = createEngine.mock.calls[0][0] as Record<string, unknown>;
    expect({ tune: made, maxSubmitMilliseconds }).toEqual({ ...given, maxSubmitMilliseconds: 12 });
    await client.settings({ ...settings, tune: tune === 'on' ? 'off' : 'on' });
    await client.settings(settings);
    expect(engine.tune).toBe(later);
  },
);

describe('between two steps of a run', () => {
  /** A worker that trains; pictures and measures come one after the other, and end when their signal aborts. */
  async function training(what: 'pictures' | 'measures') {
    const { engine } = engineWithout();
    const worker = await servedOn(engine);
    const { session, state, client } = worker;
    state.images = { ...grey, labels: undefined };
    state.settings = { ...state.settings, holdout: 5 };
    const ended = vi.fn();
    const begun = vi.fn();
    const untilEnded = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        begun();
        signal.addEventListener('abort', () => {
          ended();
          reject(signal.reason);
        });
      });
    // The first measurement comes some time after the worker has started.
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => 1e6 + now());
    vi.spyOn(TimeShare.prototype, 'isDue').mockReturnValue(what === 'measures');
    vi.spyOn(Views.prototype, 'both').mockImplementation(async (signal) => {
      // Not those after a pause, which nothing ends.
      if (what === 'pictures' && session.stretch) await untilEnded(signal!);
    });
    const { run, step } = runOf(1, { evaluate: (_, { signal }) => untilEnded(signal) });
    session.run = run;
    await client.press({});
    await step();
    await until(() => begun.mock.calls.length > 0);
    return { ...worker, run, step, ended };
  }

  test.each(['pictures', 'measures'] as const)(
    '%s give way to a sample, and training goes on',
    async (what) => {
      const { client, run, step, ended, trains, told } = await training(what);
      expect(ended).not.toHaveBeenCalled();
      const { images } = await client.sample({ count: 1 });
      expect({ images: images.length, ended: ended.mock.calls.length }).toEqual({
        images: 1,
        ended: 1,
      });
      await step();
      expect(run.losses).toHaveLength(3);
      expect(trains()).toBe(true);
      expect(told('problem')).toEqual([]);
      expect(told('warning')).toEqual([]);
    },
  );

  test.each(['pictures', 'measures'] as const)('%s give way to a pause', async (what) => {
    const { client, session, run, ended, rests } = await training(what);
    await client.halt();
    await until(() => !session.stretch);
    await rests();
    expect({ losses: run.losses.length, ended: ended.mock.calls.length }).toEqual({
      losses: 2,
      ended: 1,
    });
  });
});

test('the user’s images are kept with the first copy of a run, which is said once where there is no room', async () => {
  const { session, state, client, rests, told } = await served();
  const write = vi.spyOn(KeptImages.prototype, 'write').mockRejectedValue(new Error('There is no room.'));
  const tidy = vi.spyOn(KeptImages.prototype, 'tidy').mockResolvedValue();
  await client.data(grey);
  await rests();
  session.run = noRun();
  for (const step of [9, 18]) session.tell('stored', { step, id: 'a' });
  await until(() => told('warning').length > 0);
  expect(write.mock.calls).toEqual([['a', state.images]]);
  expect(told('warning')).toMatchObject([{ message: expect.stringContaining('There is no room.') }]);
  // Images of other runs are deleted.
  session.tell('runs', { runs: [] });
  expect(tidy).toHaveBeenCalledOnce();
});

test('the page hears of each step once, and that the run went back where steps come again', async () => {
  const first = engineWithout();
  const second = engineWithout();
  const { client, session, state, told, patched } = await servedOn(first.engine, second.engine);
  state.images = grey;
  vi.spyOn(Views.prototype, 'both').mockResolvedValue();
  session.recoverer = { lost: () => ({ wait: 0 }) } as unknown as typeof session.recoverer;
  const { run, step } = runOf(2, { end: 6, kept: 4 });
  session.run = run;
  await client.press({});
  for (let made = 0; made < 3; made++) await step();
  await until(() => patched('run').length > 0);
  first.lose();
  await until(() => told('recovered').length > 0);
  for (let made = 0; made < 2; made++) await step();
  await until(() => !session.stretch);
  const sent = told('losses') as { first: number; again: boolean; losses: Float32Array }[];
  const ends = sent.map(({ first, losses }) => first + losses.length);
  for (const [i, { first, again }] of sent.entries())
    expect(first).toBe(again ? Math.min(4, ends[i - 1]) : (ends[i - 1] ?? 2));
  expect(ends.at(-1)).toBe(6);
  expect(sent.filter(({ again }) => again)).toHaveLength(1);
  // Another run, from its beginning, has not gone back.
  const other = runOf(0, { end: 1 });
  await client.leave(false);
  session.run = other.run;
  await client.press({});
  await other.step();
  await until(() => !session.stretch);
  expect(told('losses').at(-1)).toMatchObject({ first: 0, again: false });
});

test('a run goes on whose device is lost while pictures are made between two steps', async () => {
  const first = engineWithout();
  const second = engineWithout();
  const { client, session, state, told } = await servedOn(first.engine, second.engine);
  state.images = grey;
  session.recoverer = { lost: () => ({ wait: 0 }) } as unknown as typeof session.recoverer;
  const loses = async () => {
    first.lose();
    await until(() => told('lost').length > 0);
    throw new EngineError('destroyed', 'This trainer was destroyed.');
  };
  vi.spyOn(Views.prototype, 'both').mockResolvedValue().mockImplementationOnce(loses);
  const { run, step } = runOf(2, { end: 5, kept: 3 });
  session.run = run;
  await client.press({});
  await step();
  await until(() => told('recovered').length > 0);
  for (let made = 0; made < 2; made++) await step();
  await until(() => !session.stretch);
  expect(run.losses).toHaveLength(5);
  expect(told('problem')).toEqual([]);
});

test('a press while a run is built that a pause has ended makes another, which trains', async () => {
  const { client, session, state, told } = await servedOn(engineWithout().engine);
  state.images = grey;
  const { open, opened: built } = gate();
  const paused = runOf(0, { built });
  const other = runOf(0);
  vi.spyOn(TrainingRun, 'begin').mockReturnValueOnce(paused.run).mockReturnValueOnce(other.run);
  await client.press({});
  await until(() => session.run);
  await client.halt();
  await client.press({});
  open();
  await other.step();
  expect(session.run).toBe(other.run);
  expect(told('problem')).toEqual([]);
});

test('a run that cannot be built leaves the page idle, and says why', async () => {
  const { client, session, state, told, patched, trains, rests } = await servedOn(engineWithout().engine);
  state.images = grey;
  const refused = Promise.reject(new EngineError('argument', 'No such size.'));
  refused.catch(() => {});
  vi.spyOn(TrainingRun, 'begin').mockReturnValue(runOf(0, { built: refused }).run);
  await client.press({});
  await until(() => !trains());
  await rests();
  expect(told('problem')).toMatchObject([{ code: 'argument', message: 'No such size.' }]);
  expect(session.run).toBeUndefined();
  expect(session.phase).toBe('idle');
  expect(patched('phase').includes('paused')).toBe(false);
});

test('a press while a kept run is about to go on trains that run', async () => {
  const { client, session, state, told } = await servedOn(engineWithout().engine);
  state.images = grey;
  vi.spyOn(Views.prototype, 'both').mockResolvedValue();
  const { run, step } = runOf(2);
  const { open, opened: read } = gate();
  vi.spyOn(Files.prototype, 'oldRun').mockReturnValue(read.then(() => run));
  const goesOn = client.goOn(new Uint8Array(1));
  await client.press({});
  open();
  await goesOn;
  await step();
  expect(session.run).toBe(run);
  expect(told('problem')).toEqual([]);
});

describe('the rehearsal of a planned run', () => {
  /** A worker that rehearses a run. */
  async function rehearses() {
    const worker = await servedOn(engineWithout().engine);
    const { client, session, state } = worker;
    state.images = grey;
    const { run, step } = runOf(0);
    const begin = vi.spyOn(TrainingRun, 'begin').mockReturnValue(run);
    await client.press({ wish });
    await until(() => rehearsals.length === 1);
    return { ...worker, client, session, run, step, begin };
  }

  test('begins anew where something interrupts it, and the run trains after it', async () => {
    const { client, session, run, step, patched } = await rehearses();
    expect(session.phase).toBe('training');
    expect((await client.sample({ count: 1 })).images).toHaveLength(1);
    await until(() => rehearsals.length === 2);
    expect(run.losses).toEqual([]);
    rehearsals[1]();
    await step();
    expect(rehearsals).toHaveLength(2);
    expect(patched('planned').map((planned) => planned!.plan.steps)).toEqual([undefined, 20]);
  });

  test('ends with a pause, and begins anew with the next press, also with one before it has ended', async () => {
    const { client, run, step, trains, rests, begin } = await rehearses();
    await client.halt();
    await rests();
    await client.press({ wish });
    await until(() => rehearsals.length === 2);
    expect({ losses: run.losses.length, trains: trains(), begun: begin.mock.calls.length }).toEqual({
      losses: 0,
      trains: true,
      begun: 1,
    });
    const { open, opened } = gate();
    stepMade = opened;
    await client.halt();
    await client.press({ wish });
    open();
    await until(() => rehearsals.length === 3);
    rehearsals[2]();
    await step();
    expect(run.losses).toEqual([1]);
  });
});
