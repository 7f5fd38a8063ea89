/** The plan of a run on the page: what the worker makes of it, and what the page says, remembers and keeps out of the address. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DataDescription, Patch, WorkerEvent } from '../../../harness/page/messages/messages';
import { type Key, parseQuery, withSetting } from '../../../harness/page/messages/settings';
import type { App } from '../../../harness/page/shell/app';
import { initialState, reduce, type State } from '../../../harness/page/shell/state';
import { createPlanner, digitsDescription } from '../../../harness/page/train/plan';
import { dataWords } from '../../../harness/page/train/train_data';
import { createStarter } from '../../../harness/page/welcome/home';
import { TrainingClock } from '../../../harness/page/worker/clocks';
import { Planning } from '../../../harness/page/worker/planning';
import { type Plan, type PlanOrder, planSchedule, planTraining } from '../../../harness/run/plan';
import type { RunChanges } from '../../../src/worker';
import { standInStorage, standIns } from '../../lib/page/stand_ins';

/** Images a second of a rehearsal, of which a fifth goes to pictures and measures. */
const rehearsed = vi.hoisted(() => ({ speed: 40 }));
vi.mock('../../../harness/run/rehearsal', async () => {
  const { planTraining } = await import('../../../harness/run/plan');
  return {
    rehearse: async (
      run: { settings: { batchSize: number } },
      { order, share }: { order: PlanOrder; share: number },
    ) => planTraining(order, run.settings.batchSize, share * rehearsed.speed),
  };
});

