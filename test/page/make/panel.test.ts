/** Which network the Make view names beside the images that it shows: the one that made them, whatever is chosen by then. No browser. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSamplePanel } from '../../../harness/page/make/sample_panel';
import type { MakeOrder } from '../../../harness/page/messages/calls';
import type { DataDescription, Patch, WorkerEvent } from '../../../harness/page/messages/messages';
import { App } from '../../../harness/page/shell/app';
import { networkIn } from '../../../harness/page/shell/state';
import { type Recipe, recipes } from '../../../src/recipes';
import { lost, type StandIn, standIns, standInWorker } from '../../lib/page/stand_ins';

/** What was asked of the worker and waits for its answer. */
interface Asked {
  readonly order: MakeOrder & { readonly bytes: Uint8Array };
  readonly signal: AbortSignal;
  answer(made?: Uint8Array): void;
}

let tell: (event: WorkerEvent) => void;
const patch = (patch: Patch) => tell({ type: 'patch', patch });
/** Orders, requests for images under the hand, and for images at twice the side. */
let asked: Record<'make' | 'follow' | 'enlarge', Asked[]>;
/** Every byte of images at twice the side. */
const LARGE = 77;
let frames: (() => void)[];

vi.mock('../../../harness/page/shell/training_worker', () => ({
  startTrainingWorker: (receive: (event: WorkerEvent) => void) => {
    tell = receive;
    return standInWorker(
      (name, order: Asked['order'], { signal }: Pick<Asked, 'signal'> = new AbortController()) =>
        new Promise((answer, reject) => {
          signal.addEventListener('abort', () => name === 'follow' && reject(signal.reason));
          asked[name as keyof typeof asked]?.push({ order, signal, answer });
        }),
    );
  },
}));

/** Two pictures of ten digits. */
vi.mock('../../../harness/page/welcome/recorded', () => ({
  loadRecording: async () => ({
    height: 28,
    width: 28,
    making: { images: 10, steps: 1, seed: 1 },
    x: [new Uint8Array(7840), new Uint8Array(7840)],
  }),
}));

