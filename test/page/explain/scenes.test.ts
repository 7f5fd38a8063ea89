/** What the scenes of Explain show and say: of the network that answers, of a lost device, and with classes other than the digits. No browser. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Question, type Scene } from '../../../harness/page/explain/scene';
import type {
  ExplainAnswer,
  ExplainOrder,
  Made,
  PredictedImages,
} from '../../../harness/page/messages/explain_messages';
import type { WorkerEvent } from '../../../harness/page/messages/messages';
import { initialSettings } from '../../../harness/page/messages/settings';
import { LossHistory } from '../../../harness/page/runs/losses';
import { App } from '../../../harness/page/shell/app';
import { fitNames } from '../../../harness/page/shell/dom';
import { initialState } from '../../../harness/page/shell/state';
import { decodeRecording } from '../../../harness/page/welcome/recording';
import { recipes } from '../../../src/recipes';
import { lost, madeElements, StandIn, standIns, standInWorker } from '../../lib/page/stand_ins';

const file = new URL('../../../harness/page/welcome/recording.gz', import.meta.url);
const recording = decodeRecording(new Uint8Array(gunzipSync(readFileSync(file))));

let tell: (event: WorkerEvent) => void;
let answers: readonly ExplainAnswer[];
let made: StandIn[];

vi.mock('../../../harness/page/shell/training_worker', () => ({
  startTrainingWorker: (receive: (event: WorkerEvent) => void) => {
    tell = receive;
    return standInWorker((_, order?: { readonly kind?: string }) => {
      const kind = { make: 'made', predict: 'predicted' }[order?.kind ?? ''];
      return answers.find((each) => each.kind === kind) ?? new Promise(() => {});
    });
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Scenes that ask the network of a run on images of these classes. */
async function scenesOn(
  data: { readonly classes?: number; readonly classNames?: readonly string[] },
  steps = 400,
) {
  standIns('?task=explain&model=run');
  made = madeElements();
  vi.stubGlobal('requestAnimationFrame', () => {});
  vi.stubGlobal('Image', StandIn);
  const app = new App();
  app.open([]);
  const size = { height: 28, width: 28, channels: 1 };
  tell({ type: 'patch', patch: { data: { name: 'mine', builtIn: false, count: 30, ...size, ...data } } });
  tell({ type: 'patch', patch: { begun: { held: 0, begin: 'new', sampling: recipes.digits.sampling } } });
  tell({ type: 'losses', again: false, first: 0, losses: new Float32Array(steps), imagesPerSecond: 1 });
  return { app, scenes: await scenesOf(app) };
}

/** Without an app they show the recording. */
async function scenesOf(app?: App) {
  const [{ NoiseScene }, { LearningScene }, { SamplingScene }, { OwnScene }] = await Promise.all([
    import('../../../harness/page/explain/noise_scene'),
    import('../../../harness/page/explain/learning_scene'),
    import('../../../harness/page/explain/sampling_scene'),
    import('../../../harness/page/explain/own_scene'),
  ]);
  const stage = { app, recording, still: true, changed() {} };
  return {
    noise: new NoiseScene(stage),
    learning: new LearningScene(stage),
    sampling: new SamplingScene(stage),
    own: new OwnScene(stage),
  };
}

/** The scene has asked, and shows the answer if there is one. */
async function rendered(scene: Scene): Promise<void> {
  scene.render();
  await vi.advanceTimersByTimeAsync(0);
  scene.render();
}

