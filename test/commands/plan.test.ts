/** The plan of a run in minutes, and the rehearsal that fixes it. */
import { afterEach, expect, test, vi } from 'vitest';
import {
  endingAt,
  isPlanned,
  ownSampling,
  type PlanOrder,
  planBatch,
  planLimit,
  planSchedule,
  planTraining,
  trainerFor,
} from '../../harness/run/plan';
import { rehearse } from '../../harness/run/rehearsal';
import { EngineError } from '../../src/base/errors';
import { type Recipe, recipeAt, recipes } from '../../src/recipes';
import { stepsPerEpoch } from '../../src/training/epoch';
import { toTrainerConfig } from '../../src/training/options';

const of = (count: number, minutes = 3, software = false): PlanOrder => ({
  count,
  minutes,
  software,
  dropLast: true,
});
const planned = (order: PlanOrder, speed?: number) => planTraining(order, planBatch(order, speed), speed);
const plan = (count: number, speed?: number, minutes?: number) => planned(of(count, minutes), speed);

test('a plan at a known speed takes at most the user’s minutes, wherever 300 batches of 16 fit', () => {
  for (const speed of [0.5, 5, 50, 5000])
    for (const count of [5, 150, 10_000, 60_000])
      for (const minutes of [0.5, 3, 30]) {
        const { batch, epochs, steps, seconds, fits } = plan(count, speed, minutes);
        const what = `${count} images at ${speed} a second in ${minutes} min`;
        expect(steps, what).toBeGreaterThanOrEqual(300);
        expect(seconds, what).toBeCloseTo((steps! * batch) / speed);
        expect(batch, what).toBeLessThanOrEqual(Math.min(64, count));
        expect(fits, what).toBe(300 * Math.min(16, count) <= 60 * minutes * speed);
        if (fits) expect(seconds, what).toBeLessThanOrEqual(60 * minutes);
        const perEpoch = stepsPerEpoch({ imageCount: count, batchSize: batch, dropLast: true });
        expect(Math.ceil(steps! / perEpoch), what).toBe(epochs);
      }
});

test.each([
  // The largest batch of which 300 fit into the time, and no more images than the recipe.
  [of(9000), 5000, { batch: 64, epochs: 6, steps: 840, fits: true, seconds: 10.752 }],
  [of(10_000), 106, { batch: 32 }],
  [of(10_000), 26, { batch: 16, fits: false, steps: 300, epochs: 1 }],
  // 150 pictures are two batches of 64: many epochs, and 100 passes or 300 updates at most.
  [of(150), 5000, { batch: 64, epochs: 150, steps: 300 }],
  [of(5), 0.5, { batch: 5, steps: 300, epochs: 300, fits: false, seconds: 3000 }],
  // At an unknown speed the recipe's batch and the most steps; small batches on a software adapter.
  [of(9000), undefined, { batch: 64, epochs: 6, steps: 840, seconds: Number.NaN, fits: true }],
  [of(9000, 3, true), undefined, { batch: 16, epochs: 6, steps: 3360 }],
] as const)('the plan of %j at %s images a second', (order, speed, made) => {
  expect(planned(order, speed)).toMatchObject(made);
});

test.each([
  [undefined, { decay: 'none', warmup: 30 }],
  [304, { decay: 'linear', warmup: 30, steps: 304, floor: 0.01 }],
  [4, { decay: 'linear', warmup: 1, steps: 4, floor: 0.01 }],
])('the schedule of %s steps warms up for a tenth of them, then falls in a line', (steps, schedule) => {
  expect(planSchedule(steps)).toEqual(schedule);
});

test('a plan trains at the rate of its recipe and averages from the first step; the tutorial stays as it is', () => {
  for (const name of ['digits', 'pictures'] as const) {
    const { trainer }: Recipe = recipeAt(name, 16);
    const planned = trainerFor(trainer, 300);
    const { adam, ...config } = toTrainerConfig(planned);
    expect(planned.learningRate).toBe(3e-3);
    expect(adam).toEqual({ beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 });
    expect(config).toEqual({
      objective: 'flow',
      clipNorm: 1,
      classDropout: 0.05,
      average: { most: 0.9999 },
      schedule: planSchedule(300),
    });
    expect(isPlanned(config)).toBe(true);
  }
  const { trainer } = recipes.tutorial;
  expect(trainerFor(trainer, 300)).toBe(trainer);
  // No recipe looks like a plan at any batch.
  for (let batch = 1; batch <= 512; batch++)
    expect(isPlanned(toTrainerConfig(recipeAt('digits', batch).trainer))).toBe(false);
});

afterEach(() => {
  vi.useRealTimers();
});

