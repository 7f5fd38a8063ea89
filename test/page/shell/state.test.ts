import { describe, expect, test } from 'vitest';
import { patchOf, type WorkerEvent } from '../../../harness/page/messages/messages';
import { initialSettings, type ModelChoice } from '../../../harness/page/messages/settings';
import { Losses } from '../../../harness/page/runs/losses';
import {
  describe as describeState,
  endOf,
  epochOf,
  grownAt,
  hasEnded,
  initialState,
  isComplete,
  isFixed,
  isOfDigits,
  isReady,
  isYoung,
  makesDigits,
  networkIn,
  reduce,
  type State,
  secondsLeft,
  sourceOf,
} from '../../../harness/page/shell/state';
import { DIGITS } from '../../../src/data/digits';
import { LEAST_STEPS, type StoredRun } from '../../../src/keeping/store';
import { recipes } from '../../../src/recipes';
import { defaultConfig } from '../../../src/unet/config';

const stateAfter = (...events: WorkerEvent[]): State => events.reduce(reduce, initialState);
const fingerprint = { count: 10, height: 28, width: 28, channels: 1, fnv1a: '0' };
const built = {
  type: 'patch',
  patch: {
    run: {
      images: 10,
      stepsPerEpoch: 3,
      parameters: 309_057,
      network: defaultConfig,
      data: fingerprint,
      bytes: 1000,
      variants: {},
    },
  },
} as WorkerEvent;
const lost = (...left: number[]): WorkerEvent => ({
  ...{ type: 'lost', message: 'gone', reason: 'a crash', step: left.length, again: false },
  ...{ losses: Float32Array.from(left), recovers: true, advice: undefined },
});
const losses = (first: number, ...values: number[]): WorkerEvent => ({
  type: 'losses',
  again: false,
  first,
  losses: Float32Array.from(values),
  imagesPerSecond: 100,
});
const speed = (imagesPerSecond: number): WorkerEvent => ({ type: 'patch', patch: { pace: imagesPerSecond } });
const phase = (name: State['phase'], training = false): WorkerEvent => ({
  type: 'patch',
  patch: { phase: name, training },
});

const progress = (
  task: 'compiling' | 'tuning' | 'comparing',
  done: number,
  more: object = {},
): WorkerEvent => ({
  ...{ type: 'progress', task, done, total: 9, ...more },
});
const model = (name: string) =>
  ({
    name,
    recipe: 'tutorial',
    classes: 0,
    height: 14,
    width: 14,
    channels: 1,
    sampling: { method: 'mix', steps: 50 },
  }) as const;

const { widths: _, ...others } = initialSettings;
const resumed = (kept: boolean, id?: string): WorkerEvent => ({
  type: 'patch',
  patch: { resumed: { id, kept, settings: { ...others, widths: [8] }, losses: Float32Array.of(3, 2) } },
});
const stored = (step: number): WorkerEvent => ({ type: 'stored', step, id: 'a' });
const freed: WorkerEvent = { type: 'patch', patch: { run: undefined } };
const timeUp: WorkerEvent = { type: 'patch', patch: { measured: { timeUp: true } } };
const failed = (at: 'task' | 'data', back?: number): WorkerEvent => ({
  ...{ type: 'problem', at, code: 'data', message: 'no', back },
});
const warned = (run: boolean): WorkerEvent => ({ type: 'warning', message: 'It learns nothing.', run });
const opened = (name: string): WorkerEvent => ({ type: 'patch', patch: { model: model(name) } });
const far = (step: number, loss?: number) =>
  ({
    type: 'patch',
    patch: { distilling: { calls: 2, noises: 8, steps: 4, batch: 2, trajectories: 8, step, loss } },
  }) satisfies WorkerEvent;
const data = { name: 'digits', builtIn: true, count: 10, height: 28, width: 28, channels: 1 };
const adapter = { vendor: 'x', architecture: '', device: '', description: '', software: false };
const begun: WorkerEvent = {
  type: 'patch',
  patch: { begun: { held: 7, begin: 'new', sampling: recipes.digits.sampling } },
};
const of = (...values: number[]) => ({ losses: Losses.of(values) });
const said = (message?: string) => ({ error: message === undefined ? undefined : { message } });

