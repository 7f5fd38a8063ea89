/** The page's part of its worker, without a GPU. */
import { expect, test, vi } from 'vitest';
import { initialOf } from '../../../harness/page/messages/settings';
import { TrainingRun, type TrainingSession } from '../../../harness/page/worker/door';
import { PageHost } from '../../../harness/page/worker/host';
import type { Workplace } from '../../../harness/page/worker/place';
import { type Engine, EngineError, type UNet, type UNetConfig, type UNetOptions } from '../../../src';
import { recipeAt } from '../../../src/recipes';
import type { BeginOptions } from '../../../src/worker';
import { gate } from '../../lib/gate';
import { until } from '../../lib/until';
import { FakeWorker } from '../../lib/worker/fake_worker';

/** The page's worker in this thread: its client, session and host, and what it tells by events. */
async function served() {
  const worker = new FakeWorker();
  let session!: TrainingSession;
  let host!: PageHost;
  const said = worker.serve({
    store: false,
    host: (of, tell) => {
      session = of;
      host = new PageHost(of, tell);
      return host;
    },
  });
  const { client } = worker.client();
  const call = (name: keyof PageHost['calls'], given?: unknown) =>
    client.call(name as 'long', given as never);
  await call('open', { settings: initialOf('digits'), visible: true, losses: [], digits: false });
  const { tasks } = session;
  const rests = () => until(() => !tasks.busy);
  await rests();
  /** Does something until it is interrupted, or ended. */
  const present = () => {
    const over = vi.fn<(interrupted: boolean) => void>();
    const { open: end, opened } = gate();
    tasks.request(() =>
      tasks
        .interruptible('sampling', async (signal) => {
          signal.addEventListener('abort', () => end());
          await opened;
          signal.throwIfAborted();
        })
        .then((ended) => over(!ended)),
    );
    return { over, end };
  };
  const { place } = host as unknown as { readonly place: Workplace };
  const begin = () => client.begin({} as BeginOptions);
  const events = () => (said as { name?: string }[]).flatMap(({ name = [] }) => name);
  /** The values of this event. */
  const told = (event: string) =>
    (said as { name?: string; value?: unknown }[]).flatMap(({ name, value }) =>
      name === event ? [value] : [],
    );
  return { client, call, session, host, place, tasks, present, rests, begin, events, told };
}
const noRun = () => ({ free() {}, losses: [] }) as unknown as TrainingRun;
const image = { height: 16, width: 16, channels: 1 };
const grey = { images: new Uint8Array(20 * 256), count: 20, ...image };

test('a pause does not end the images that are being made, and is answered at once', async () => {
  const { client, session, present, rests } = await served();
  const sampling = present();
  session.train();
  expect(await client.pause()).toEqual({ step: 0, loss: undefined, complete: false });
  expect(session.wanted).toBeUndefined();
  expect(sampling.over).not.toHaveBeenCalled();
  sampling.end();
  await rests();
  expect(sampling.over).toHaveBeenCalledExactlyOnceWith(false);
});

test('training is answered at once, makes its run, and waits for what is being made', async () => {
  const { client, session, present, rests, begin, events } = await served();
  const sampling = present();
  const begun = begin();
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
  const { client, session, present, rests, begin, events } = await served();
  const sampling = present();
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
  session.run = noRun();
  await expect(begin()).rejects.toMatchObject({ code: 'busy' });
});

test('a run that is begun while the device is lost waits for another device, until a pause', async () => {
  const { client, call, session, rests, begin, events } = await served();
  await call('data', { from: 'digits' });
  await rests();
  session.idlePhase = 'lost';
  vi.spyOn(session, 'device').mockRejectedValue(new EngineError('no-adapter', 'There is none.'));
  const begun = begin();
  await client.start();
  await until(() => session.recovering);
  expect(events().at(-1)).toBe('lost');
  await client.pause();
  await expect(begun).rejects.toMatchObject({ code: 'no-adapter' });
  expect(session.run).toBeUndefined();
});

test('a press that stops the timing of dispatches ends it', async () => {
  const { call, present, rests } = await served();
  const timing = present();
  await call('stopTiming');
  await rests();
  expect(timing.over).toHaveBeenCalledExactlyOnceWith(true);
});

