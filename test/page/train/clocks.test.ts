/** One clock, from what measures a time to where the time is read, on the page and in the terminal: milliseconds become seconds once. No browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Training } from '../../../harness/cli/training';
import type { WorkerEvent } from '../../../harness/page/messages/messages';
import { App } from '../../../harness/page/shell/app';
import { cellsOf, ownRow } from '../../../harness/page/train/runs';
import { connectReadings } from '../../../harness/page/train/train_readings';
import { Measures } from '../../../harness/page/worker/measures';
import { standIns } from '../../lib/page/stand_ins';

let tell: (event: WorkerEvent) => void;
vi.mock('../../../harness/page/shell/training_worker', () => ({
  startTrainingWorker: (receive: typeof tell) => {
    tell = receive;
    return { call: async () => undefined, begin: async () => undefined, start: async () => undefined };
  },
}));

vi.mock('../../../harness/page/train/curve', () => ({
  Curve: class {
    set() {}
  },
}));

let ms: number;
const pass = (seconds: number) => {
  ms += 1000 * seconds;
};
beforeEach(() => {
  ms = 5000;
  vi.spyOn(performance, 'now').mockImplementation(() => ms);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const data = { count: 60, height: 2, width: 2, channels: 1, fnv1a: '0' };

/** The readings of a page that trains, and what measures its run in the worker. */
function training(query: string) {
  const element = standIns(query);
  vi.stubGlobal('requestAnimationFrame', () => {});
  const app = new App();
  app.open([]);
  const show = connectReadings(app);
  const reading = (id: string) => {
    show();
    return element(id).textContent;
  };
  const request = vi.fn();
  const place = {
    core: {
      run: { trainer: {}, losses: [1], settings: { seed: 1 }, unet: { config: {} } },
      ...{ engine: { adapter: {} }, tasks: { request }, wanted: 'end', pause: vi.fn() },
    },
    planning: { minutes: app.settings.minutes },
    imagesOf: () => ({ held: { ...data, images: new Uint8Array(240) } }),
    post: tell,
  };
  const measures = new Measures(place as never, {} as never);
  const step = (first: number) =>
    tell({ type: 'loss', first, losses: Float32Array.of(1), imagesPerSecond: 4 });
  return { app, reading, request, place, measures, step };
}

test('the page shows in seconds when the first step was made, how long one takes, the time of training, and what is left', () => {
  const { app, reading, request, place, measures, step } = training('?task=train&minutes=2&epochs=1000');
  app.train();
  tell({ type: 'phase', phase: 'training', training: true });
  measures.clock.press(ms);
  measures.training(true);
  const network = { conditioning: undefined };
  const run = { images: 60, stepsPerEpoch: 15, parameters: 1, network, data, bytes: 1, variants: {} };
  tell({ type: 'built', ...run } as unknown as WorkerEvent);
  pass(3);
  expect(reading('status-detail')).toBe('the next step has taken 3.0 s so far');
  step(0);
  expect(reading('run-facts')).toContain('The first step was done 3.0 s after it was asked for.');
  // 20 images' worth of training at 4 a second, and 0.1 s: to be a twentieth of the time, they wait for 102 s.
  pass(98);
  measures.between({ imagesPerSecond: 4 });
  expect(request).not.toHaveBeenCalled();
  pass(2);
  measures.between({ imagesPerSecond: 4 });
  expect(request).toHaveBeenCalledTimes(1);
  step(1);
  expect(reading('reading-left')).toBe('17 s');
  expect(cellsOf(ownRow(app.state, app.settings)!).at(-1)).toBe('1 min 43 s');
  expect(app.state.measured.timeUp).toBe(false);
  pass(17);
  measures.between({ imagesPerSecond: 4 });
  expect([app.state.measured.timeUp, place.core.pause.mock.calls.length]).toEqual([true, 1]);
});

test('the terminal shows in seconds when the first step was made, and how long epochs took', async () => {
  const print = vi.fn();
  const losses: number[] = [];
  const run = {
    losses,
    add: (loss: number) => void losses.push(loss),
    async *train() {
      for (const loss of [0.5, 0.5, 0.5, 0.5]) {
        pass(45);
        yield { loss, imagesPerSecond: 4 };
      }
    },
    get complete() {
      return losses.length === 4;
    },
    ...{ end: 4, stepsPerEpoch: 2, settings: { epochs: 2 } },
    ...{ trainer: { batchSize: 4 }, images: { count: 8 } },
  };
  const command = Object.assign(Object.create(Training.prototype), {
    ...{ run, loadedAt: 1, savedAt: 5, savedStep: 0, timeUp: new AbortController() },
    progress: { print, update() {}, clear() {} },
    options: { saveSeconds: 1000, folder: {} },
    ...{ epochSeconds: new Map(), evaluate: async () => pass(10), save: async () => {} },
  }) as Training;
  await command.train(new AbortController().signal);
  expect(print.mock.calls.flat()).toEqual([
    'First step  after 50 s: loading 1.0 s, preparing 4.0 s, the step 45 s',
    ...[1, 2].map((epoch) => expect.stringContaining(`Epoch ${epoch}/2: mean loss 0.50000, 1 min 30 s, `)),
  ]);
  expect(command).toMatchObject({
    trainSeconds: 190,
    epochSeconds: new Map([1, 2].map((epoch) => [epoch, 90])),
  });
});
