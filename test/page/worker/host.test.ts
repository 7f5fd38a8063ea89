/** The page's part of its worker, without a GPU. */
import { expect, test, vi } from 'vitest';
import { initialOf } from '../../../harness/page/messages/settings';
import { TrainingRun, type TrainingSession } from '../../../harness/page/worker/door';
import type { Files } from '../../../harness/page/worker/files';
import { PageHost } from '../../../harness/page/worker/host';
import { Workplace } from '../../../harness/page/worker/place';
import { type Engine, EngineError, type UNet, type UNetConfig, type UNetOptions } from '../../../src';
import type { BeginOptions } from '../../../src/worker';
import { Tasks } from '../../../src/worker/tasks';
import { FakeWorker } from '../../lib/worker/fake_worker';

/** The page's worker in this thread: its client and session, and the names of the events. */
async function served() {
  const worker = new FakeWorker();
  let session!: TrainingSession;
  const said = worker.serve({
    store: false,
    host: (of, tell) => {
      session = of;
      return new PageHost(of, tell);
    },
  });
  const { client } = worker.client();
  const opening = { settings: initialOf('digits'), visible: true, losses: [], digits: false };
  await client.call('open' as 'long', opening);
  const { tasks } = session;
  const rests = () => expect.poll(() => tasks.busy, { timeout: 20_000 }).toBe(false);
  await rests();
  /** Does something until it is interrupted, or ended. */
  const present = (kind: 'sampling' | 'training') => {
    const over = vi.fn<(interrupted: boolean) => void>();
    let end = () => {};
    tasks.request(() =>
      tasks
        .interruptible(kind, async (signal) => {
          await new Promise<void>((resolve) => {
            end = resolve;
            signal.addEventListener('abort', () => resolve());
          });
          signal.throwIfAborted();
        })
        .then((ended) => over(!ended)),
    );
    return { over, end: () => end() };
  };
  const events = () => (said as { name?: string }[]).flatMap(({ name = [] }) => name);
  return { client, session, tasks, present, rests, events };
}

test('a pause does not end the images that are being made, and is answered at once', async () => {
  const { client, session, present, rests } = await served();
  const sampling = present('sampling');
  session.train();
  expect(await client.pause()).toEqual({ step: 0, loss: undefined, complete: false });
  expect(session.wanted).toBeUndefined();
  expect(sampling.over).not.toHaveBeenCalled();
  sampling.end();
  await rests();
  expect(sampling.over).toHaveBeenCalledExactlyOnceWith(false);
});

test('training is answered at once, makes its run, and waits for what is being made', async () => {
  const { client, session, present, rests, events } = await served();
  const sampling = present('sampling');
  const begun = client.begin({} as BeginOptions);
  expect(await client.step(3)).toMatchObject({ step: 0 });
  expect(session.wanted).toBe('steps');
  expect(await client.start()).toMatchObject({ step: 0 });
  expect(session.wanted).toBe('end');
  expect(sampling.over).not.toHaveBeenCalled();
  expect(events()).not.toContain('data');
  sampling.end();
  // Without images it loads the digits. There is no GPU to go on with.
  await expect(begun).rejects.toMatchObject({ code: 'no-webgpu' });
  await rests();
  expect(events()).toContain('data');
  expect(session.wanted).toBeUndefined();
});

test('a press on Train that is paused before its run is made makes none, and a later one makes it', async () => {
  const { client, session, present, rests, events } = await served();
  const begin = () => client.begin({} as BeginOptions);
  const sampling = present('sampling');
  begin().catch(() => {});
  await client.start();
  await client.pause();
  sampling.end();
  await rests();
  expect(events()).not.toContain('data');
  const begun = begin();
  await client.start();
  await expect(begun).rejects.toMatchObject({ code: 'no-webgpu' });
  expect(events()).toContain('data');
  // One that is there stays.
  session.run = { losses: [] } as unknown as TrainingRun;
  await expect(begin()).rejects.toMatchObject({ code: 'busy' });
});

test('a run that is begun while the device is lost waits for another device, until a pause', async () => {
  const { client, session, rests, events } = await served();
  await client.call('data' as 'long', { from: 'digits' });
  await rests();
  session.idlePhase = 'lost';
  vi.spyOn(session, 'device').mockRejectedValue(new EngineError('no-adapter', 'There is none.'));
  const begun = client.begin({} as BeginOptions);
  await client.start();
  await expect.poll(() => session.recovering).toBe(true);
  expect(events().at(-1)).toBe('lost');
  await client.pause();
  await expect(begun).rejects.toMatchObject({ code: 'no-adapter' });
  expect(session.run).toBeUndefined();
});

test('a press that stops the timing of dispatches ends it', async () => {
  const { client, present, rests } = await served();
  const timing = present('sampling');
  await client.call('stopTiming' as 'long');
  await rests();
  expect(timing.over).toHaveBeenCalledExactlyOnceWith(true);
});

