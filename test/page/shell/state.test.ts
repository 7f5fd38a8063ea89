import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Order, WorkerEvent } from '../../../harness/page/messages/messages';
import { initialSettings, type ModelChoice } from '../../../harness/page/messages/settings';
import { Losses, smooth, smoothLoss } from '../../../harness/page/runs/losses';
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
  isYoung,
  makesDigits,
  networkIn,
  reduce,
  type State,
  secondsLeft,
  sourceOf,
} from '../../../harness/page/shell/state';
import { keepsFrame, MAX_FRAMES, stepOf } from '../../../harness/page/shell/trajectory';
import { decodeRecording } from '../../../harness/page/welcome/recording';
import { epochMeans, lossesCsv } from '../../../harness/run/losses';
import { DIGITS } from '../../../src/data/digits';
import { LEAST_STEPS, type StoredRun } from '../../../src/keeping/store';
import { recipes } from '../../../src/recipes';
import { defaultConfig } from '../../../src/unet/config';
import { LossBatcher } from '../../../src/worker/session';

const stateAfter = (...events: WorkerEvent[]): State => events.reduce(reduce, initialState);
const fingerprint = { count: 10, height: 28, width: 28, channels: 1, fnv1a: '0' };
const built = {
  type: 'built',
  images: 10,
  stepsPerEpoch: 3,
  parameters: 309_057,
  network: defaultConfig,
  data: fingerprint,
  bytes: 1000,
  variants: {},
} as WorkerEvent;
const lost = (...left: number[]): WorkerEvent => ({
  ...{ type: 'lost', message: 'gone', reason: 'a crash', step: left.length, again: false },
  ...{ losses: Float32Array.from(left), recovers: true, advice: undefined },
});
const losses = (first: number, ...values: number[]): WorkerEvent => ({
  type: 'loss',
  first,
  losses: Float32Array.from(values),
  imagesPerSecond: 100,
});
const speed = (imagesPerSecond: number): WorkerEvent => ({ type: 'speed', imagesPerSecond });
const phase = (name: State['phase'], training = false): WorkerEvent => ({
  type: 'phase',
  phase: name,
  training,
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

describe('the state of the page', () => {
  test('collects losses, and derives the epoch from them', () => {
    const state = stateAfter(built, losses(0, 0.5, 0.25), losses(2, 0.125));
    expect([...state.losses]).toEqual([0.5, 0.25, 0.125]);
    expect(epochOf(state)).toBe(1);
    expect(epochOf(reduce(state, losses(3, 0.1)))).toBe(2);
    expect(isComplete(state, 1)).toBe(true);
    expect(isComplete(state, 2)).toBe(false);
  });

  test('names a shader that compiles for long', () => {
    const of = (progress: object) => ({ type: 'progress', done: 3, total: 5, ...progress }) as WorkerEvent;
    const compiling = stateAfter(built, phase('compiling', true));
    const late = reduce(compiling, of({ task: 'compiling', kernel: 'mse.plain', seconds: 20 }));
    expect([compiling, late].map(describeState)).toEqual([
      'Compiling the shaders',
      'Compiling mse.plain, for 20 s so far',
    ]);
    expect(describeState(reduce(late, of({ task: 'compiling' })))).toBe('Compiling the shaders');
  });

  test('replaces the losses of steps that come again', () => {
    const state = stateAfter(built, losses(0, 1, 2, 3, 4), lost(1, 2), losses(2, 0.5));
    expect([...state.losses]).toEqual([1, 2, 0.5]);
    expect(state.error?.message).toMatch(/lost \(a crash\)\..* goes on by itself from step 2\.$/);
  });

  test('knows how much of the run is in a file', () => {
    const saved = { ...stateAfter(built, losses(0, 3, 2, 1)), saved: 2 };
    expect(reduce(saved, lost(3)).saved).toBe(1);
    expect(reduce(saved, { type: 'freed' }).saved).toBe(0);

    const { widths, ...others } = initialSettings;
    const settings = { ...others, widths: [8] };
    const resumed = (kept: boolean) =>
      stateAfter({ type: 'resumed', kept, settings, losses: Float32Array.of(3, 2) });
    expect(resumed(false)).toMatchObject({ losses: Losses.of([3, 2]), saved: 2, stored: 0 });
    expect(resumed(true)).toMatchObject({ losses: Losses.of([3, 2]), saved: 0, stored: 2 });
  });

  test('keeps the error of a task while training goes on beside it, until training is begun anew', () => {
    const phase = (training: boolean) => ({ type: 'phase', phase: 'training', training }) as const;
    const error = { type: 'error', at: 'task', code: 'data', message: 'no network' } as const;
    const after = stateAfter(phase(true), error, phase(true));
    expect(after.error?.message).toBe('no network');
    const paused = { type: 'phase', phase: 'paused', training: false } as const;
    expect([paused, phase(true)].reduce(reduce, after).error).toBeUndefined();
  });

  test('asks for the images of a kept run until another run begins', () => {
    const waiting = { type: 'needsData', id: 'a' } as const;
    const begun = { type: 'begun', held: 7, begin: 'new', sampling: recipes.digits.sampling } as const;
    expect(stateAfter(waiting).needsData).toBe('a');
    expect(stateAfter(waiting, begun, built)).toMatchObject({ needsData: undefined, run: { held: 7 } });
  });

  test('moves a kept run that goes on from the kept runs to the page’s own; at its end no time is left', () => {
    const { widths, ...others } = initialSettings;
    const settings = { ...others, widths: [8] };
    const runs = ['a', 'b'].map((id) => ({ id, step: LEAST_STEPS }) as StoredRun);
    const state = stateAfter(
      { type: 'runs', runs },
      { type: 'resumed', id: 'a', kept: true, settings, losses: Float32Array.of(3, 2) },
      built,
    );
    expect(state.kept.map(({ id }) => id)).toEqual(['b']);
    expect(state.id).toBe('a');
    const { stepsPerEpoch } = state.run!;
    const ended = { ...state, losses: Losses.of(new Float32Array(2 * stepsPerEpoch)) };
    expect(secondsLeft(ended, 4, 2)).toBe(0);
    expect(secondsLeft(ended, 4, 3)).toBeNaN();
  });

  test('knows how much of the run is in the browser’s storage, and that the storage is full', () => {
    const stored = stateAfter(built, losses(0, 3, 2), { type: 'stored', step: 2, id: 'a' });
    expect(stored.stored).toBe(2);
    expect(reduce(stored, { type: 'wentBack', losses: Float32Array.of(3) })).toMatchObject({
      losses: Losses.of([3]),
      stored: 1,
    });
    const full = reduce(stored, { type: 'notStored', message: 'full' });
    expect([full.notStored, full.stored]).toEqual(['full', 2]);
    expect(reduce(full, { type: 'stored', step: 3, id: 'a' }).notStored).toBeUndefined();
    expect(reduce(full, { type: 'freed' })).toMatchObject({ stored: 0, notStored: undefined });
  });

  test('shows no kept runs of a few steps, and does not promise them when the device is lost', () => {
    const runs = [LEAST_STEPS - 1, LEAST_STEPS].map((step) => ({ step }) as StoredRun);
    expect(stateAfter({ type: 'runs', runs }).kept).toEqual([{ step: LEAST_STEPS }]);
    const said = (step: number) => {
      const event = { ...lost(...Array<number>(step).fill(1)), again: true, advice: 'reload' } as WorkerEvent;
      return stateAfter(built, { type: 'stored', step, id: 'a' }, event).error!.message;
    };
    expect(said(LEAST_STEPS - 1)).toContain(`Step ${LEAST_STEPS - 1} of the run is not kept in this browser`);
    expect(said(LEAST_STEPS)).toContain(`Step ${LEAST_STEPS} of the run is kept in this browser`);
  });

  test('knows how far a distillation is, until it is over', () => {
    const far = {
      type: 'distilling',
      calls: 2,
      noises: 8,
      steps: 4,
      batch: 2,
      trajectories: 8,
      step: 0,
    } as const;
    const state = stateAfter(
      built,
      losses(0, 1),
      far,
      { ...far, step: 1, loss: 0.5 },
      { ...far, step: 2, loss: 0.25 },
    );
    expect(state.distilling).toMatchObject({ calls: 2, step: 2, losses: Losses.of([0.5, 0.25]) });
    expect(describeState(reduce(state, phase('finished')))).toBe('Distilling');
    expect(describeState(reduce(state, phase('sampling')))).toBe('Sampling');
    expect(reduce(state, { type: 'distilled' }).distilling).toBeUndefined();
  });

  test('has an opened model beside the run, and keeps it after the run', () => {
    const opened = stateAfter(built, losses(0, 1), { type: 'model', model: model('a.safetensors') });
    expect([opened.model, [...opened.losses], opened.run]).toMatchObject([
      { name: 'a.safetensors' },
      [1],
      {},
    ]);
    expect(reduce(opened, { type: 'freed' }).model?.name).toBe('a.safetensors');
    expect(reduce(opened, { type: 'model', model: model('b.safetensors') }).model?.name).toBe(
      'b.safetensors',
    );
  });

  test('takes samples from the pretrained network, from the run once there is one, or from the chosen network', () => {
    const source = (state: State, choice: ModelChoice, file = false) =>
      sourceOf(state, { model: choice }, file);
    const trained = stateAfter(built, losses(0, 1));
    expect([source(initialState, 'auto'), source(trained, 'auto')]).toEqual(['pretrained', 'run']);
    expect([source(initialState, 'run'), source(trained, 'pretrained')]).toEqual(['run', 'pretrained']);
    // A file is chosen beside that, as long as it is open.
    expect(source(initialState, 'auto', true)).toBe('pretrained');
    const opened = reduce(trained, { type: 'model', model: model('a') });
    expect([source(opened, 'run', true), source(opened, 'run', false)]).toEqual(['file', 'run']);
  });

  test('describes the network that makes samples: recipe, classes, images and sampling', () => {
    const classNames = ['A', 'B'];
    const size = { height: 32, width: 24, channels: 3 };
    const data = { name: 'x', builtIn: false, count: 10, ...size, classes: 26, classNames };
    const state = stateAfter({ type: 'data', data }, { type: 'model', model: model('a') });
    const digits = { recipe: 'digits' } as const;
    const { sampling } = recipes.digits;
    const own = { recipe: 'digits', classes: 26, classNames, data: 'x', ...size, sampling };
    expect(networkIn('run', state, digits)).toEqual(own);
    const conditioning = { noiseLevel: true, classes: 30 };
    const names = { classNames: ['C', 'D'] };
    const told = {
      ...built,
      data: { ...fingerprint, ...names, name: 'y' },
      network: { ...defaultConfig, conditioning },
    } as WorkerEvent;
    expect(networkIn('run', reduce(state, told), digits)).toEqual({
      ...{ ...own, ...names },
      data: 'y',
      classes: 30,
    });
    const unlabelled = { name: 'x', builtIn: false, count: 10, ...size };
    expect(networkIn('run', stateAfter({ type: 'data', data: unlabelled }), digits).classes).toBe(0);
    const ten = { classes: 10 };
    expect([ten, { ...ten, data: DIGITS }].map(makesDigits)).toEqual([true, true]);
    const others = [{ classes: 9 }, { ...ten, data: 'clothes' }, { ...ten, classNames: ['shirt'] }];
    expect(others.map(makesDigits)).toEqual([false, false, false]);
    expect(networkIn('pretrained', state, digits)).toEqual({
      recipe: 'digits',
      classes: 10,
      data: DIGITS,
      height: 28,
      width: 28,
      channels: 1,
      sampling,
    });
    // Recipes without a pretrained network of their own show the one of digits.
    for (const recipe of ['digits-3x3', 'pictures'] as const) {
      expect(networkIn('pretrained', state, { recipe })).toEqual(networkIn('pretrained', state, digits));
      expect(networkIn('run', state, { recipe })).toMatchObject({
        recipe,
        sampling: recipes[recipe].sampling,
      });
    }
    expect(networkIn('run', state, { recipe: 'tutorial' })).toMatchObject({ recipe: 'tutorial', classes: 0 });
    expect(networkIn('file', state, digits)).toMatchObject({ recipe: 'tutorial', classes: 0, height: 14 });
    expect(networkIn('run', initialState, digits)).toMatchObject({ classes: 10, height: 28, width: 28 });
  });

  test('ends a run by its epochs or by its time', () => {
    const begun = [built, losses(0, 1)] as const;
    const paused = { type: 'phase', phase: 'paused', training: false } as const;
    expect(hasEnded(stateAfter(...begun, paused), 1)).toBe(false);
    expect(hasEnded(stateAfter(...begun, { type: 'timeUp' }, paused), 1)).toBe(true);
    expect(hasEnded(stateAfter(built, losses(0, 3, 2, 1), paused), 1)).toBe(true);
  });

  test('counts a planned run to the end of its plan, whatever the epochs', () => {
    const plan = {
      batch: 4,
      steps: undefined as number | undefined,
      most: 9,
      epochs: 9,
      seconds: 1,
      fits: true,
    };
    const planned = (steps?: number): WorkerEvent => ({
      ...{ type: 'planned', plan: { ...plan, steps }, isOpen: true, averages: true },
    });
    const open = stateAfter(planned(), built, losses(0, 1, 1, 1, 1), speed(100));
    expect([endOf(open, 1), isComplete(open, 1)]).toEqual([Number.POSITIVE_INFINITY, false]);
    expect(secondsLeft(open, 4, 1)).toBeNaN();
    const known = reduce(open, planned(8));
    expect([endOf(known, 1), isComplete(known, 1)]).toEqual([8, false]);
    // Two whole epochs of 10 images and two steps of 4, without what is done: one epoch and one step.
    expect(secondsLeft(known, 4, 1)).toBeCloseTo(14 / 100);
    const paused = { type: 'phase', phase: 'paused', training: false } as const;
    const stopped = reduce(reduce(known, { type: 'timeUp' }), paused);
    expect(describeState(stopped)).toContain('half as long again, is up: samples come from the average');
    const tutorial = { ...stopped, planned: { ...stopped.planned!, averages: false } };
    expect(describeState(tutorial)).not.toContain('average');
    const ended = reduce(reduce(known, losses(4, 1, 1, 1, 1)), phase('finished'));
    expect([isComplete(ended, 9), secondsLeft(ended, 4, 9)]).toEqual([true, 0]);
    expect(describeState(ended)).toBe('Finished. Train on plans further steps');
    expect(reduce(ended, { type: 'freed' }).planned).toBeUndefined();
  });

  test('fixes the settings of a run from the moment that the run is asked for', () => {
    expect(isFixed(stateAfter(phase('idle')))).toBe(false);
    expect(isFixed(stateAfter(phase('compiling', true)))).toBe(true);
    expect(isFixed(stateAfter(built, phase('paused')))).toBe(true);
  });

  test('forgets at a reset the run, not the adapter and the data', () => {
    const adapter = { vendor: 'x', architecture: '', device: '', description: '', software: false };
    const data = { name: 'digits', builtIn: true, count: 10, height: 28, width: 28, channels: 1 };
    const state = stateAfter({ type: 'adapter', adapter }, { type: 'data', data }, built, losses(0, 1), {
      type: 'freed',
    });
    expect(state).toMatchObject({ adapter, data, losses: Losses.of([]), run: undefined, imagesPerSecond: 0 });
  });

  test('keeps a warning of the run until the run is reset', () => {
    const warned = reduce(initialState, { type: 'warning', message: 'It learns nothing.', run: true });
    expect(reduce(warned, { type: 'phase', phase: 'finished', training: false }).warning).toBe(
      'It learns nothing.',
    );
    expect(reduce(warned, { type: 'freed' }).warning).toBeUndefined();
    expect(
      reduce(initialState, { type: 'warning', message: 'A kernel.', run: false }).warning,
    ).toBeUndefined();
  });

  test('keeps an error until the next task starts', () => {
    const failed = stateAfter(
      phase('idle'),
      { type: 'error', at: 'task', code: 'limit', message: 'too big' },
      phase('idle'),
    );
    expect(failed.error?.message).toBe('too big');
    expect(describeState(failed)).toBe('Stopped');
    expect(reduce(failed, phase('compiling', true)).error).toBeUndefined();
  });

  test('keeps what a run that has stopped says while images are made or a file is opened, until it trains on', () => {
    const diverged: WorkerEvent = { type: 'error', at: 'task', code: 'diverged', message: 'NaN', back: 400 };
    const stopped = stateAfter(built, losses(0, 1), { type: 'timeUp' }, diverged, phase('paused'));
    const isSaid = ({ measured, error }: State) => [measured.timeUp, error?.back];
    const others = [phase('compiling'), phase('sampling'), phase('loading'), phase('paused')];
    expect(isSaid(others.reduce(reduce, stopped))).toEqual([true, 400]);
    expect(isSaid(reduce(stopped, phase('compiling', true)))).toEqual([false, undefined]);
    // A failed order is over with the next one.
    const { back: _, ...failed } = diverged;
    expect(stateAfter(failed, phase('sampling')).error).toBeUndefined();
  });

  test('keeps an error about files while training goes on, until other files are loaded', () => {
    const told = stateAfter(
      { type: 'error', at: 'data', code: 'data', message: 'no image' },
      phase('training', true),
    );
    expect(told.error?.message).toBe('no image');
    expect(reduce(told, phase('loading')).error).toBeUndefined();
  });

  test('is not changed by an event, which makes a new state', () => {
    const before = Object.freeze(stateAfter(built, losses(0, 1)));
    Object.freeze(before.losses);
    reduce(before, losses(1, 2));
    expect([...before.losses]).toEqual([1]);
  });

  test('says what is being prepared, until something else begins', () => {
    const compiling = stateAfter(phase('compiling', true));
    expect(describeState(compiling)).toBe('Compiling the shaders');
    const tuning: WorkerEvent = { type: 'progress', task: 'tuning', done: 3, total: 9 };
    expect(describeState(reduce(compiling, tuning))).toBe('Measuring which kernels are fastest');
    const training = [tuning, phase('training', true)].reduce(reduce, compiling);
    expect(training.preparing).toBeUndefined();
    expect(describeState(training)).toBe('Training: the first step is under way');
  });

  test('says that kernels are compared while the run trains, until the comparison ends', () => {
    const of = (done: number): WorkerEvent => ({
      ...{ type: 'progress', task: 'comparing', done, total: 9 },
    });
    const training = stateAfter(built, phase('training', true), losses(1, 2));
    expect(describeState(reduce(training, of(3)))).toBe(
      'Checking what this GPU computes, the first time only',
    );
    expect(describeState([of(3), of(9)].reduce(reduce, training))).toBe('Training');
  });

  test('has words for every phase but the one in which there is nothing to say', () => {
    expect(describeState(stateAfter(phase('idle')))).toBe('');
    for (const name of [
      'starting',
      'loading',
      'compiling',
      'training',
      'pausing',
      'paused',
      'finished',
      'sampling',
      'lost',
      'failed',
    ] as const)
      expect(describeState(stateAfter(phase(name)))).toMatch(/^[A-Z]/);
  });
});

describe('figures of a run', () => {
  test('epoch means are of complete epochs only, and not weighted by the size of batches', () => {
    expect(epochMeans([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([2, 5]);
    expect(epochMeans([], 3)).toEqual([]);
  });

  test('losses.csv counts from 1', () => {
    expect(lossesCsv([0.5, 0.25, 0.125], 2)).toBe('step,epoch,loss\n1,1,0.5\n2,1,0.25\n3,2,0.125\n');
    const measured = { held_out_loss: new Map([[2, 0.375]]), accepted: new Map<number, number>() };
    expect(lossesCsv([0.5, 0.25], 2, measured)).toBe(
      'step,epoch,loss,held_out_loss\n1,1,0.5,\n2,1,0.25,0.375\n',
    );
  });

  // The first 300 steps of `train --recipe digits --batch 16 --max-steps 600 --schedule cosine,warmup=60 --seed 1`.
  test.each(['the recorded run', 'a run of batch 16'])(
    'the smoothed curve of %s stays within its losses',
    async (name) => {
      const read = (file: string) => readFile(new URL(file, import.meta.url));
      const { losses, batch } =
        name === 'the recorded run'
          ? decodeRecording(
              new Uint8Array(gunzipSync(await read('../../../harness/page/welcome/recording.gz'))),
            ).learning
          : { losses: JSON.parse(String(await read('../runs/losses_of_16.json'))) as number[], batch: 16 };
      const outside = smooth(losses, batch).flatMap((mean, i) => {
        const last = losses.slice(Math.max(0, i - 49), i + 1);
        return i >= 50 && (mean < Math.min(...last) || mean > Math.max(...last)) ? [i + 1] : [];
      });
      expect(losses.length).toBeGreaterThan(250);
      expect(outside).toEqual([]);
    },
  );

  test('the smoothed curve starts at the first value and keeps a constant', () => {
    expect(smooth([3, 3, 3], 256)).toEqual([3, 3, 3]);
    expect(smooth([3, 5], 8192)).toEqual([3, 5]);
    expect(smooth([], 256)).toEqual([]);
    const steps = smooth([...Array(50).fill(1), ...Array(200).fill(0)], 256);
    expect(steps[49]).toBe(1);
    expect(steps[249]).toBeLessThan(0.001);
    for (let i = 51; i < 250; i++) expect(steps[i]).toBeLessThan(steps[i - 1]);
  });

  test('smoothing spans about the same number of images at any batch', () => {
    const fall = (at: number, of: number) => [...Array(at).fill(1), ...Array(of).fill(0)];
    const [large, small] = [smooth(fall(100, 20), 256).at(-1)!, smooth(fall(400, 80), 64).at(-1)!];
    expect(small).toBeCloseTo(large, 1);
    // Of what is long ago nothing shows.
    expect(smoothLoss(fall(1, 200), 256)).toBe(0);
    expect(smoothLoss(fall(1, 799), 64)).toBeGreaterThan(0);
    expect(smoothLoss(fall(1, 800), 64)).toBe(0);
    expect(smoothLoss(new Float32Array(), 64)).toBeUndefined();
  });

  test('time left counts images, so that the small last batch of an epoch is not overrated', () => {
    // 10 images an epoch in batches of 4: 4, 4, 2.
    const one = stateAfter(built, losses(0, 1), speed(100));
    expect(secondsLeft(one, 4, 2)).toBeCloseTo((20 - 4) / 100);
    const epoch = stateAfter(built, losses(0, 1, 1, 1), speed(100));
    expect(secondsLeft(epoch, 4, 2)).toBeCloseTo(10 / 100);
    expect(secondsLeft(epoch, 4, 1)).toBe(0);
    expect(secondsLeft(initialState, 4, 1)).toBeNaN();
    // Of 3 steps an epoch of 3: the tenth image is left out.
    expect(secondsLeft(one, 3, 2)).toBeCloseTo((18 - 3) / 100);
  });

  test('time left is empty until the speed is measured: the first steps wait for the checks of the engine', () => {
    const slow = stateAfter(built, losses(0, 1, 1));
    expect(secondsLeft(slow, 4, 2)).toBeNaN();
    expect(secondsLeft(reduce(slow, speed(4)), 4, 2)).toBe((20 - 8) / 4);
    expect(stateAfter(built, speed(4), { type: 'freed' }).timed).toBe(false);
  });
});

describe('messages of the worker', () => {
  test.each([
    ['the last step of samples shows the images, also where it does not end at its prediction', undefined],
    ['a polish of samples comes as one more step', { noises: 4, level: 0.2 }],
  ])('%s', (_, polish) => {
    const steps = 2;
    const grey = (value: number) => new Float32Array(4).fill(value);
    const events = [0, 1].map((step) => ({
      ...{ step, input: grey(0), prediction: grey(0.2 + step / 10), x: grey(0.6 + step / 5) },
    }));
    if (polish) events.push({ step: steps, input: grey(0.8), prediction: grey(0.95), x: grey(0.95) });
    const order = { steps, count: 1, method: 'adams', digit: 'all', text: '', seed: 1 } as unknown;
    const sampling = { ...recipes.digits.sampling, polish };
    const network = { recipe: 'digits', classes: 0, height: 2, width: 2, channels: 1, sampling } as const;
    const shown = events.map((event) => stepOf(event, order as Order, network));
    const pixels = shown.map(({ frame }) => frame!.prediction[0]);
    expect(pixels).toEqual([0.2, 0.8, ...(polish ? [0.95] : [])].map((value) => Math.round(255 * value)));
    expect(shown.map((each) => [each.step, each.steps])).toEqual(
      events.map((_, i) => [i + 1, events.length]),
    );
  });

  test('hold few frames of a long sampling run, the first and the last among them', () => {
    for (const steps of [1, 2, 5, 50, 100, 101, 137, 1000]) {
      const kept = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => keepsFrame(step, steps));
      expect(kept[0]).toBe(1);
      expect(kept[kept.length - 1]).toBe(steps);
      expect(kept.length).toBeLessThanOrEqual(MAX_FRAMES + 1);
      if (steps <= MAX_FRAMES) expect(kept.length).toBe(steps);
    }
  });

  test('hold losses in bunches, none lost, none twice', () => {
    const sent: WorkerEvent[] = [];
    const batcher = new LossBatcher((type, value) =>
      sent.push({ type, ...(value as object) } as WorkerEvent),
    );
    for (let step = 1; step <= 5; step++) batcher.add(step, step / 2, 10);
    batcher.flush();
    batcher.flush();
    const state = sent.reduce(reduce, initialState);
    expect(sent).toHaveLength(2);
    expect([...state.losses]).toEqual([0.5, 1, 1.5, 2, 2.5]);
  });
});

test('Draw and Explain take the run’s network after 51,200 images or 300 steps, at its end, or at once if it began trained', () => {
  const run = (stepsPerEpoch: number, more: Partial<State> = {}) =>
    ({ ...initialState, run: { stepsPerEpoch } as State['run'], ...more }) satisfies State;
  const long = { batch: 64, epochs: 1000 };
  expect(grownAt(initialState, long)).toBe(300);
  // Not after an epoch, of which a small set has many.
  expect(grownAt(run(3), long)).toBe(300);
  expect(grownAt(run(140), { ...long, batch: 256 })).toBe(200);
  expect(grownAt(run(4), { ...long, epochs: 11 })).toBe(44);
  expect(grownAt(run(140, { begin: 'new' }), long)).toBe(300);
  expect(grownAt(run(140, { begin: 'pretrained' }), long)).toBe(1);

  const after = (steps: number, more: Partial<State> = {}) =>
    isYoung(run(4, { losses: Losses.of(new Float32Array(steps)), ...more }), long);
  expect([after(1), after(299), after(300)]).toEqual([true, true, false]);
  expect(after(1, { begin: 'pretrained' })).toBe(false);
  // Where its time is up it has ended, too.
  expect(after(20, { phase: 'paused' })).toBe(true);
  expect(after(20, { phase: 'paused', measured: { ...initialState.measured, timeUp: true } })).toBe(false);
});

test('the page shows a recorded digit only for networks of digits', () => {
  const own = {
    height: 24,
    width: 24,
    channels: 3,
    sampling: recipes.pictures.sampling,
    recipe: 'pictures',
  } as const;
  const digits = { ...own, channels: 1, recipe: 'digits', classes: 10, data: DIGITS } as const;
  for (const network of [digits, { ...digits, classes: 0 }, { ...digits, data: undefined }])
    expect(isOfDigits(network)).toBe(true);
  for (const network of [
    { ...own, classes: 10, data: DIGITS },
    { ...digits, data: 'icons' },
    { ...digits, data: 'icons', classes: 0 },
    { ...digits, classes: 4, classNames: ['animals', 'faces', 'flags', 'food & drink'] },
  ])
    expect(isOfDigits(network)).toBe(false);
});
