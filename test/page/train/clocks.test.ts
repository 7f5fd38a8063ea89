/** One clock, from what measures a time to where the time is read, on the page and in the terminal: milliseconds become seconds once. No browser. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Training } from '../../../harness/cli/training';
import type { Patch, WorkerEvent } from '../../../harness/page/messages/messages';
import { App } from '../../../harness/page/shell/app';
import { ownRow, runCells } from '../../../harness/page/train/runs';
import { connectReadings } from '../../../harness/page/train/train_readings';
import { TrainingClock } from '../../../harness/page/worker/clocks';
import { Measures } from '../../../harness/page/worker/measures';
import { PageTraining } from '../../../harness/page/worker/training';
import type { Views } from '../../../harness/page/worker/views';
import type { WorkerState } from '../../../harness/page/worker/worker_state';
import type { TrainingEvent } from '../../../src';
import { standIns, standInWorker } from '../../lib/page/stand_ins';
import { until } from '../../lib/until';

let tell: (event: WorkerEvent) => void;
vi.mock('../../../harness/page/shell/training_worker', () => ({
  startTrainingWorker: (receive: typeof tell) => {
    tell = receive;
    return standInWorker(() => undefined);
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

/** The readings of a page that trains, and what trains its run in the worker. */
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
  const network = { conditioning: undefined };
  const built = { images: 60, stepsPerEpoch: 15, parameters: 1, network, data, bytes: 1, variants: {} };
  const run = {
    trainer: {},
    losses: [] as number[],
    settings: { seed: 1 },
    unet: { config: {} },
    complete: false,
    describe: () => built,
  };
  let give: ((event: TrainingEvent) => void) | undefined;
  async function* train() {
    for (;;) {
      const event = await new Promise<TrainingEvent>((resolve) => {
        give = resolve;
      });
      run.losses.push(1);
      yield event;
    }
  }
  const session = {
    run,
    engine: { adapter: {} },
    train,
    turn: vi.fn(async () => {}),
    pause: vi.fn(async () => {}),
    phase: 'training',
    on() {},
    use: async () => {},
    during: async () => {},
  };
  const planning = { minutes: app.settings.minutes, press() {}, between() {} };
  const state = {
    session,
    planning,
    clock: new TrainingClock(),
    post: tell,
    step: 0,
    patch: (patch: Patch) => tell({ type: 'patch', patch }),
    splitImages: () => ({ held: { ...data, images: new Uint8Array(240) } }),
  } as unknown as WorkerState;
  const views = { clock: { isDue: () => false } } as unknown as Views;
  const worker = new PageTraining(state, views, new Measures(state));
  const waits = () => until(() => give);
  /** The worker has heard of another step. */
  const step = async () => {
    await waits();
    const epoch = 1;
    const learningRate = 1;
    const gradientNorm = 1;
    const imagesPerSecond = 4;
    const event = {
      step: run.losses.length + 1,
      epoch,
      loss: 1,
      learningRate,
      gradientNorm,
      imagesPerSecond,
    };
    const told = give!;
    give = undefined;
    told(event);
    await waits();
  };
  return { app, reading, session, worker, waits, step };
}

test('the page shows in seconds when the first step was made, how long one takes, the time of training, and what is left', async () => {
  const { app, reading, session, worker, waits, step } = training('?task=train&minutes=2&epochs=1000');
  const { turn, pause } = session;
  app.train();
  tell({ type: 'patch', patch: { phase: 'training', training: true } });
  worker.press({});
  await waits();
  pass(3);
  expect(reading('status-detail')).toBe('the next step has taken 3.0 s so far');
  await step();
  // 20 images' worth of training at 4 a second, and 0.1 s: to be a twentieth of the time, they wait for 102 s from here.
  pass(101);
  await step();
  expect(reading('run-facts')).toContain('The first step was done 3.0 s after it was asked for.');
  // The rehearsal.
  expect(turn).toHaveBeenCalledTimes(1);
  pass(2);
  await step();
  expect(turn).toHaveBeenCalledTimes(2);
  expect(reading('reading-left')).toBe('14 s');
  expect(runCells(ownRow(app.state, app.settings)!).at(-1)).toBe('1 min 46 s');
  expect({ timeUp: app.state.measured.timeUp, callsCount: pause.mock.calls.length }).toEqual({
    timeUp: false,
    callsCount: 0,
  });
  pass(14);
  await step();
  expect({ timeUp: app.state.measured.timeUp, callsCount: pause.mock.calls.length }).toEqual({
    timeUp: true,
    callsCount: 1,
  });
});

/** A command that has trained for this many epochs of two steps, and what it printed. */
async function trained(epochs: number, isTerminal: boolean) {
  const print = vi.fn<(line: string) => void>();
  const losses: number[] = [];
  const end = 2 * epochs;
  const run = {
    losses,
    add: (loss: number) => void losses.push(loss),
    async *train() {
      while (losses.length < end) {
        pass(45);
        yield { loss: 0.5, imagesPerSecond: 4 };
      }
    },
    get complete() {
      return losses.length === end;
    },
    end,
    stepsPerEpoch: 2,
    settings: { epochs },
    trainer: { batchSize: 4 },
    images: { count: 8 },
  };
  const progress = { print, update() {}, clear() {}, isTerminal };
  const options = { run, progress, heldOutLosses: [], saveSeconds: 1000, folder: {} };
  type Parts = ConstructorParameters<typeof Training>;
  const command = new Training({} as Parts[0], options as unknown as Parts[1]);
  Object.assign(command, {
    loadedAt: 1,
    savedAt: 5,
    savedStep: 0,
    evaluate: async () => pass(10),
    save: async () => {},
  });
  await command.train(new AbortController().signal);
  return { command, printed: print.mock.calls.flat() };
}

test('a command shows in seconds when the first step was made, and how long epochs took', async () => {
  const { command, printed } = await trained(2, false);
  expect(printed).toEqual([
    'First step  after 50 s: loading 1.0 s, preparing 4.0 s, the step 45 s',
    ...[1, 2].map((epoch) => expect.stringContaining(`Epoch ${epoch}/2: mean loss 0.50000, 1 min 30 s, `)),
  ]);
  expect(command).toMatchObject({
    trainSeconds: 190,
    epochSeconds: new Map([1, 2].map((epoch) => [epoch, 90])),
  });
});

test.each([
  ['terminal', true, 1],
  ['file', false, 12],
])(
  'in a %s at most a few of many epochs have a line, the last one among them',
  async (_, isTerminal, lines) => {
    const { printed } = await trained(100, isTerminal);
    const epochs = printed.filter((line) => line.startsWith('Epoch'));
    expect(epochs.length).toBe(lines);
    expect(epochs.at(-1)).toContain('Epoch 100/100');
  },
);
