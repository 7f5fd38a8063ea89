import { describe, expect, test } from 'vitest';
import type { EventOf, Patch, WorkerEvent } from '../../../harness/page/messages/messages';
import {
  initialSettings,
  type ModelChoice,
  type NetworkSource,
} from '../../../harness/page/messages/settings';
import { LossHistory } from '../../../harness/page/runs/losses';
import {
  chosenSource,
  currentEpoch,
  taskText as describeState,
  grownAt,
  hasDigitClasses,
  hasEnded,
  initialState,
  isComplete,
  isFixed,
  isOfDigits,
  isReady,
  isYoung,
  networkIn,
  plannedEnd,
  reduce,
  type State,
  secondsLeft,
} from '../../../harness/page/shell/state';
import { DIGITS } from '../../../src/data/digits';
import { LEAST_STEPS, type StoredRun } from '../../../src/keeping/store';
import { recipes } from '../../../src/recipes';
import { defaultConfig } from '../../../src/unet/config';
import type { RunDescription } from '../../../src/worker';

const stateAfter = (...events: WorkerEvent[]): State => events.reduce(reduce, initialState);
const patch = (patch: Patch): WorkerEvent => ({ type: 'patch', patch });
const fingerprint = { count: 10, height: 28, width: 28, channels: 1, fnv1a: '0' };
const run = {
  images: 10,
  stepsPerEpoch: 3,
  parameters: 309_057,
  network: defaultConfig,
  data: fingerprint,
  bytes: 1000,
  variants: {},
} as RunDescription;
const built = patch({ run });
const lost = (...left: number[]): EventOf<'lost'> => ({
  type: 'lost',
  message: 'gone',
  reason: 'a crash',
  step: left.length,
  again: false,
  losses: Float32Array.from(left),
  recovers: true,
  advice: undefined,
});
const losses = (first: number, ...values: number[]): EventOf<'losses'> => ({
  type: 'losses',
  again: false,
  first,
  losses: Float32Array.from(values),
  imagesPerSecond: 7,
});
const speed = (pace: number) => patch({ pace });
const phase = (name: State['phase'], training = false) => patch({ phase: name, training });
const progress = (
  task: 'compiling' | 'tuning' | 'comparing',
  done: number,
  more: object = {},
): WorkerEvent => ({ type: 'progress', task, done, total: 9, ...more });

const { widths: _, ...others } = initialSettings;
const resumed = (kept: boolean, id?: string) =>
  patch({ resumed: { id, kept, settings: { ...others, widths: [8] }, losses: Float32Array.of(3, 2) } });
const stored = (step: number): WorkerEvent => ({ type: 'stored', step, id: 'a' });
const notStored: WorkerEvent = { type: 'notStored', message: 'full' };
const freed = patch({ run: undefined });
const timeUp = patch({ measured: { timeUp: true } });
const failed = (at: 'task' | 'data', back?: number): WorkerEvent => ({
  type: 'problem',
  at,
  code: 'data',
  message: 'no',
  back,
});
const warned: WorkerEvent = { type: 'warning', message: 'It learns nothing.', run: true };
const size = { height: 14, width: 14, channels: 1 };
const opened = patch({
  model: { name: 'a', recipe: 'tutorial', classes: 0, ...size, sampling: { method: 'mix', steps: 50 } },
});
const far = (step: number, loss?: number) =>
  patch({ distilling: { calls: 2, noises: 8, steps: 4, batch: 2, trajectories: 8, step, loss } });
const data = { name: 'digits', builtIn: true, ...fingerprint };
const adapter = { vendor: 'x', architecture: '', device: '', description: '', software: false };
const begun = patch({ begun: { held: 7, begin: 'new', sampling: recipes.digits.sampling } });
const kept = (...runs: [id: string, step: number][]): WorkerEvent => ({
  type: 'runs',
  runs: runs.map(([id, step]) => ({ id, step }) as StoredRun),
});
const of = (...values: number[]) => ({ losses: LossHistory.of(values) });
const said = (message?: string) => ({ error: message === undefined ? undefined : { message } });
/** What made a run stop. */
const stop = [built, losses(0, 1), timeUp, failed('task', 400)];