afterEach(() => {
  rehearsed.speed = 40;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('plans in the worker', () => {
  /** A run of 9,000 images of this objective, on a session that makes nothing. */
  function planning(objective: 'flow' | 'tutorial' = 'flow', minutes = 0) {
    const run = {
      objective,
      images: { count: 9000 },
      stepsPerEpoch: 562,
      losses: [] as number[],
      end: 1e9,
      settings: { batchSize: 16, dropLast: true, epochs: 6, maxSteps: undefined as number | undefined },
      complete: false,
    };
    const adjust = vi.fn<(changes: RunChanges) => void>();
    const patches: Patch[] = [];
    const session = {
      run: undefined as typeof run | undefined,
      adjust,
      engine: { adapter: { software: true } },
    };
    const clock = new TrainingClock();
    const place = {
      session,
      objective,
      clock,
      settings: { minutes },
      patch: (patch: Patch) => patches.push(patch),
    };
    const plans = new Planning(place as never);
    const begin = (speed?: number, wished = true) => {
      plans.press(wished ? { speed } : undefined);
      const plan = plans.begin(9000, true);
      session.run = run;
      return plan;
    };
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => 1000 * now);
    const steps = (count: number, seconds: number) => {
      for (let i = 0; i < count; i++) {
        run.losses.push(1);
        now += seconds;
        clock.step(performance.now());
        plans.between();
      }
    };
    const planned = () => patches.flatMap(({ planned }) => planned ?? []);
    const speeds = () => patches.flatMap(({ pace }) => pace ?? []);
    const rehearse = () => plans.rehearse(new AbortController().signal);
    return { plans, run, session, clock, adjust, begin, rehearse, steps, planned, speeds, place };
  }

  test('a run that is deleted or cannot be built leaves no plan: the next one has the epochs that the user chooses', () => {
    const { plans, begin, adjust } = planning();
    begin();
    plans.drop();
    plans.setEpochs(7);
    expect(adjust).toHaveBeenCalledExactlyOnceWith({ epochs: 7 });
  });

  test('a run begins with small batches; its rehearsal gives it an end, once', async () => {
    const { begin, rehearse, planned, speeds, plans } = planning();
    expect(begin()).toMatchObject({ batch: 16, steps: undefined });
    expect(planned()).toMatchObject([{ averages: true, plan: { batch: 16, steps: undefined } }]);
    expect(plans.minutes).toBe(0);
    await rehearse();
    expect(planned().at(-1)).toMatchObject({ averages: true, plan: { steps: 360, epochs: 1, fits: true } });
    expect(plans.minutes).toBe(4.5);
    expect(speeds()).toEqual([expect.closeTo(32)]);
    await rehearse();
    expect(planned()).toHaveLength(2);
  });

  test('a run without a plan is only measured', () => {
    const free = planning('flow', 7);
    expect(free.begin(undefined, false)).toBeUndefined();
    free.steps(20, 0.5);
    expect(free.speeds()).toEqual([32]);
    expect({ planned: free.planned(), calls: free.adjust.mock.calls, minutes: free.plans.minutes }).toEqual({
      planned: [],
      calls: [],
      minutes: 7,
    });
    free.plans.setEpochs(9);
    expect(free.adjust).toHaveBeenLastCalledWith({ epochs: 9 });
  });

  test('the time limit is 1.5 times the user’s minutes, and there is none where 300 updates do not fit', async () => {
    const { begin, rehearse, plans, planned, place } = planning('flow', 8);
    begin();
    await rehearse();
    expect(planned().at(-1)!.plan).toMatchObject({ steps: 960, seconds: expect.closeTo(480) });
    expect(plans.minutes).toBe(12);
    expect(place.settings.minutes).toBe(8);
    rehearsed.speed = 5;
    const slow = planning();
    slow.begin();
    await slow.rehearse();
    expect(slow.planned().at(-1)!.plan).toMatchObject({ steps: 300, fits: false, seconds: 1200 });
    expect(slow.plans.minutes).toBe(0);
  });

  test('the time of a pause does not count, the time of an interruption of training does', () => {
    const { begin, steps, clock, speeds } = planning();
    begin(undefined, false);
    steps(4, 1);
    clock.stop(performance.now());
    steps(1, 600);
    expect(speeds()).toEqual([]);
    // No pause before this one.
    steps(1, 3);
    expect(speeds()).toEqual([(4 * 16) / 6]);
  });

  test('Train on plans the same minutes once more, at a third of the rate', async () => {
    const { begin, rehearse, steps, plans, run, adjust, planned } = planning();
    begin();
    await rehearse();
    steps(360, 0.5);
    run.complete = true;
    plans.press({ speed: 5000 });
    const schedule = { decay: 'linear', warmup: 396, steps: 720, floor: 0.01 };
    expect(adjust).toHaveBeenLastCalledWith({ maxSteps: 720, epochs: 2, learningRate: 1e-3, schedule });
    expect(planned().at(-1)).toMatchObject({ lr: 1e-3, plan: { steps: 720, seconds: 180 } });
    expect(plans.minutes).toBe(4.5);
  });

  test('epochs that the user chooses end a planned run; epochs from the plan change nothing', async () => {
    const { begin, rehearse, plans, adjust, planned } = planning();
    begin();
    await rehearse();
    plans.setEpochs(1);
    expect(adjust).not.toHaveBeenCalled();
    plans.setEpochs(3);
    expect(adjust).toHaveBeenLastCalledWith({ maxSteps: 1686, epochs: 3, schedule: planSchedule(1686) });
    expect(planned().at(-1)).toMatchObject({ averages: true, plan: { steps: 1686 } });
  });

  test('a resumed run keeps its plan, if it has one', async () => {
    const { plans, session, run, rehearse, steps, planned, adjust, speeds } = planning();
    session.run = run;
    run.settings.maxSteps = 500;
    plans.resume(run as never, { average: { most: 0.9999 } });
    expect(planned()).toMatchObject([
      { averages: true, plan: { batch: 16, steps: 500, seconds: Number.NaN } },
    ]);
    await rehearse();
    steps(20, 0.5);
    expect(speeds()).toEqual([32]);
    expect(adjust).not.toHaveBeenCalled();
    plans.resume(run as never, { average: { most: 0.99975 } });
    expect(planned()).toHaveLength(1);
    run.complete = true;
    plans.press({ speed: 32 });
    expect(adjust).not.toHaveBeenCalled();
  });

  test('a planned run that goes on before it has an end gets one', async () => {
    const { plans, session, run, rehearse, planned } = planning();
    session.run = run;
    plans.resume(run as never, { average: { most: 0.9999 } });
    await rehearse();
    expect(planned()).toMatchObject([{ plan: { steps: undefined } }, { plan: { batch: 16, steps: 360 } }]);
  });

  test('a run of the tutorial has no schedule, and its samples come from no average', () => {
    const { begin, plans, adjust, planned } = planning('tutorial');
    begin();
    plans.setEpochs(3);
    expect(adjust).toHaveBeenLastCalledWith({ maxSteps: 1686, epochs: 3 });
    expect(planned().at(-1)).toMatchObject({ averages: false });
  });
});

describe('the planner of the page', () => {
  let stored: Record<string, string>;
  beforeEach(() => {
    stored = {};
  });

  const software = { vendor: 'x', architecture: '', device: '', description: '', software: true };

  function page(query = '?task=train', data: DataDescription = digitsDescription) {
    const element = standIns(query);
    standInStorage(stored);
    const app = {
      settings: parseQuery(query).settings,
      address: {
        get chosen() {
          return app.settings;
        },
      },
      state: { ...initialState, adapter: software, data } as State,
      set(key: Key, text: string) {
        app.settings = withSetting(app.settings, key, text).settings!;
      },
      command: vi.fn(),
    };
    const planner = createPlanner(app as unknown as App);
    const tell = (event: WorkerEvent) => {
      app.state = reduce(app.state, event);
      planner.receive(event);
    };
    /** Whether it offers a shorter way, and its buttons. */
    const offers = () => {
      planner.render();
      const [callout, ...buttons] = ['plan', 'plan-smaller', 'plan-pretrained'].map(element);
      return !callout.hidden && buttons.filter(({ hidden }) => !hidden).map(({ textContent }) => textContent);
    };
    element('plan').hidden = true;
    element('plan-smaller').textContent = 'smaller';
    element('plan-pretrained').textContent = 'pretrained';
    return { app, planner, tell, offers, element };
  }
  const measure = (imagesPerSecond: number, { planner } = page()) =>
    planner.receive({ type: 'patch', patch: { pace: imagesPerSecond } });
  const speedOf = ({ planner } = page()) => planner.wish?.speed;
  const order = { count: 9000, minutes: 3, software: true, dropLast: true };
  const planned = (plan: Plan): WorkerEvent => ({
    type: 'patch',
    patch: { planned: { plan, averages: true } },
  });
  const losses = (count: number): WorkerEvent => ({
    type: 'losses',
    again: false,
    first: 0,
    losses: new Float32Array(count),
    imagesPerSecond: 4,
  });
  const built = {
    type: 'patch',
    patch: { run: { images: 9000, stepsPerEpoch: 562, network: {} } },
  } as WorkerEvent;

  test.each([
    [false, '', 'Train makes 300 steps, or more if they fit into 3 minutes here: it measures a few first.'],
    [true, '', 'Train makes 360 steps of 16 images, about 3 min 0 s here.'],
    [true, '&batch=8&epochs=1', 'Train makes 1,125 steps of 8 images, about 4 min 41 s here.'],
    [
      true,
      '&batch=8&minutes=2',
      'Train makes up to 6,750 steps of 8 images, each seen 6 times, about 2 min 0 s here.',
    ],
  ])('says before a run, with a speed that is known (%s) and %j: %s', (known, query, words) => {
    if (known) measure(32);
    expect(page(`?task=train${query}`).planner.ahead).toBe(words);
  });

  test.each([
    [10_000, true, '10,000 digits', '9,000 to train on, 1,000 held out'],
    [10, false, '10 pictures', ''],
    [9, false, '9 pictures', 'the network can only copy them'],
  ])('says of %i images, of the page’s own: %o, what becomes of them', (count, builtIn, images, use) => {
    const { app } = page('?task=train', { ...digitsDescription, count, builtIn });
    expect(dataWords(app as unknown as App)).toEqual({ images, use });
  });

  test.each([
    ['', true],
    ['&batch=128', false],
    ['&minutes=8', true],
    ['&begin=pretrained', true],
    ['&recipe=pictures', true],
  ])('asks, with %j, for a plan, or not: %s', (query, asks) => {
    expect(page(`?task=train${query}`).planner.wish !== undefined).toBe(asks);
  });

  const none = [undefined, undefined, undefined];
  test.each<[string, string, WorkerEvent[], unknown[]]>([
    ['the plan has a rate of its own', '&begin=pretrained', [], ['auto', 'auto', '0.0005', '3, planned']],
    ['the batch is chosen', '&batch=8', [], [...none, 'no limit']],
    ['a run has a plan', '', [planned(planTraining(order, 16, undefined)), built], [...none, '3, planned']],
  ])('settings say what %s', (_, query, events, filled) => {
    const { planner, tell } = page(`?task=train${query}`);
    for (const event of events) tell(event);
    expect((['batch', 'epochs', 'lr', 'minutes'] as const).map((key) => planner.filled(key))).toEqual(filled);
  });

  test('offers a shorter way where 300 steps take longer than the minutes, until it is pressed or over', () => {
    const icons = { ...digitsDescription, builtIn: false, channels: 3, pictures: true };
    expect(page().offers()).toBe(false);
    measure(32);
    expect(page().offers()).toBe(false);
    measure(4);
    // Remembered, before a run.
    expect(page().offers()).toEqual(['pretrained']);
    expect(page('?task=train&begin=new', icons).offers()).toEqual(['smaller']);
    expect(page('?task=train&recipe=pictures', { ...icons, height: 16, width: 16 }).offers()).toBe(false);
    const known = page();
    known.offers();
    known.planner.pressed();
    expect(known.offers()).toBe(false);
    known.tell(planned(planTraining(order, 16, 4)));
    expect(known.offers()).toBe(false);
    known.tell({ type: 'patch', patch: { data: digitsDescription } });
    expect(known.offers()).toEqual(['pretrained']);
    known.element('plan-pretrained').click();
    expect({ begin: known.app.settings.begin, commands: known.app.command.mock.calls.length }).toEqual({
      begin: 'pretrained',
      commands: 0,
    });
    expect({
      batch: known.app.settings.batch,
      minutes: known.app.settings.minutes,
      offers: known.offers(),
    }).toEqual({ batch: 64, minutes: 0, offers: false });
  });

  // 300 steps of 16 images take 20 minutes; of the last 40, 160 seconds are left.
  test.each([
    [9, 4, 3, true],
    [300, 4, 0.01, false],
    [260, 4, 3, false],
    [9, 32, 3, false],
  ])(
    'offers a shorter way after %i steps, at %i images a second, with %d minutes, or not: %s',
    (count, speed, minutes, isOffered) => {
      const { app, tell, offers, planner } = page(`?task=train&minutes=${minutes}`);
      planner.pressed();
      app.set('batch', '16');
      for (const event of [
        built,
        planned(planTraining({ ...order, minutes }, 16, speed)),
        losses(count),
      ] as const)
        tell(event);
      tell({ type: 'patch', patch: { pace: speed } });
      expect(offers()).toEqual(isOffered && ['pretrained']);
    },
  );

  test('expects a lower speed for more pixels and widths, until one is measured', () => {
    expect(speedOf()).toBeUndefined();
    measure(100);
    const of = (query = '?task=train', data: DataDescription = digitsDescription) =>
      speedOf(page(query, data));
    expect(of()).toBeCloseTo(100, 1);
    expect(of('?task=train', { ...digitsDescription, height: 56, width: 56 })).toBeCloseTo(25, 1);
    const half = of('?task=train&widths=16,32,32')!;
    expect(half).toBeGreaterThan(370);
    expect(half).toBeLessThan(400);
    // Once it is measured, its own speed.
    measure(70, page('?task=train&widths=16,32,32'));
    expect(of('?task=train&widths=16,32,32')).toBeCloseTo(70, 1);
  });
});

test('Train it yourself leaves batch and samples to the plan, also without a GPU', () => {
  const adapter = { software: true } as State['adapter'];
  const set = vi.fn();
  const app = {
    settings: parseQuery('?recipe=tutorial').settings,
    home: true,
    kept: {},
    set,
    state: { ...initialState, phase: 'idle', adapter },
  } as unknown as App;
  const train = { start: vi.fn(), render() {} };
  createStarter(app, { train } as never);
  app.asked = 'train';
  app.starter();
  expect(train.start).toHaveBeenCalledOnce();
  expect(set).not.toHaveBeenCalled();
});
