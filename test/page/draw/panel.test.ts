/** What the Draw view says of its answers and of what cannot be answered, and how long. No browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DrawPanel } from '../../../harness/page/draw/draw_panel';
import type { DrawOrder, Example, WorkerEvent } from '../../../harness/page/messages/messages';
import { App } from '../../../harness/page/shell/app';
import { lost, standIns, standInWorker } from '../../lib/page/stand_ins';

let tell: (event: WorkerEvent) => void;
let example: Example;
let asked: DrawOrder[];
let frames: (() => void)[];

vi.mock('../../../harness/page/shell/training_worker', () => ({
  startTrainingWorker: (receive: (event: WorkerEvent) => void) => {
    tell = receive;
    return standInWorker((name, given: DrawOrder) => {
      if (name === 'press') return new Promise(() => {});
      if (name === 'example') return example;
      if (name !== 'draw') return undefined;
      asked.push(given);
      return { ask: 'denoise', images: new Uint8Array(784) };
    });
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  frames = [];
  example = { image: new Uint8Array(784).fill(200), label: 7 };
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The open view, with nothing drawn. */
function drawing(query = '') {
  const element = standIns(`?task=draw${query}`);
  element('level').value = '50';
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => frames.push(draw));
  const app = new App();
  app.open([new DrawPanel(app)]);
  tell({ type: 'patch', patch: { phase: 'idle', training: false } });
  /** All is answered, and drawn. */
  const rest = async () => {
    do {
      for (const draw of frames.splice(0)) draw();
      await vi.advanceTimersByTimeAsync(0);
    } while (frames.length > 0);
  };
  const says = async (id: string) => {
    await rest();
    return element(id).textContent;
  };
  return { app, element, says };
}

const loss = (first: number, steps: number): WorkerEvent => ({
  type: 'losses',
  again: false,
  first,
  losses: new Float32Array(steps),
  imagesPerSecond: 1,
});

test('an answer has the step of the run that gave it, also where the run goes on', async () => {
  const { element, says } = drawing('&model=run');
  tell(loss(0, 1));
  expect(await says('draw-model')).toBe('This page’s run, step 1');
  element('draw-example').click();
  expect(await says('draw-model')).toBe('This page’s run, step 1');
  const { length } = asked;
  expect(length).toBeGreaterThan(0);
  tell(loss(1, 155));
  expect(await says('draw-model')).toBe('This page’s run, step 1; it is at step 156 now');
  expect(asked).toHaveLength(length);
  element('draw-noise-next').click();
  expect(await says('draw-model')).toBe('This page’s run, step 156');
  // Nothing is left of an answer that is cleared, or of a run that is reset.
  tell(loss(156, 1));
  element('draw-clear').click();
  expect(await says('draw-model')).toBe('This page’s run, step 157');
  element('draw-example').click();
  await says('draw-model');
  tell({ type: 'patch', patch: { run: undefined } });
  tell(loss(0, 2));
  expect(await says('draw-model')).toBe('This page’s run, step 2');
});

test('why none of the images stands on blank paper is said, until there are other images or something is drawn', async () => {
  const blank = 'Nothing is drawn yet. Draw a digit in the field, or begin with one of the digits.';
  const other = 'The training images are not 28 x 28 grey pixels, as a drawing is. Draw something.';
  const { element, says } = drawing();
  const data = { name: 'mine', builtIn: false, count: 8, height: 16, width: 16, channels: 3 };
  tell({ type: 'patch', patch: { data } });
  example = { image: new Uint8Array(768), label: undefined };
  expect(await says('draw-status-text')).toBe(blank);
  element('draw-example').click();
  expect(await says('draw-status-text')).toBe(other);
  // Other images may fit.
  tell({ type: 'patch', patch: { data: { ...data, name: 'others' } } });
  expect(await says('draw-status-text')).toBe(blank);
  element('draw-example').click();
  expect(await says('draw-status-text')).toBe(other);
  example = { image: new Uint8Array(784).fill(200), label: 7 };
  element('draw-example').click();
  expect(await says('draw-status-text')).toMatch(/^The noise hides the details/);
});

test('a lost device is a problem of what is drawn, and none of blank paper', async () => {
  const { element, says } = drawing();
  await says('draw-status-text');
  tell(lost);
  expect(await says('draw-status-text')).toMatch(/^Nothing is drawn yet/);
  element('draw-example').click();
  expect(await says('draw-status-text')).toMatch(/^The noise hides the details/);
  const { length } = asked;
  tell(lost);
  const words = 'The GPU device was lost. Draw on, and the page asks for another one.';
  expect(await says('draw-status-text')).toBe(words);
  expect(asked).toHaveLength(length);
  element('draw-clear').click();
  expect(await says('draw-status-text')).toMatch(/^Nothing is drawn yet/);
});

test('the settings before a fine-tuning come back when its run cannot be built, and when it is reset', async () => {
  const { app, element, says } = drawing('&lr=0.002&epochs=4');
  const data = { name: 'mine', builtIn: false, count: 40, height: 28, width: 28, channels: 1, classes: 10 };
  tell({ type: 'patch', patch: { data } });
  const before = { lr: 0.002, epochs: 4, begin: app.settings.begin };
  const problem: WorkerEvent = { type: 'problem', at: 'task', code: 'limit', message: 'Too large.' };
  const freed: WorkerEvent = { type: 'patch', patch: { run: undefined } };
  for (const end of [problem, freed]) {
    await says('draw-status-text');
    element('teach-own').click();
    expect(app.settings).toMatchObject({ lr: 0.0005, begin: 'pretrained' });
    // An order of before.
    tell({ type: 'patch', patch: { phase: 'sampling', training: true } });
    tell(problem);
    expect(app.settings).toMatchObject({ lr: 0.0005, begin: 'pretrained' });
    tell({ type: 'patch', patch: { phase: 'compiling', training: true } });
    tell(end);
    expect(app.settings).toMatchObject(before);
    tell({ type: 'patch', patch: { phase: 'idle', training: false } });
  }
});