describe('the state of the page', () => {
  test.each<[string, WorkerEvent[], object]>([
    ['collects losses', [built, losses(0, 0.5, 0.25), losses(2, 0.125)], of(0.5, 0.25, 0.125)],
    [
      'replaces losses of steps that come again',
      [built, losses(0, 1, 2, 3, 4), lost(1, 2), losses(2, 0.5)],
      of(1, 2, 0.5),
    ],
    [
      'goes back to a copy',
      [
        built,
        losses(0, 3, 2),
        stored(2),
        { type: 'losses', first: 1, again: true, losses: new Float32Array(), imagesPerSecond: 1 },
      ],
      { ...of(3), stored: 1 },
    ],
    ['has a run that goes on from a file', [resumed(false)], { ...of(3, 2), saved: 2, stored: 0 }],
    ['has a run that goes on from the browser', [resumed(true)], { ...of(3, 2), saved: 0, stored: 2 }],
    ['has in a file what is left of the run', [resumed(false), lost(3)], { saved: 1 }],
    [
      'says that the storage is full',
      [built, losses(0, 3, 2), stored(2), { type: 'notStored', message: 'full' }],
      { notStored: 'full', stored: 2 },
    ],
    [
      'does not say so once a copy is stored',
      [{ type: 'notStored', message: 'full' }, stored(3)],
      { notStored: undefined, stored: 3 },
    ],
    [
      'forgets at a reset the run, not adapter, images and an opened model',
      [
        { type: 'patch', patch: { adapter } },
        { type: 'patch', patch: { data } },
        built,
        losses(0, 1),
        stored(1),
        opened('a'),
        freed,
      ],
      {
        adapter,
        data,
        ...of(),
        stored: 0,
        notStored: undefined,
        saved: 0,
        run: undefined,
        imagesPerSecond: 0,
        timed: false,
        model: { name: 'a' },
      },
    ],
    [
      'asks for none once another run begins',
      [{ type: 'patch', patch: { needsData: 'a' } }, begun, built],
      { needsData: undefined, run: { held: 7 } },
    ],
    [
      'offers no kept run of a few steps',
      [{ type: 'runs', runs: [LEAST_STEPS - 1, LEAST_STEPS].map((step) => ({ step }) as StoredRun) }],
      { kept: [{ step: LEAST_STEPS }] },
    ],
    [
      'offers no kept run that goes on',
      [
        { type: 'runs', runs: ['a', 'b'].map((id) => ({ id, step: LEAST_STEPS }) as StoredRun) },
        resumed(true, 'a'),
        built,
      ],
      { kept: [{ id: 'b' }], id: 'a' },
    ],
    [
      'knows how far a distillation is',
      [built, far(0), far(1, 0.5), far(2, 0.25)],
      { distilling: { calls: 2, step: 2, ...of(0.5, 0.25) } },
    ],
    ['keeps a warning of the run', [warned(true), phase('finished')], { warning: 'It learns nothing.' }],
    ['has no warning of a run that is reset', [warned(true), freed], { warning: undefined }],
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
      [
        built,
        losses(0, 1),
        timeUp,
        failed('task', 400),
        ...(['paused', 'compiling', 'sampling', 'loading', 'paused'] as const).map((name) => phase(name)),
      ],
      { measured: { timeUp: true }, error: { back: 400 } },
    ],
    [
      'does not say why it had stopped once it trains on',
      [built, losses(0, 1), timeUp, failed('task', 400), phase('compiling', true)],
      { measured: { timeUp: false }, ...said() },
    ],
  ])('%s', (_, events, expected) => {
    expect(stateAfter(...events)).toMatchObject(expected);
  });

  test.each([
    ['goes on by itself from step 2', { recovers: true }],
    [`Step ${LEAST_STEPS - 1} of the run is not kept in this browser`, { step: LEAST_STEPS - 1 }],
    [`Step ${LEAST_STEPS} of the run is kept in this browser`, { step: LEAST_STEPS }],
  ])(
    'says of a run whose device was lost: %s',
    (words, { step, recovers }: { step?: number; recovers?: boolean }) => {
      const event = {
        ...lost(...Array<number>(step ?? 2).fill(1)),
        again: !recovers,
        advice: recovers ? undefined : 'reload',
      };
      expect(stateAfter(built, stored(step ?? 2), event as WorkerEvent).error!.message).toContain(words);
    },
  );

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

  test.each([
    [true, ['idle', 'paused', 'finished', 'training', 'lost']],
    [false, ['starting', 'loading', 'compiling', 'pausing', 'sampling', 'failed']],
  ] as const)('a task may begin, or not (%s), while the page is %j', (ready, phases) => {
    for (const name of phases) expect(isReady({ phase: name }), name).toBe(ready);
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
    ['of an open file', 'run', true, [built, opened('a')], 'file'],
    ['beside an open file', 'run', false, [built, opened('a')], 'run'],
  ])('takes samples %s, model=%s, file %s, from its source', (_, choice, file, events, source) => {
    expect(sourceOf(stateAfter(...events), { model: choice }, file)).toBe(source);
  });

  const { sampling } = recipes.digits;
  const fine = { recipe: 'digits', classes: 10, height: 28, width: 28, channels: 1, sampling } as const;

  test('describes the network that makes samples: recipe, classes, images and sampling', () => {
    const size = { height: 32, width: 24, channels: 3 };
    const images = { name: 'x', builtIn: false, count: 10, ...size, classes: 26, classNames: ['A', 'B'] };
    const state = stateAfter({ type: 'patch', patch: { data: images } }, opened('a'));
    const digits = { recipe: 'digits' } as const;
    const own = { recipe: 'digits', classes: 26, classNames: ['A', 'B'], data: 'x', ...size, sampling };
    expect(networkIn('run', state, digits)).toEqual(own);
    // What the run was built on wins.
    const conditioning = { noiseLevel: true, classes: 30 };
    const run = {
      ...patchOf(built).run!,
      data: { ...fingerprint, classNames: ['C', 'D'], name: 'y' },
      network: { ...defaultConfig, conditioning },
    };
    const told: WorkerEvent = { type: 'patch', patch: { run } };
    const built30 = { ...own, classNames: ['C', 'D'], data: 'y', classes: 30 };
    expect(networkIn('run', reduce(state, told), digits)).toEqual(built30);
    const { classes: _, ...unlabelled } = images;
    expect(networkIn('run', stateAfter({ type: 'patch', patch: { data: unlabelled } }), digits).classes).toBe(
      0,
    );
    const pretrained = { ...fine, data: DIGITS };
    // The recipe pictures, without a pretrained network of its own, shows the one of digits.
    for (const recipe of ['digits', 'pictures'] as const)
      expect(networkIn('pretrained', state, { recipe })).toEqual(pretrained);
    expect(networkIn('run', state, { recipe: 'pictures' }).sampling).toBe(recipes.pictures.sampling);
    expect(networkIn('file', state, digits)).toMatchObject({ recipe: 'tutorial', classes: 0, height: 14 });
    expect(networkIn('run', initialState, digits)).toMatchObject({ classes: 10, height: 28, width: 28 });
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
    expect([makesDigits(network), isOfDigits(network)]).toEqual([makes, looks]);
  });

  test('ends a run by its epochs, its time or its plan', () => {
    const at = (count: number, ...events: WorkerEvent[]) =>
      stateAfter(built, losses(0, ...Array(count).fill(1)), ...events, phase('paused'));
    expect([at(1), at(1, timeUp), at(3)].map((state) => hasEnded(state, 1))).toEqual([false, true, true]);
    expect([1, 2].map((epochs) => isComplete(at(3), epochs))).toEqual([true, false]);
    expect([epochOf(at(3)), epochOf(at(4))]).toEqual([1, 2]);
    const plan = { batch: 4, most: 9, epochs: 9, seconds: 1, fits: true };
    const planned = (steps?: number): WorkerEvent => ({
      type: 'patch',
      patch: { planned: { plan: { ...plan, steps }, averages: true } },
    });
    const open = stateAfter(planned(), built, losses(0, 1, 1, 1, 1), speed(100));
    expect([endOf(open, 1), isComplete(open, 1), secondsLeft(open, 4, 1)]).toEqual([
      Number.POSITIVE_INFINITY,
      false,
      Number.NaN,
    ]);
    const known = reduce(open, planned(8));
    // Two whole epochs of 10 images and two steps of 4, without what is done: one epoch and one step.
    expect([endOf(known, 1), isComplete(known, 1), secondsLeft(known, 4, 1)]).toEqual([
      8,
      false,
      expect.closeTo(14 / 100),
    ]);
    const stopped = [timeUp, phase('paused')].reduce(reduce, known);
    expect(describeState(stopped)).toContain('half as long again, is up: samples come from the average');
    const tutorial = { ...stopped, planned: { ...stopped.planned!, averages: false } };
    expect(describeState(tutorial)).not.toContain('average');
    const ended = [losses(4, 1, 1, 1, 1), phase('finished')].reduce(reduce, known);
    expect([isComplete(ended, 9), secondsLeft(ended, 4, 9)]).toEqual([true, 0]);
    expect(describeState(ended)).toBe('Finished. Train on plans further steps');
    expect(reduce(ended, freed).planned).toBeUndefined();
  });
});