test('images of the page give way to a later task, and to the page’s word', async () => {
  const { client, session, tasks, rests } = await served();
  const onFrame = vi.fn();
  const unet = { config: { height: 1, width: 1, channels: 1 } } as unknown as UNet;
  let next = gate();
  async function* run({ signal }: { readonly signal: AbortSignal }) {
    for (let step = 0; ; step++) {
      next = gate();
      await next.opened;
      signal.throwIfAborted();
      yield { step };
    }
  }
  const createSampler = async () => ({ unet, count: 1, run, destroy() {} });
  session.engine = { createSampler, destroy() {} } as unknown as Engine;
  vi.spyOn(session.samplers, 'network').mockResolvedValue({ unet, objective: 'flow' });
  const make = async (signal?: AbortSignal) => {
    const made = client.sample({ network: 'file' as 'run', count: 1, signal, onFrame });
    await until(() => tasks.doing === 'sampling');
    return { made };
  };
  const asked = vi.fn(async () => {});
  const later = await make();
  tasks.request(asked);
  next.open();
  await expect(later.made).rejects.toMatchObject({ name: 'AbortError' });
  await until(() => asked.mock.calls.length === 1);
  const controller = new AbortController();
  const stopped = await make(controller.signal);
  controller.abort();
  await expect(stopped.made).rejects.toBe(controller.signal.reason);
  next.open();
  await rests();
  expect(onFrame).not.toHaveBeenCalled();
});

test.each(['reset', 'putAside'] as const)(
  '%s interrupts what is done, and leaves what was asked for before it',
  async (name) => {
    const { client, session, tasks, present, rests, events } = await served();
    const sampling = present();
    const asked = vi.fn(async () => {});
    tasks.request(asked);
    session.run = noRun();
    await client[name]();
    await rests();
    expect(sampling.over).toHaveBeenCalledExactlyOnceWith(true);
    expect(asked).not.toHaveBeenCalled();
    expect(session.run).toBeUndefined();
    expect(events()).toContain('freed');
  },
);

test('after a device is lost, the worker drops tasks from before the loss, and does new ones', async () => {
  const { host, tasks, rests } = await served();
  const [before, after] = [vi.fn(async () => {}), vi.fn(async () => {})];
  const { open, opened } = gate();
  tasks.request(() => opened);
  tasks.request(before);
  host.lost();
  tasks.request(after);
  open();
  await rests();
  expect(before).not.toHaveBeenCalled();
  expect(after).toHaveBeenCalledOnce();
});

test('a network of the recipe pictures is sampled as the recipe says, also on grey images', async () => {
  const { session, place } = await served();
  const createUNet = vi.fn(async (_config: UNetConfig, _options: UNetOptions) => {});
  const engine = { createUNet } as unknown as Engine;
  vi.spyOn(session, 'device').mockResolvedValue(engine);
  place.settings = initialOf('pictures');
  place.images = { ...grey, labels: new Uint8Array(20) };
  await place.networkFrom('run');
  const begin = async () => TrainingRun.begin(await place.newRun()).network(engine);
  await begin();
  place.images = grey;
  await begin();
  const of = (guidance?: number) => [
    expect.objectContaining({ ...image, kernelSize: 3, convolutionsPerLevel: [2, 2, 3] }),
    expect.objectContaining({ sampling: { method: 'adams', steps: 8, guidance } }),
  ];
  expect(createUNet.mock.calls).toEqual([of(1.5), of(1.5), of()]);
  place.images = { ...grey, height: 12 };
  await expect(place.newRun()).rejects.toThrow('The images are 12 x 16; the recipe pictures takes');
});

test('the page hears what a run begins with, and how many images it holds out', async () => {
  const { host, place, told } = await served();
  place.settings = { ...initialOf('digits'), holdout: 5, begin: 'new' };
  place.images = grey;
  const { images, settings, trainer } = await host.newRun();
  expect([images.count, settings.holdout, settings.dropLast]).toEqual([15, 5, true]);
  expect(trainer).toEqual(recipeAt('digits', 64).trainer);
  const sampling = expect.objectContaining({ steps: expect.any(Number) });
  expect(told('begun')).toEqual([{ held: 5, begin: 'new', sampling }]);
  place.settings = { ...place.settings, holdout: 20 };
  await expect(host.newRun()).rejects.toThrow(
    '20 images cannot be held out, as there are 20: hold out fewer, so that some are left to train on.',
  );
});

test('images that are given beside a run are refused, and the run keeps its own', async () => {
  const { call, session, place, rests, told } = await served();
  session.run = noRun();
  await call('data', { from: 'digits' });
  await rests();
  const message = 'A run is under way. Reset it to train on other images.';
  expect(told('error')).toContainEqual({ at: 'data', code: 'argument', message });
  expect(place.images).toBeUndefined();
});

test.each([
  ['on', true],
  ['off', false],
  ['auto', false],
] as const)('with tune=%s a software adapter measures its kernels: %s', async (tune, measures) => {
  const { host, place } = await served();
  place.settings = { ...place.settings, tune };
  const engine = { adapter: { software: true } } as Engine;
  host.device(engine);
  expect(engine.tune).toBe(measures);
});