beforeEach(() => {
  vi.useFakeTimers();
  asked = { make: [], follow: [], enlarge: [] };
  frames = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const adapter = { vendor: 'x', architecture: '', device: '', description: '', software: true };
const size = { height: 28, width: 28, channels: 1 };

/** The open view, where nothing has been ordered. */
function opened(query: string) {
  const element = standIns(`?task=sample${query}`);
  element('way').value = '100';
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => frames.push(draw));
  const app = new App();
  const panel = createSamplePanel(app);
  app.open([panel]);
  patch({ adapter });
  patch({ phase: 'idle', training: false });
  const show = () => {
    for (const draw of frames.splice(0)) draw();
  };
  /** Answers the orders that have come; `meanwhile` happens while each waits. Returns what each step shows. */
  const answer = async (meanwhile = () => {}) => {
    const labels: unknown[] = [];
    for (const { order, signal, answer } of iterate(asked.make)) {
      meanwhile();
      const { count, steps = 1, onFrame } = order;
      const x = new Float32Array(count * 784 * app.network.channels);
      for (let step = 0; step < steps && !signal.aborted; step++) {
        onFrame({ step, input: x, prediction: x, x });
        await settled();
        show();
        labels.push(element('sample-prediction').ariaLabel);
      }
      answer();
      await settled();
    }
    show();
    return labels;
  };
  const make = async (meanwhile?: () => void) => {
    void panel.start('sample');
    await answer(meanwhile);
  };
  /** Answers what is asked for under the hand, or enlarged, until nothing is; `once`: the first of it. */
  const come = async (what: 'follow' | 'enlarge', once = false) => {
    for (const { order, answer } of iterate(asked[what])) {
      answer(new Uint8Array(4 * (order.bytes?.length ?? 784)).fill(LARGE));
      await settled();
      show();
      if (once) return;
    }
  };
  /** Requests for images under the hand, and orders. */
  const waiting = () => [asked.follow.length, asked.make.length];
  return { app, panel, element, show, make, answer, come, waiting };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

/** Takes what is in a list, and what comes meanwhile. */
function* iterate<Item>(items: Item[]): Generator<Item> {
  while (items.length > 0) yield items.shift()!;
}

/** The open view, where all has been made that the address asks for. */
async function making(query: string) {
  const view = opened(query);
  await view.make();
  return view;
}

type Data = Pick<DataDescription, 'name' | 'count'> & Partial<DataDescription>;
const digits: Data = { name: 'mnist', count: 10, classes: 10 };
const letters: Data = { name: 'letters', count: 9, classes: 9, classNames: [...'ABCDEFGHI'] };

/** Chooses two columns, as a link does. */
const compare = (app: App, left: string, right: string) => {
  app.set('left', left);
  app.set('right', right);
};

/** The run makes a step. */
const step = (first: number, steps = 1) =>
  tell({ type: 'losses', again: false, first, losses: new Float32Array(steps), imagesPerSecond: 1 });

/** A run on this data has made as many steps. */
function train(steps: number, data: Data, { sampling } = recipes.digits as Recipe): void {
  patch({ data: { ...size, builtIn: true, ...data } });
  patch({ begun: { held: 0, begin: undefined, sampling } });
  step(0, steps);
}

const pretrained = 'The pretrained network, after 340,000 images';
const byPretrained =
  'Made by the pretrained network, after 340,000 images; now chosen: this page’s run, step 1';

test('images are named after the network that made them, also where another is chosen by then', async () => {
  const { element, show } = await making('&text=20');
  const names = async () => {
    element('shared').textContent = '';
    element('save-gif').click();
    await vi.dynamicImportSettled();
    const { ariaLabel } = element('sample-prediction');
    return [ariaLabel, ...['shown-what', 'shared'].map((id) => element(id).textContent)];
  };
  const made = ['2, 0, finished', '2, 0', 'Saved as digits-20-4-steps-seed-123.gif.'];
  expect(await names()).toEqual(made);
  train(1, letters);
  show();
  expect(element('sample-model').textContent).toBe(byPretrained);
  expect(await names()).toEqual(made);
});

test('columns of a comparison say which network made them, and go with their choices and a run that is reset', async () => {
  const { app, element, show, make } = await making('&text=20&left=guidance-1&right=guidance-4');
  const shown = () => {
    show();
    const steps = ['left', 'right'].map((side) => String(element(`column-${side}`).ariaLabel).split(': ')[1]);
    return [...new Set(steps), element('sample-model').textContent];
  };
  const all = 'step 4 of 4';
  const none = 'no steps yet';
  let meanwhile: unknown;
  const note = () => {
    meanwhile ??= shown();
  };
  const model = { ...networkIn('pretrained', app.state, app.settings), name: 'a.safetensors' };
  const distilled = { distilling: undefined, distilled: { model, bytes: new Uint8Array() } };
  const rows: [() => unknown, steps: string, words: string][] = [
    [() => {}, all, pretrained],
    [() => train(1, digits), all, byPretrained],
    [() => make(note), all, 'This page’s run, step 1'],
    [() => step(1), all, 'Made by this page’s run, step 1; it is at step 2 now'],
    [() => compare(app, 'pretrained', 'run'), none, 'This page’s run, step 2'],
    [() => step(2), none, 'This page’s run, step 3'],
    [() => app.set('model', 'pretrained') ?? make(), all, pretrained],
    // Another run has begun before the view is opened again.
    [() => patch({ run: undefined }) ?? train(2, digits), none, pretrained],
    [() => compare(app, 'guidance-1', 'guidance-4'), none, pretrained],
    [() => patch({ model }) ?? make(), all, 'The file a.safetensors'],
    [() => patch(distilled), none, 'The file a.safetensors'],
    [() => app.set('model', 'pretrained'), none, pretrained],
  ];
  app.openedFile = model.name;
  for (const [happens, steps, words] of rows) {
    await happens();
    expect(shown(), String(happens)).toEqual([steps, words]);
  }
  expect(meanwhile).toEqual([none, 'This page’s run, step 1']);
});

/** The sentence about the address that is shared; `write` copies it. */
async function shared(element: (id: string) => StandIn, write = async (_address: string) => {}) {
  vi.stubGlobal('navigator', { onLine: true, clipboard: { writeText: write } });
  element('share').click();
  await settled();
  return element('shared').textContent;
}

test('images that a comparison hides are neither saved nor shared in its place, and what is said of an address is true of what is chosen by then', async () => {
  const { app, element, show } = await making('&text=20&calls=40');
  const copied = 'The address is copied: it makes the';
  expect(element('save-gif').disabled).toBe(false);
  expect(await shared(element)).toEqual(`${copied} same images.`);
  // Whatever is chosen by then.
  app.set('calls', '8');
  app.set('noise', '7');
  await shared(element, async (address) => {
    expect(address).toBe('http://x/?task=sample&calls=40&text=20&autorun=1');
  });
  compare(app, 'guidance-1', 'guidance-4');
  show();
  expect(element('save-gif').disabled).toBe(true);
  expect(await shared(element)).toEqual(`${copied} images that are chosen here.`);
  let copy = () => {};
  app.set('noise', '8');
  show();
  expect(await shared(element, () => new Promise((resolve) => (copy = resolve)))).toBe('');
  app.set('model', 'run');
  copy();
  await settled();
  show();
  expect(element('shared').textContent).toBe('');
  const own = 'these images are of your own network, which the address does not hold.';
  expect(await shared(element)).toBe(`The address is copied; ${own}`);
});

test('who closes the share menu gets no copy either, and may share again', async () => {
  const { element } = await making('&text=20');
  const share = vi.fn(() => Promise.reject(new DOMException('Closed.', 'AbortError')));
  const writeText = vi.fn();
  vi.stubGlobal('navigator', { onLine: true, canShare: () => true, share, clipboard: { writeText } });
  for (let times = 1; times <= 2; times++) {
    element('share').click();
    await settled();
    expect({ shared: share.mock.calls.length, textContent: element('shared').textContent }).toEqual({
      shared: times,
      textContent: '',
    });
  }
  expect(writeText).not.toHaveBeenCalled();
});

test('columns that are being made stop with their comparison, also where a link ends that', async () => {
  const { app, element, show, make } = await making('&text=20&left=guidance-1&right=guidance-4');
  let made = 0;
  await make(() => {
    made++;
    compare(app, '', '');
    show();
  });
  expect({ made, ariaLabel: element('sample-prediction').ariaLabel }).toEqual({
    made: 1,
    ariaLabel: 'A recording: noise becomes digits',
  });
});

describe('finished images of pictures in colour', () => {
  /** A run on pictures that were larger is chosen, and its images are made as the query says. */
  async function made(query = '', channels = 3) {
    const view = opened(`&recipe=pictures&model=run&count=4${query}`);
    train(3, { name: 'mine', count: 10, channels, shrunk: true, builtIn: false }, recipes.pictures);
    await view.make();
    return view;
  }
  /** Width and height of the picture that is saved last, and a byte in its first image. */
  function saved(element: (id: string) => StandIn) {
    let last: unknown;
    vi.stubGlobal(
      'ImageData',
      class {
        constructor(data: Uint8ClampedArray, width: number, height: number) {
          last = [width, height, data[4 * (8 * width + 8)]];
        }
      },
    );
    return async () => {
      element('save-sampled').click();
      await vi.dynamicImportSettled();
      return last;
    };
  }
  /** Canvases of two columns, where images of 28 and of 56 pixels are drawn 5 and 3 times as large. */
  const own = 5 * (2 * 29 - 1);
  const larger = 3 * (2 * 57 - 1);

  test('are enlarged before the map is made, and step by step they are not', async () => {
    const { element, show, make, come } = await made();
    const canvas = element('sample-prediction');
    const note = () => element('frame-note').textContent;
    const save = saved(element);
    const ends = 'The last step leaves no noise: these are the images.';
    expect({ ariaLabel: canvas.ariaLabel, width: canvas.width, note: note() }).toEqual({
      ariaLabel: '4 images, finished',
      width: own,
      note: ends,
    });
    // Of the same size as enlarged ones.
    const two = 2 * (4 * 28 + 4) + 4;
    expect({
      save: await save(),
      enlargeCount: asked.enlarge.length,
      followCount: asked.follow.length,
    }).toEqual({ save: [two, two, 0], enlargeCount: 1, followCount: 0 });
    // Those after them go first.
    await make();
    expect({ enlargeCount: asked.enlarge.length, followCount: asked.follow.length }).toEqual({
      enlargeCount: 2,
      followCount: 0,
    });
    await come('enlarge');
    expect({
      width: canvas.width,
      save: await save(),
      note: note(),
      followCount: asked.follow.length,
    }).toEqual({
      width: larger,
      save: [two, two, LARGE],
      note: `${ends} Another network, which knows icons, has enlarged them.`,
      followCount: 1,
    });
    element('frame').value = '3';
    element('frame').fire('input');
    show();
    expect(element('frame-label').textContent).toMatch(/^step 4 of /);
    // With x beside what the network sees.
    expect({ width: canvas.width, save: await save(), enlargeCount: asked.enlarge.length }).toEqual({
      width: own,
      save: [2 * two + 4, two, 0],
      enlargeCount: 0,
    });
  });

  test('are enlarged in both columns of a comparison, or in neither', async () => {
    const { show, element, come } = await made('&left=calls-8&right=calls-40');
    const shown = () => ['left', 'right'].map((side) => element(`column-${side}`).width);
    const way = (share: string) => {
      element('way').value = share;
      element('way').fire('input');
      show();
      return shown();
    };
    await come('enlarge', true);
    // Only the left ones are there.
    expect({ shown: shown(), enlargeCount: asked.enlarge.length }).toEqual({
      shown: [own, own],
      enlargeCount: 1,
    });
    await come('enlarge');
    const both = [larger, larger];
    expect(shown()).toEqual(both);
    expect(way('50')).toEqual([own, own]);
    expect(way('100')).toEqual(both);
  });
});

test('once the hand rests and its images are there, they are made with all steps, and shown when all are there', async () => {
  const { app, element, show, answer, come, waiting } = await making('&text=20');
  const move = async (...keys: string[]) => {
    for (const key of keys) {
      element('noise-handle').fire('keydown', { key, preventDefault() {} });
      await settled();
    }
  };
  const rest = () => vi.advanceTimersByTimeAsync(1000);
  // The map comes behind finished images.
  expect(waiting()).toEqual([1, 0]);
  await move('ArrowRight');
  await rest();
  expect(waiting()).toEqual([1, 0]);
  await come('follow');
  expect({
    ariaLabel: element('sample-prediction').ariaLabel,
    disabled: element('save-sampled').disabled,
  }).toEqual({ ariaLabel: '2, 0', disabled: true });
  expect([...waiting(), app.settings.across]).toEqual([0, 1, 2]);
  expect(await answer()).toEqual(['2, 0', '2, 0', '2, 0', '2, 0, finished']);
  expect(element('sample-model').textContent).toBe(pretrained);
  await come('follow');
  // Back where the images are known, until the run goes back.
  await move('ArrowLeft', 'ArrowRight');
  await come('follow');
  await move('ArrowLeft');
  expect(waiting()).toEqual([0, 0]);
  tell({ type: 'losses', again: true, first: 0, losses: new Float32Array(), imagesPerSecond: 1 });
  await move('ArrowRight');
  expect(waiting()).toEqual([1, 0]);
  // A measurement has the GPU for itself.
  app.measuring = 'bench';
  await come('follow');
  await rest();
  expect(waiting()).toEqual([0, 0]);
  app.measuring = undefined;
  app.changed();
  show();
  await settled();
  expect(waiting()).toEqual([0, 1]);
  // A lost device ends all of it, until something moves.
  for (const key of ['ArrowUp', 'ArrowDown']) {
    tell(lost);
    const [follows, orders] = waiting();
    await rest();
    expect(waiting()).toEqual([follows, orders]);
    await move(key);
    expect(waiting()).toEqual([follows + 1, orders]);
  }
});

test('the map is made where it is seen, while nothing trains; the tutorial’s images have none', async () => {
  const { app, show, make, come, waiting } = opened('&text=20');
  const shown = async () => {
    show();
    await settled();
    return waiting();
  };
  patch({ phase: 'training', training: true });
  await make();
  expect(await shown()).toEqual([0, 0]);
  patch({ phase: 'paused', training: false });
  expect(await shown()).toEqual([1, 0]);
  app.set('task', 'train');
  await come('follow');
  expect(await shown()).toEqual([0, 0]);
  app.set('task', 'sample');
  expect(await shown()).toEqual([1, 0]);
  asked.follow = [];
  await making('&recipe=tutorial&count=1&steps=2');
  expect(waiting()).toEqual([0, 0]);
});