// 10 images an epoch in batches of 4: 4, 4, 2.
test.each<[string, WorkerEvent[], batch: number, epochs: number, seconds: number]>([
  [
    'by images, so that the small last batch of an epoch is not overrated',
    [built, losses(0, 1), speed(100)],
    4,
    2,
    (20 - 4) / 100,
  ],
  ['at the end', [built, losses(0, 1, 1, 1), speed(100)], 4, 1, 0],
  ['where the tenth image is left out', [built, losses(0, 1), speed(100)], 3, 2, (18 - 3) / 100],
  ['without a run', [], 4, 1, Number.NaN],
  ['before the speed is measured', [built, losses(0, 1, 1)], 4, 2, Number.NaN],
  ['by the measured speed', [built, losses(0, 1, 1), speed(4)], 4, 2, (20 - 8) / 4],
])('time left, %s', (_, events, batch, epochs, seconds) => {
  expect(secondsLeft(stateAfter(...events), batch, epochs)).toEqual(
    seconds > 0 ? expect.closeTo(seconds) : seconds,
  );
});

test('Draw and Explain take the run’s network after 51,200 images or 300 steps, at its end, or at once if it began trained', () => {
  const run = (stepsPerEpoch: number, more: Partial<State> = {}) =>
    ({ ...initialState, run: { stepsPerEpoch } as State['run'], ...more }) satisfies State;
  const long = { batch: 64, epochs: 1000 };
  expect(grownAt(initialState, long)).toBe(300);
  expect(grownAt(run(3), long)).toBe(300);
  expect(grownAt(run(140), { ...long, batch: 256 })).toBe(200);
  expect(grownAt(run(4), { ...long, epochs: 11 })).toBe(44);
  expect(grownAt(run(140, { begin: 'pretrained' }), long)).toBe(1);

  const after = (steps: number, more: Partial<State> = {}) =>
    isYoung(run(4, { losses: Losses.of(new Float32Array(steps)), ...more }), long);
  expect([after(1), after(299), after(300)]).toEqual([true, true, false]);
  expect(after(1, { begin: 'pretrained' })).toBe(false);
  // Where its time is up it has ended, too.
  expect(after(20, { phase: 'paused' })).toBe(true);
  expect(after(20, { phase: 'paused', measured: { ...initialState.measured, timeUp: true } })).toBe(false);
});