const letters = { classes: 26, classNames: [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'] };
const press = (name: string) => made.findLast(({ textContent }) => textContent === name)!.click();
/** What a screen reader says of the pictures. */
const labels = () => made.map((each) => each.getAttribute('aria-label'));
const said = () =>
  made
    .filter(({ className }) => className === 'scene-said')
    .map((each) => each.textContent)
    .filter(Boolean);

const picture = new Uint8Array(784);
const shape = { objective: 'flow', height: 28, width: 28, channels: 1 } as const;
const way: Made = { kind: 'made', ...shape, byClass: true, x: [picture, picture], predictions: [picture] };
/** Predictions of images with these labels. */
const predicted = (labels: readonly (number | undefined)[]): PredictedImages => {
  const levels = [0, 0.5, 1];
  const pictures = levels.map(() => picture);
  return {
    kind: 'predicted',
    ...shape,
    began: 'new',
    choices: picture,
    clean: picture,
    labels,
    levels,
    noisy: pictures,
    before: pictures,
    after: pictures,
  };
};

test.each([
  [['0', 'J', 'Ä'], false],
  [['0', 'poppy'], true],
])('the keys of the names %j are as wide as these: %j', (names, wide) => {
  const toggle = vi.fn();
  fitNames({ classList: { toggle } } as unknown as HTMLElement, names);
  expect(toggle).toHaveBeenCalledExactlyOnceWith('named', wide);
});

test('no recorded digit stands for the network of a run on other classes, before it answers', async () => {
  const { scenes } = await scenesOn(letters);
  for (const scene of [scenes.sampling, scenes.learning]) await rendered(scene);
  expect(said()).toEqual([]);
});

test('the recording stands for the pretrained network of digits, also after a letter beyond J was chosen', async () => {
  const { app, scenes } = await scenesOn(letters);
  answers = [way, predicted(letters.classNames.map((_, label) => label))];
  for (const [scene, letter] of [
    [scenes.sampling, 'Z'],
    [scenes.learning, 'Y'],
  ] as const) {
    await rendered(scene);
    press(letter);
  }
  answers = [];
  app.set('model', 'pretrained');
  await rendered(scenes.sampling);
  expect(labels()).toContain('a 5 on its way from noise, t = 0.00');
  await rendered(scenes.learning);
  expect(labels()).toContain('a 9 with 80 % noise');
});

const verdict = /^(Right|No): /;
/** A press on an answer of a scene's question, and what the scene says then; before it, it has said nothing of it. */
async function guessed(scene: Scene, answer: string): Promise<unknown> {
  await rendered(scene);
  expect(said().filter((text) => verdict.test(String(text)))).toEqual([]);
  press(answer);
  await rendered(scene);
  return said().find((text) => verdict.test(String(text)));
}

test.each([
  ['noise', 'The strokes, under noise', 'Right: the strokes are still there, under noise.'],
  ['learning', 'In the middle', 'No: its error is largest at t = 1.00.'],
  ['own', 'Noise', 'Right: after step 0 it made noise.'],
] as const)(
  'without a GPU the recording answers the guess of the scene %s: %s',
  async (name, answer, words) => {
    standIns('?task=explain');
    made = madeElements();
    expect(await guessed((await scenesOf())[name], answer)).toBe(words);
  },
);

const dots = new Uint8Array(784).map((_, i) => (i % 2 ? 255 : 0));
/** A square, and the same out of focus. */
const drawn = (ink: (x: number, y: number) => number) =>
  new Uint8Array(784).map(
    (_, i) => 255 * ink(Math.abs((i % 28) - 13.5), Math.abs(Math.floor(i / 28) - 13.5)),
  );
const square = drawn((x, y) => Number(x < 6 && y < 6));
const blot = drawn((x, y) => Math.exp(-(x * x + y * y) / 50));

const errs = (...after: Uint8Array[]): PredictedImages => ({ ...predicted([undefined]), clean: blot, after });
const first = (prediction: Uint8Array): Made => ({ ...way, x: [dots, square], predictions: [prediction] });

test.each<['learning' | 'sampling', string, ExplainAnswer, string]>([
  ['learning', 'With little noise', errs(square, blot, blot), 'Right: its error is largest at t = 0.00'],
  ['learning', 'With most noise', errs(blot, square, blot), 'No: its error is largest at t = 0.50'],
  ['sampling', 'A smear', first(blot), 'Right: it makes a smear, the mean of all that is possible.'],
  ['sampling', 'A finished image', first(square), 'Right: it makes nearly the finished image.'],
])('the guess of the scene %s, “%s”, is measured on an own network', async (name, answer, given, words) => {
  const { scenes } = await scenesOn({});
  answers = [given];
  expect(await guessed(scenes[name], answer)).toContain(words);
});

test.each([
  ['Blots', [blot, square], 400, 'Right: after step 3 it made blots.'],
  ['Images', [blot], 20, 'No: after step 3 it made blots.'],
] as const)('the first kept sample of an own run is measured: %s', async (answer, samples, steps, words) => {
  const { scenes } = await scenesOn({}, steps);
  for (const [i, images] of samples.entries())
    tell({ type: 'pictures', pictures: { grid: { step: 3 + i, images, columns: 1 } } });
  expect(await guessed(scenes.own, answer)).toBe(words);
});

describe('the question of a scene', () => {
  const order: ExplainOrder = { kind: 'predict', of: 'run', choice: 0, seed: 1 };
  let app: App;
  let answers: ((answer: ExplainAnswer) => void)[];

  beforeEach(() => {
    answers = [];
    const ask = () => new Promise((resolve) => answers.push(resolve));
    app = {
      state: initialState,
      settings: initialSettings,
      replacements: 0,
      ask,
      changed() {},
    } as never;
  });

  /** The run is at this step, and rests. */
  function at(steps: number): void {
    app.state = { ...app.state, losses: LossHistory.of(new Float32Array(steps)), phase: 'paused' };
  }

  /** The worker answers what was asked last. */
  async function answer(): Promise<void> {
    answers.at(-1)!({ kind: 'predicted' } as ExplainAnswer);
    await vi.advanceTimersByTimeAsync(0);
  }

  test('a scene names the step of the run that its pictures are of, until pictures of a later one are there', async () => {
    at(40);
    const question = new Question(app);
    question.ask(order, true);
    await answer();
    at(90);
    question.ask(order, true);
    expect({ answersCount: answers.length, steps: question.steps }).toEqual({ answersCount: 2, steps: 40 });
    await answer();
    expect(question.steps).toBe(90);
  });

  test('what another network answers late does not stand under the name of the one that is chosen by then', async () => {
    const question = new Question(app);
    question.ask(order);
    question.ask({ ...order, of: 'pretrained' });
    await answer();
    expect({ answer: question.answer, answersCount: answers.length }).toEqual({
      answer: undefined,
      answersCount: 2,
    });
    await answer();
    expect(question.answer).toEqual({ kind: 'predicted' });
  });

  test('a lost device is a problem of pictures that are on their way, and none of those that are there', async () => {
    const question = new Question(app);
    question.ask(order);
    await answer();
    question.receive(lost);
    expect(question.status).toBeUndefined();
    question.ask({ ...order, choice: 1 });
    question.receive(lost);
    expect(question.status).toMatch(/^The GPU device was lost. Change anything here/);
  });

  test.each<WorkerEvent>([
    { type: 'patch', patch: { run: undefined } },
    { type: 'losses', first: 0, again: true, losses: new Float32Array(), imagesPerSecond: 1 },
  ])(
    'the pictures of a run go after its event $type, as its next step of that number is another',
    async (event) => {
      at(40);
      const question = new Question(app);
      question.ask(order, true);
      await answer();
      question.receive(event);
      expect(question.answer).toBeUndefined();
      question.ask(order, true);
      expect(answers).toHaveLength(2);
    },
  );

  test('what is chosen while a measurement has the GPU waits, and the pictures of another network go', async () => {
    const question = new Question(app);
    const of = (source: 'run' | 'pretrained', choice = 0) => question.ask({ ...order, of: source, choice });
    of('pretrained');
    await answer();
    app.measuring = 'bench';
    of('pretrained');
    expect(question.status).toBeUndefined();
    of('pretrained', 1);
    expect(question.status).toBe('The bench has the GPU; this waits.');
    of('run');
    expect({ answer: question.answer, status: question.status }).toEqual({
      answer: undefined,
      status: 'The bench has the GPU; this waits.',
    });
    of('pretrained');
    expect(answers).toHaveLength(1);
    app.measuring = undefined;
    of('pretrained');
    expect(answers).toHaveLength(2);
  });
});