/** Rehearses a run on a stand-in whose steps take these milliseconds; the steps of each `fit`, and what the run was given. */
async function rehearsed(
  order: PlanOrder,
  msOfStep: (step: number) => number,
  { signal = new AbortController().signal, objective = 'flow' } = {},
) {
  vi.useFakeTimers({ toFake: ['performance'] });
  const fits: number[] = [];
  const parameters = 'parameters';
  const state = 'state';
  const made = { weights: parameters, state, adjusted: undefined as unknown };
  const trainer = {
    getState: async () => made.state,
    setState: (given: string) => Object.assign(made, { state: given }),
    idle: Promise.resolve(),
    async *fit(_: unknown, { maxSteps }: { maxSteps: number }) {
      fits.push(maxSteps);
      const before = fits.slice(0, -1).reduce((sum, steps) => sum + steps, 0);
      for (let step = before; step < before + maxSteps; step++) {
        signal.throwIfAborted();
        Object.assign(made, { weights: step, state: step });
        vi.advanceTimersByTime(msOfStep(step));
        yield {};
      }
    },
  };
  const unet = {
    getParameters: async () => made.weights,
    setParameters: async (given: string) => Object.assign(made, { weights: given }),
  };
  const settings = { batchSize: 16 };
  const adjust = (changes: unknown) => Object.assign(made, { adjusted: changes });
  const run = { trainer, unet, dataset: {}, settings, objective, losses: [], adjust } as never;
  const result = rehearse(run, { order, share: 0.8, signal });
  const plan = await result.catch((error) => error);
  return { fits, plan, ...made };
}

test.each<[string, PlanOrder, (step: number) => number, fits: number[], made: object]>([
  ['the first step does not count', of(9000), (step) => (step === 0 ? 9000 : 400), [1, 1], { steps: 360 }],
  [
    'steps are timed together until they take a quarter of a second',
    of(9000),
    (step) => (step === 0 ? 250 : 60),
    [1, 1, 2, 4, 8],
    { steps: 2400 },
  ],
  ['the first step says where to start', of(9000), () => 60, [1, 8], { steps: 2400 }],
  [
    'a span that would end after 5 s is not begun',
    of(9000),
    (step) => (step === 0 ? 250 : step < 3 ? 249 : 1),
    [1, 1, 2],
    {},
  ],
  ['the plan is at its most in half the minutes', of(60), () => 180, [1, 1], { steps: 375, epochs: 125 }],
  [
    '300 steps do not fit',
    of(9000),
    () => 1200,
    [1, 1],
    { steps: 300, fits: false, seconds: expect.closeTo(450) },
  ],
])('a rehearsal: %s', async (_, order, msOfStep, fits, made) => {
  const { plan, adjusted, weights, state, ...rest } = await rehearsed(order, msOfStep);
  expect(rest.fits).toEqual(fits);
  expect(plan).toMatchObject({ batch: 16, ...made });
  const { steps, epochs } = plan;
  expect(adjusted).toEqual({ maxSteps: steps, epochs, schedule: planSchedule(steps) });
  expect({ weights, state }).toEqual({ weights: 'parameters', state: 'state' });
});

test('own pictures are polished; only those in colour are sampled at shifted levels', () => {
  const polish = { noises: 4, level: 0.1 };
  for (const [recipe, shift] of [
    ['pictures', { shift: 1.5 }],
    ['digits', {}],
  ] as const) {
    const { network, sampling } = recipes[recipe];
    expect(ownSampling(recipe, network)).toEqual({ ...sampling, ...shift, polish });
  }
});

test('a rehearsal gives the tutorial an end, and no schedule', async () => {
  const { adjusted } = await rehearsed(of(9000), () => 400, { objective: 'tutorial' });
  expect(adjusted).toEqual({ maxSteps: 360, epochs: 1 });
});

test('a rehearsal that is stopped leaves weights, state and plan as they were', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const stop = (step: number) => {
    if (step === 2) controller.abort(reason);
    return 60;
  };
  const { plan, ...made } = await rehearsed(of(9000), stop, controller);
  expect(plan).toBe(reason);
  expect(made).toMatchObject({ fits: [1, 8], weights: 'parameters', state: 'state', adjusted: undefined });
});

test.each([
  [0, { steps: 3360, seconds: Number.NaN }],
  [4, { steps: 2400, seconds: expect.closeTo(180) }],
])('a rehearsal that diverges at step %i says nothing of it', async (at, made) => {
  const diverge = (step: number) => {
    if (step === at) throw new EngineError('diverged', 'The loss is NaN.');
    return step === 0 ? 250 : 60;
  };
  const { plan, weights, state } = await rehearsed(of(9000), diverge);
  expect([weights, state]).toEqual(['parameters', 'state']);
  expect(plan).toMatchObject(made);
});

test('a planned run may take 1.5 times its minutes, and any time where 300 updates do not fit', () => {
  const [plain, unknown, slow] = [100, undefined, 10].map((speed) => planLimit(plan(9000, speed), 3));
  expect({ plain, unknown, slow }).toEqual({
    plain: 270,
    unknown: Number.POSITIVE_INFINITY,
    slow: Number.POSITIVE_INFINITY,
  });
});

const linear = (warmup: number, steps: number) => ({ decay: 'linear', warmup, steps, floor: 0.01 });
test.each([
  // After the last step a new plan, at a third of the rate.
  [400, 300, { maxSteps: 400, schedule: linear(310, 400), learningRate: 1e-3 }],
  // In its first half the plan moves; later, the rest is planned like further steps.
  [600, 149, { maxSteps: 600, schedule: planSchedule(600) }],
  [600, 150, { maxSteps: 600, schedule: linear(195, 600), learningRate: 1e-3 }],
  // A step that has passed ends the run.
  [90, 100, { maxSteps: 90 }],
])('a new end at step %i of a plan of 300 steps, after step %i', (end, done, made) => {
  const run = { objective: 'flow', losses: new Array(done) } as const;
  expect(endingAt(end, run, 300)).toEqual(made);
});
