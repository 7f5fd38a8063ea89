/** What the page does at an event: panels that stand on another tab than the open one do nothing. No browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nothingMeasured } from '../../../harness/page/messages/measurements';
import { type EventOf, isFreed, type Patch, type WorkerEvent } from '../../../harness/page/messages/messages';
import { initialSettings, type Key, type Task } from '../../../harness/page/messages/settings';
import { textOfDrawings } from '../../../harness/page/runs/kept_drawings';
import { readNotes, writeNotes } from '../../../harness/page/runs/run_notes';
import { App, type Panel } from '../../../harness/page/shell/app';
import { digitsDescription } from '../../../harness/page/train/plan';
import { createStarter } from '../../../harness/page/welcome/home';
import type { StoredRun } from '../../../src/keeping/store';
import { recipes } from '../../../src/recipes';
import type { RunDescription } from '../../../src/worker';
import { lost, standInStorage, standIns, standInWorker } from '../../lib/page/stand_ins';
import { until } from '../../lib/until';

let tell: (event: WorkerEvent) => void;
let frames: (() => void)[];
const patch = (patch: Patch) => tell({ type: 'patch', patch });
const nothing = async () => undefined;
const client = {
  call: vi.fn(async (..._: unknown[]): Promise<unknown> => undefined),
  press: vi.fn(nothing),
  goOn: vi.fn(async (_: object): Promise<unknown> => undefined),
};

vi.mock('../../../harness/page/shell/training_worker', () => ({
  startTrainingWorker: (receive: (event: WorkerEvent) => void) => {
    tell = receive;
    return standInWorker((name, given) => {
      if (name === 'goOn') return client.goOn(given);
      return name === 'press' ? client.press() : client.call(name, given);
    });
  },
}));

beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => frames.push(draw));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

type Listener = (event: { preventDefault(): void }) => void;
/** The listeners of the window, by their events. */
const listeners = new Map<string, Listener>();