test('images of the page give way to a later task, and to the page’s word', async () => {
  const { client, session, tasks } = await served();
  const seen = { onFrame: vi.fn() };
  const unet = { config: { height: 1, width: 1, channels: 1 } } as unknown as UNet;
  let next = () => {};
  async function* run({ signal }: { readonly signal: AbortSignal }) {
    for (let step = 0; ; step++) {
      await new Promise<void>((resolve) => (next = resolve));
      signal.throwIfAborted();
      yield { step };
    }
  }
  const createSampler = async () => ({ unet, count: 1, run, destroy() {} });
  session.engine = { createSampler, destroy() {} } as unknown as Engine;
  vi.spyOn(session.samplers, 'network').mockResolvedValue({ unet, objective: 'flow' });
  const make = (signal?: AbortSignal) =>
    client.sample({ network: 'file' as 'run', count: 1, signal, ...seen });
  const begun = () => expect.poll(() => tasks.doing).toBe('sampling');
  const later = make();
  await begun();
  const asked = vi.fn(async () => {});
  tasks.request(asked);
  next();
  await expect(later).rejects.toMatchObject({ name: 'AbortError' });
  await expect.poll(() => asked.mock.calls.length).toBe(1);
  const controller = new AbortController();
  const stopped = make(controller.signal);
  await begun();
  controller.abort();
  await expect(stopped).rejects.toBe(controller.signal.reason);
  next();
  await expect.poll(() => tasks.busy).toBe(false);
  expect(seen.onFrame).not.toHaveBeenCalled();
});

test.each(['reset', 'putAside'] as const)(
  '%s interrupts what is done, and leaves what was asked for before it',
  async (name) => {
    const { client, session, tasks, present, rests, events } = await served();
    const sampling = present('sampling');
    const asked = vi.fn(async () => {});
    tasks.request(asked);
    session.run = { free() {}, losses: [] } as unknown as TrainingRun;
    await client[name]();
    await rests();
    expect(sampling.over).toHaveBeenCalledExactlyOnceWith(true);
    expect(asked).not.toHaveBeenCalled();
    expect(session.run).toBeUndefined();
    expect(events()).toContain('freed');
  },
);

test('after a device is lost, the worker drops tasks from before the loss, and does new ones', async () => {
  const tasks = new Tasks({
    background: () => undefined,
    failed: () => {},
    rest: () => {},
    idle: async () => {},
  });
  const host = new PageHost({ tasks } as unknown as TrainingSession, () => {});
  const [before, after] = [vi.fn(async () => {}), vi.fn(async () => {})];
  let end = () => {};
  tasks.request(() => new Promise((resolve) => (end = resolve)));
  tasks.request(before);
  host.lost();
  tasks.request(after);
  end();
  await expect.poll(() => tasks.busy).toBe(false);
  expect(before).not.toHaveBeenCalled();
  expect(after).toHaveBeenCalledOnce();
});

test('a network of the recipe pictures is sampled as the recipe says, also on grey images', async () => {
  const made: [config: UNetConfig, sampling: UNetOptions['sampling']][] = [];
  const engine = {
    createUNet: async (config: UNetConfig, { sampling }: UNetOptions) => void made.push([config, sampling]),
  } as unknown as Engine;
  const place = new Workplace({ device: async () => engine } as unknown as TrainingSession, () => {});
  place.settings = initialOf('pictures');
  const image = { height: 16, width: 16, channels: 1 };
  place.images = { images: new Uint8Array(20 * 256), count: 20, ...image, labels: new Uint8Array(20) };
  await place.networkFrom('run');
  await TrainingRun.begin(await place.newRun()).network(engine);
  place.images = { ...place.images, labels: undefined };
  await TrainingRun.begin(await place.newRun()).network(engine);
  const pictures = { method: 'adams', steps: 8 };
  for (const [i, guidance] of [1.5, 1.5, undefined].entries()) {
    expect(made[i][0]).toMatchObject({ ...image, kernelSize: 3, convolutionsPerLevel: [2, 2, 3] });
    expect(made[i][1]).toEqual({ ...pictures, guidance });
  }
  place.images = { ...place.images, height: 12 };
  await expect(place.newRun()).rejects.toThrow('The images are 12 x 16; the recipe pictures takes');
});

test('the page hears what a run begins with, and how many images it holds out', async () => {
  const told: unknown[] = [];
  const session = { tasks: {}, stored: {} } as unknown as TrainingSession;
  const host = new PageHost(session, (type, value) => told.push([type, value]));
  const { place } = host as unknown as { place: Workplace };
  const image = { height: 16, width: 16, channels: 1 };
  Object.assign(place, {
    settings: { ...initialOf('digits-3x3'), holdout: 5, begin: 'new' },
    images: { images: new Uint8Array(20 * 256), count: 20, ...image },
  });
  const { images, settings } = await host.newRun();
  expect([images.count, settings.holdout]).toEqual([15, 5]);
  const sampling = expect.objectContaining({ steps: expect.any(Number) });
  expect(told).toContainEqual(['begun', { held: 5, begin: 'new', sampling }]);
  Object.assign(place.settings, { holdout: 20 });
  await expect(host.newRun()).rejects.toThrow(
    '20 images cannot be held out, as there are 20: hold out fewer, so that some are left to train on.',
  );
});

test('images that are given beside a run are refused, and the run keeps its own', async () => {
  const told: unknown[] = [];
  const run = { losses: [] };
  const session = { tasks: {}, stored: {}, run, isReported: () => false } as unknown as TrainingSession;
  const host = new PageHost(session, (type, value) => told.push([type, value]));
  const { place, files } = host as unknown as { place: Workplace; files: Files };
  await files.takeData({ from: 'digits' });
  const message = 'A run is under way. Reset it to train on other images.';
  expect(told).toEqual([['error', { at: 'data', code: 'argument', message }]]);
  expect(place.images).toBeUndefined();
});