describe('the state of the page', () => {
  test.each<[string, WorkerEvent[], object]>([
    ['collects losses', [built, losses(0, 0.5, 0.25), losses(2, 0.125)], of(0.5, 0.25, 0.125)],
    [
      'replaces losses of steps that come again',
      [losses(0, 1, 2, 3), lost(1, 2), losses(2, 0.5)],
      of(1, 2, 0.5),
    ],
    [
      'goes back to a copy',
      [losses(0, 3, 2), stored(2), { ...losses(1), again: true }],
      { ...of(3), stored: 1 },
    ],
    ['has a run that goes on from a file', [resumed(false)], { ...of(3, 2), saved: 2, stored: 0 }],
    ['has a run that goes on from the browser', [resumed(true)], { ...of(3, 2), saved: 0, stored: 2 }],
    ['has in a file what is left of the run', [resumed(false), lost(3)], { saved: 1 }],
    ['says that the storage is full', [stored(2), notStored], { notStored: 'full', stored: 2 }],
    ['does not say so once a copy is stored', [notStored, stored(3)], { notStored: undefined, stored: 3 }],
    [
      'forgets at a reset the run, not adapter, images and an opened model',
      [patch({ adapter }), patch({ data }), built, losses(0, 1), stored(1), notStored, warned, opened, freed],
      {
        adapter,
        data,
        model: { name: 'a' },
        ...of(),
        stored: 0,
        saved: 0,
        imagesPerSecond: 0,
        timed: false,
        notStored: undefined,
        run: undefined,
        warning: undefined,
      },
    ],
    [
      'asks for none once another run begins',
      [patch({ needsData: 'a' }), begun, built],
      { needsData: undefined, run: { held: 7 } },
    ],
    [
      'offers no kept run of a few steps, and none that goes on',
      [kept(['x', LEAST_STEPS - 1], ['a', LEAST_STEPS], ['b', LEAST_STEPS]), resumed(true, 'a'), built],
      { kept: [{ id: 'b' }], id: 'a' },
    ],
    [
      'knows how far a distillation is',
      [built, far(0), far(1, 0.5), far(2, 0.25)],
      { distilling: { calls: 2, step: 2, ...of(0.5, 0.25) } },
    ],
    ['keeps a warning of the run', [warned, phase('finished')], { warning: 'It learns nothing.' }],
    ['has no error of a task once the next one begins', [failed('task'), phase('compiling', true)], said()],
    [
      'keeps an error of a task beside training',
      [phase('training', true), failed('task'), phase('training', true)],
      said('no'),
    ],
    [
      'has none once training is begun anew',
      [phase('training', true), failed('task'), phase('paused'), phase('training', true)],
      said(),
    ],
    ['has none once other files are loaded', [failed('data'), phase('loading')], said()],
    [
      'keeps why a run has stopped while images are made or files opened',
      [...stop, ...(['compiling', 'sampling', 'loading', 'paused'] as const).map((name) => phase(name))],
      { measured: { timeUp: true }, error: { back: 400 } },
    ],
    [
      'does not say why it had stopped once it trains on',
      [...stop, phase('compiling', true)],
      { measured: { timeUp: false }, ...said() },
    ],
  ])('%s', (_, events, expected) => {
    expect(stateAfter(...events)).toMatchObject(expected);
  });

  test.each([
    ['goes on by itself from step 2', 2, undefined],
    [`Step ${LEAST_STEPS - 1} of the run is not kept in this browser`, LEAST_STEPS - 1, 'reload'],
    [`Step ${LEAST_STEPS} of the run is kept in this browser`, LEAST_STEPS, 'reload'],
  ] as const)('says of a run whose device was lost: %s', (words, step, advice) => {
    const event = { ...lost(...Array<number>(step).fill(1)), again: advice !== undefined, advice };
    expect(stateAfter(built, stored(step), event).error!.message).toContain(words);
  });

  test.each<[string, WorkerEvent[]]>([
    ['', [phase('idle')]],
    ['Stopped', [failed('task'), phase('idle')]],
    [
      'Compiling mse.plain, for 20 s so far',
      [phase('compiling', true), progress('compiling', 3, { kernel: 'mse.plain', seconds: 20 })],
    ],
    [
      'Compiling the shaders',
      [
        phase('compiling', true),
        progress('compiling', 3, { kernel: 'mse.plain', seconds: 20 }),
        progress('compiling', 4),
      ],
    ],
    [
      'Training: the first step is under way',
      [phase('compiling', true), progress('tuning', 3), phase('training', true)],
    ],
    [
      'Checking what this GPU computes, the first time only',
      [built, phase('training', true), losses(1, 2), progress('comparing', 3)],
    ],
    ['Distilling', [built, far(0), phase('finished')]],
  ])('says %j', (words, events) => {
    expect(describeState(stateAfter(...events))).toBe(words);
  });

  test('a task may begin while the worker rests or trains, and where its device is lost', () => {
    const ready = ['idle', 'paused', 'finished', 'training', 'lost'] as const;
    const others = ['starting', 'loading', 'compiling', 'pausing', 'sampling', 'failed'] as const;
    expect([...ready, ...others].filter((phase) => isReady({ phase }))).toEqual(ready);
  });

  test('fixes the settings of a run that was asked for or is paused', () => {
    const states = [[phase('idle')], [phase('compiling', true)], [built, phase('paused')]];
    expect(states.map((events) => isFixed(stateAfter(...events)))).toEqual([false, true, true]);
  });

  test.each<[string, ModelChoice, boolean, WorkerEvent[], string]>([
    ['before a run', 'auto', false, [], 'pretrained'],
    ['once there is a run', 'auto', false, [built, losses(0, 1)], 'run'],
    ['that are chosen', 'pretrained', false, [built, losses(0, 1)], 'pretrained'],
    ['of a file that is not open', 'auto', true, [], 'pretrained'],
    ['of an open file', 'run', true, [built, opened], 'file'],
    ['beside an open file', 'run', false, [built, opened], 'run'],
  ])('takes samples %s, model=%s, file %s, from its source', (_, choice, file, events, source) => {
    expect(chosenSource(stateAfter(...events), { model: choice }, file)).toBe(source);
  });

  const { sampling } = recipes.digits;
  const fine = { recipe: 'digits', classes: 10, height: 28, width: 28, channels: 1, sampling } as const;

  test('describes the network that makes samples: recipe, classes, images and sampling', () => {
    const named = { classes: 26, classNames: ['A', 'B'], height: 32, width: 24, channels: 3 };
    const images = { name: 'x', builtIn: false, count: 10, ...named };
    const state = stateAfter(patch({ data: images }), opened);
    const of = (source: NetworkSource, known = state, recipe: 'digits' | 'pictures' = 'digits') =>
      networkIn(source, known, { recipe });
    const own = { recipe: 'digits', data: 'x', ...named, sampling };
    expect(of('run')).toEqual(own);
    // What the run was built on wins.
    const classNames = ['C', 'D'];
    const network = { ...defaultConfig, conditioning: { noiseLevel: true, classes: 30 } };
    const told = patch({ run: { ...run, data: { ...fingerprint, classNames, name: 'y' }, network } });
    expect(of('run', reduce(state, told))).toEqual({ ...own, classNames, data: 'y', classes: 30 });
    expect(of('run', stateAfter(patch({ data: { ...images, classes: undefined } }))).classes).toBe(0);
    // The recipe pictures, without a pretrained network of its own, shows the one of digits.
    for (const recipe of ['digits', 'pictures'] as const)
      expect(of('pretrained', state, recipe)).toEqual({ ...fine, data: DIGITS });
    expect(of('run', state, 'pictures').sampling).toBe(recipes.pictures.sampling);
    expect(of('file')).toMatchObject({ recipe: 'tutorial', classes: 0, height: 14 });
    expect(of('run', initialState)).toMatchObject({ classes: 10, height: 28, width: 28 });
  });

  test.each([
    [true, true, {}],
    [true, true, { data: DIGITS }],
    [false, true, { data: DIGITS, classes: 0 }],
    [false, false, { classes: 9, data: 'icons' }],
    [false, false, { data: 'clothes' }],
    [false, false, { classNames: [...'ABCDEFGHIJ'], data: 'clothes' }],
    [true, false, { channels: 3, data: DIGITS }],
  ])('says whether a network makes digits (%s), and looks like them (%s): %j', (makes, looks, more) => {
    const network = { ...fine, ...more };
    expect(hasDigitClasses(network)).toEqual(makes);
    expect(isOfDigits(network)).toEqual(looks);
  });

  test('ends a run by its epochs, its time or its plan', () => {
    const at = (count: number, ...events: WorkerEvent[]) =>
      stateAfter(built, losses(0, ...Array(count).fill(1)), ...events, phase('paused'));
    expect([at(1), at(1, timeUp), at(3)].map((state) => hasEnded(state, 1))).toEqual([false, true, true]);
    expect([1, 2].map((epochs) => isComplete(at(3), epochs))).toEqual([true, false]);
    expect([currentEpoch(at(3)), currentEpoch(at(4))]).toEqual([1, 2]);
    const plan = { batch: 4, most: 9, epochs: 9, seconds: 1, fits: true };
    const planned = (steps?: number, averages = true) =>
      patch({ planned: { plan: { ...plan, steps }, averages } });
    const ends = (state: State) => [plannedEnd(state, 1), isComplete(state, 1), secondsLeft(state, 4, 1)];
    const open = at(4, speed(100), planned());
    expect(ends(open)).toEqual([Number.POSITIVE_INFINITY, false, Number.NaN]);
    const known = reduce(open, planned(8));
    // Two whole epochs of 10 images and two steps of 4, without what is done: one epoch and one step.
    expect(ends(known)).toEqual([8, false, expect.closeTo(14 / 100)]);
    const knownAfter = (...events: WorkerEvent[]) => events.reduce(reduce, known);
    const stopped = describeState(knownAfter(timeUp));
    expect(stopped).toContain('half as long again, is up: samples come from the average');
    expect(describeState(knownAfter(timeUp, planned(8, false)))).not.toContain('average');
    const ended = knownAfter(losses(4, 1, 1, 1, 1), phase('finished'));
    expect(ends(ended)).toEqual([8, true, 0]);
    expect(describeState(ended)).toBe('Finished. Train on plans further steps');
    expect(reduce(ended, freed).planned).toBeUndefined();
  });
});