/** A page with these panels, and what its storage holds. */
function opened(query = '?task=train', panels: Parameters<App['open']>[0] = [], stored = {}): App {
  standIns(query);
  standInStorage(stored);
  vi.stubGlobal('addEventListener', (type: string, listener: Listener) => listeners.set(type, listener));
  const app = new App();
  app.open(panels);
  return app;
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
/** A run trains. */
const pressed = () => until(() => client.press.mock.calls.length === 1);

const panel = (tasks?: readonly Task[]) => ({ tasks, render: vi.fn<Panel['render']>() });

const loss: EventOf<'losses'> = {
  type: 'losses',
  again: false,
  first: 0,
  losses: Float32Array.of(1),
  imagesPerSecond: 1,
};

test('a new state is shown only by the panels of the open tab, and the panels of every tab', () => {
  const panels = [panel(['train']), panel(['sample']), panel(['check', 'bench']), panel()];
  const calls = () => {
    for (const draw of frames.splice(0)) draw();
    return panels.map(({ render }) => render.mock.calls.length);
  };
  const app = opened('?task=train', panels);
  expect(calls()).toEqual([1, 0, 0, 1]);
  for (let i = 0; i < 3; i++) {
    tell({ ...loss, first: i });
    calls();
  }
  expect(calls()).toEqual([4, 0, 0, 4]);
  app.set('task', 'bench');
  expect(calls()).toEqual([4, 0, 1, 5]);
  app.address.goHome();
  expect(calls()).toEqual([4, 0, 1, 6]);
});

test('settings of a plan stay out of the address and end with their run; changes by the user stay', () => {
  /** Batch and rate that a panel sees as the run ends: its row in the table of runs has them. */
  let atEnd: unknown;
  const receive = (event: WorkerEvent) => {
    if (isFreed(event)) atEnd = [app.settings.batch, app.settings.lr];
  };
  const app = opened('?task=train&minutes=8', [{ ...panel(), receive }]);
  const replaced = vi.fn();
  vi.stubGlobal('history', { replaceState: (_: unknown, __: unknown, to: string) => replaced(to) });
  patch({ adapter: { vendor: '', architecture: '', device: '', description: '', software: true } });
  const plan = { batch: 16, steps: 360, most: 360, epochs: 1, seconds: 180, fits: true };
  patch({ planned: { plan, averages: true } });
  expect(app.settings).toMatchObject({ batch: 16, epochs: 1, samples: 10, minutes: 8, lr: 3e-3 });
  expect(app.address.chosen).toMatchObject({ batch: 64, epochs: 6, samples: 60, minutes: 8 });
  patch({ planned: { plan: { ...plan, steps: 720, epochs: 2 }, averages: true, lr: 1e-3 } });
  app.set('seed', '7');
  app.set('epochs', '5');
  const addresses = ['?minutes=8', '?minutes=8', '?seed=7&minutes=8', '?epochs=5&seed=7&minutes=8'];
  expect(replaced.mock.calls.flat()).toEqual(addresses);
  patch({ run: undefined });
  expect(atEnd).toEqual([16, 1e-3]);
  expect(app.settings).toMatchObject({ batch: 64, epochs: 5, samples: 60, lr: 3e-3, minutes: 8 });
});

test('coloured pictures of the user’s bring the recipe pictures until other images come; a chosen recipe stays', () => {
  const app = opened();
  const data = (more = {}) => {
    const of = { name: 'mine', builtIn: false, count: 60, height: 24, width: 24, channels: 3, ...more };
    patch({ data: of });
    return app.settings.recipe;
  };
  expect(data()).toBe('pictures');
  expect(data({ channels: 1 })).toBe('digits');
  expect(data({ builtIn: true })).toBe('digits');
  expect(data()).toBe('pictures');
  app.set('begin', 'new');
  expect(app.settings.recipe).toBe('digits');
  app.set('begin', 'auto');
  app.set('recipe', 'pictures');
  expect(data({ channels: 1 })).toBe('pictures');
  // Not where the network has other widths.
  app.set('recipe', 'digits');
  app.set('widths', '8,8,8');
  expect(data()).toBe('digits');
});

test('what a lost device ends is no error beside its loss; other errors of calls are shown', async () => {
  const app = opened('?task=sample');
  const gone = (code: string) => Object.assign(new Error('It is gone'), { code });
  const fails = async (code: string) => {
    app.command(() => Promise.reject(gone(code)));
    await settled();
    return app.state.error;
  };
  const shown = { at: 'task', code: 'device-lost', message: 'It is gone' };
  expect(await fails('device-lost')).toEqual(shown);
  tell(lost);
  const { error } = app.state;
  expect(error).toMatchObject({ code: 'device-lost', message: expect.not.stringMatching('gone') });
  for (const code of ['device-lost', 'destroyed']) expect(await fails(code)).toBe(error);
  const asks = new AbortController();
  client.call.mockRejectedValueOnce(gone('device-lost'));
  const answer = app.ask('example', 1, asks.signal);
  await nothing();
  asks.abort(new Error('Something else is asked.'));
  await expect(answer).rejects.toThrow('Something else');
  expect(await fails('data')).toEqual({ ...shown, code: 'data' });
});

test('no kept run goes on, and the present one stays, while a measurement has the GPU: a notice says so', async () => {
  const app = opened();
  tell(loss);
  const command = vi.spyOn(app, 'command');
  const commands = () => command.mock.calls.length;
  app.measuring = 'bench';
  for (let times = 0; times < 2; times++) app.kept.goOn('a');
  const notices = ['The bench has the GPU: go on with the run when it has ended.'];
  expect({ commands: commands(), notices: app.notices }).toEqual({ commands: 0, notices });
  // Images that a kept run waits for would begin it, too; others would not.
  app.kept.takeImages('digits');
  app.dismissNotices();
  expect(commands()).toBe(1);
  patch({ needsData: 'a' });
  app.kept.takeImages('digits');
  expect({ commands: commands(), notices: app.notices }).toEqual({ commands: 1, notices });
  app.measuring = undefined;
  app.kept.takeImages('digits');
  expect(commands()).toBe(2);
  app.kept.goOn('a');
  // The present run is put aside first.
  await until(() => commands() === 4);
});

test.each(['that is being built', 'with steps'])(
  'a run %s is put aside before another goes on, and what the page notes until then is of that run',
  async (which) => {
    const app = opened();
    if (which === 'with steps') tell(loss);
    else patch({ phase: 'compiling', training: true });
    const before = app.settings;
    app.kept.goOn('a');
    expect({ settings: app.settings, calls: client.goOn.mock.calls }).toEqual({
      settings: before,
      calls: [],
    });
    await until(() => client.goOn.mock.calls.length > 0);
    expect(client.goOn.mock.calls).toEqual([['a']]);
  },
);

test('a kept run without its images waits for them, and tries again with what the user gives', async () => {
  const app = opened();
  const own = { ...digitsDescription, builtIn: false };
  client.goOn.mockImplementation(async () => {
    patch({ needsData: 'a' });
    // Of files that were given before.
    patch({ data: { ...own, pictures: true } });
    throw Object.assign(new Error('These are others.'), { code: 'data' });
  });
  const tries = (count: number) => until(() => client.goOn.mock.calls.length === count);
  app.kept.goOn('a');
  await tries(1);
  // Digits of the page's own that come meanwhile, and drawings for another run, are not for it.
  for (const data of [digitsDescription, own]) patch({ data });
  expect(client.goOn).toHaveBeenCalledOnce();
  expect({ needsData: app.state.needsData, error: app.state.error }).toEqual({
    needsData: 'a',
    error: undefined,
  });
  app.kept.takeImages('digits');
  patch({ data: digitsDescription });
  await until(() => app.state.error);
  expect(app.state.error).toMatchObject({ at: 'data', message: 'These are others.' });
  client.goOn.mockImplementation(nothing);
  // Other choices make other images of the same files.
  patch({ data: { ...own, pictures: true } });
  await tries(3);
  await pressed();
});

test('a kept run on drawings gives them to the worker where it lacks them', async () => {
  const drawings = textOfDrawings([{ image: new Uint8Array(784), digit: 3 }]);
  const notes = { heldOut: [], quality: [], rates: [], seconds: 0, drawings };
  const app = opened('?task=train', [], { 'webgpu-diffusion-run-notes': JSON.stringify({ a: notes }) });
  client.goOn.mockImplementationOnce(async () => {
    patch({ needsData: 'a' });
    throw new Error();
  });
  const send = vi.spyOn(app, 'send');
  app.kept.goOn('a');
  await until(() => send.mock.calls.length > 0);
  expect(send.mock.calls).toMatchObject([['data', { labels: Uint8Array.of(3) }]]);
  expect(app.state.error).toBeUndefined();
});

test('a kept run that is complete goes on without training', async () => {
  const app = opened('?task=train&epochs=1');
  client.goOn.mockImplementationOnce(async () => {
    patch({ run: { stepsPerEpoch: 1, network: {} } as RunDescription });
    tell(loss);
  });
  app.kept.goOn('a');
  await until(() => app.state.losses.length > 0);
  await settled();
  expect(client.press).not.toHaveBeenCalled();
});

test('a press on Train waits for images that are on their way, and is forgotten if they do not come', () => {
  const app = opened();
  const train = vi.fn();
  app.open([createStarter(app, { train: { start: train } } as never)]);
  const press = () => {
    app.kept.takeImages('digits');
    patch({ phase: 'loading', training: false });
    app.startWhenReady('train');
  };
  const idle = () => {
    patch({ phase: 'idle', training: false });
    return [train.mock.calls.length, app.asked];
  };
  press();
  expect([idle(), idle()]).toEqual(Array(2).fill([0, undefined]));
  press();
  patch({ data: digitsDescription });
  expect(idle()).toEqual([1, undefined]);
  // The worker has refused them, or dropped what it was asked.
  for (const event of [
    { type: 'problem', at: 'data', code: 'argument', message: 'A run is under way.' },
    lost,
    { type: 'patch', patch: { run: undefined } },
  ] as const) {
    app.kept.takeImages('digits');
    expect(app.kept.coming).toBe(true);
    tell(event);
    expect(app.kept.coming, event.type).toBe(false);
  }
});

test('while a kept run is about to go on its notes stay, its pictures bring no recipe, and the worker gets no settings of before, which would change its rate and its end', async () => {
  const app = opened();
  for (const id of ['own', 'a', 'b', 'gone']) writeNotes(id, nothingMeasured);
  tell({ type: 'stored', step: 9, id: 'own' });
  /** The runs with notes, after a list of the kept runs. */
  const noted = () => {
    tell({ type: 'runs', runs: [{ id: 'b', step: 9 } as StoredRun] });
    return Object.keys(readNotes());
  };
  /** The rates that the worker gets since the last look. */
  const rates = () => {
    const calls = client.call.mock.calls.splice(0);
    return calls.flatMap(([what, to]) => (what === 'settings' ? (to as { lr: number }).lr : []));
  };
  let fail = (_: Error) => {};
  client.goOn.mockReturnValueOnce(new Promise((_, reject) => (fail = reject)));
  app.kept.goOn('a');
  app.set('samples', '20');
  patch({ data: { ...digitsDescription, builtIn: false, channels: 3 } });
  expect({ noted: noted(), rates: rates(), recipe: app.settings.recipe }).toEqual({
    noted: ['own', 'a', 'b'],
    rates: [],
    recipe: 'digits',
  });
  fail(new Error('It is gone.'));
  await until(() => app.state.error);
  expect(rates()).toEqual([0.003]);
  app.kept.goOn('a');
  app.set('samples', '10');
  const settings = { ...initialSettings, lr: 0.002, widths: [8] };
  patch({ resumed: { id: 'a', kept: true, losses: Float32Array.of(3), settings } });
  expect(rates()).toEqual([0.002]);
  await pressed();
  // It is deleted.
  patch({ run: undefined });
  expect(noted()).toEqual(['b']);
});

test('a link that leads on changes no setting that a run keeps', () => {
  const app = opened('?recipe=tutorial');
  const follow = () => {
    for (const [key, text] of Object.entries({ recipe: 'digits', text: '2026', task: 'sample' }))
      app.lead(key as Key, text);
    return app.settings;
  };
  patch({ phase: 'training', training: true });
  const before = app.settings;
  expect(follow()).toEqual({ ...before, task: 'sample', text: '2026' });
  patch({ phase: 'idle', training: false });
  app.notify('Of the recipe before.');
  expect(follow()).toMatchObject({ recipe: 'digits', lr: 0.003 });
  expect(app.notices).toEqual([]);
});

test('the browser asks before steps are left that are in no file and not in the browser, and before a distillation is', () => {
  const app = opened();
  const asks = [
    () => {},
    () => tell(loss),
    () => tell({ type: 'stored', step: 1, id: 'a' }),
    () => tell({ ...loss, first: 1 }),
    () => {
      app.state = { ...app.state, saved: 2 };
    },
    () => patch({ distilling: { calls: 2, noises: 8, steps: 4, batch: 2, trajectories: 8, step: 0 } }),
  ].map((happens) => {
    happens();
    const preventDefault = vi.fn();
    listeners.get('beforeunload')!({ preventDefault });
    return preventDefault.mock.calls.length > 0;
  });
  expect(asks).toEqual([false, true, false, true, false, true]);
});

test('networks of files and images that replace others are counted, also under the same name, but not the first images', () => {
  const app = opened('?task=inside');
  const size = { count: 8, height: 28, width: 28, channels: 1, classes: 10 };
  const data = () => patch({ data: { ...size, name: 'pictures', builtIn: false } });
  const model = () => patch({ model: { ...size, recipe: 'digits', sampling: recipes.digits.sampling } });
  const counts = [data, model, data, model].map((event) => {
    event();
    return app.replacements;
  });
  expect(counts).toEqual([0, 1, 2, 3]);
});