// 10 images an epoch in batches of 4: 4, 4, 2.
test.each<[string, WorkerEvent[], batch: number, epochs: number, images: number]>([
  ['by images, so that the small last batch of an epoch is not overrated', [built, speed(100)], 4, 2, 20 - 4],
  ['at the end', [built, losses(1, 1, 1), speed(100)], 4, 1, 0],
  ['where the tenth image is left out', [built, speed(100)], 3, 2, 18 - 3],
  ['without a run', [], 4, 1, Number.NaN],
  ['before the speed is measured', [built, losses(1, 1)], 4, 2, Number.NaN],
])('time left, %s', (_, events, batch, epochs, images) => {
  expect(Math.round(100 * secondsLeft(stateAfter(losses(0, 1), ...events), batch, epochs))).toBe(images);
});

test('Draw and Explain take the run’s network after 51,200 images or 300 steps, at its end, or at once if it began trained', () => {
  const state = (stepsPerEpoch: number, more: Partial<State> = {}) =>
    ({ ...initialState, run: { stepsPerEpoch } as State['run'], ...more }) satisfies State;
  const long = { batch: 64, epochs: 1000 };
  const grown = [
    grownAt(initialState, long),
    grownAt(state(3), long),
    grownAt(state(140), { ...long, batch: 256 }),
    grownAt(state(4), { ...long, epochs: 11 }),
    grownAt(state(140, { begin: 'pretrained' }), long),
  ];
  expect(grown).toEqual([300, 300, 200, 44, 1]);
  const young = (steps: number, more: Partial<State> = {}) =>
    isYoung(state(4, { losses: LossHistory.of(new Float32Array(steps)), ...more }), long);
  expect([young(1), young(299), young(300), young(1, { begin: 'pretrained' })]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  // Where its time is up it has ended, too.
  const { measured } = initialState;
  const paused = [false, true].map((timeUp) =>
    young(20, { phase: 'paused', measured: { ...measured, timeUp } }),
  );
  expect(paused).toEqual([true, false]);
});
