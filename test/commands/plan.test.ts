/** The plan of a run in minutes, and what measurements make of it, over simulated adapters. */
import { describe, expect, test } from 'vitest';
import {
  corrected,
  endingAt,
  isPlanned,
  limitOf,
  type PlanOrder,
  planOf,
  Spans,
  scheduleOf,
  trainerFor,
} from '../../harness/run/plan';
import { rateFactor } from '../../src/plan/schedule';
import { type Recipe, recipeAt, recipes } from '../../src/recipes';
import { stepsPerEpoch } from '../../src/training/epoch';
import { trainerConfigOf } from '../../src/training/options';

const of = (count: number, minutes = 3, software = false): PlanOrder => ({
  ...{ count, minutes, software, dropLast: true },
});
const plan = (count: number, speed?: number, minutes?: number) => planOf(of(count, minutes), speed);
const software = of(10_000, 3, true);

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

const open = { batch: 64, epochs: 6, steps: 840, most: 840, seconds: Number.NaN, fits: true };
test.each([
  // The largest batch of which 300 fit into the time, and no more images than the recipe.
  [of(9000), 5000, { ...open, seconds: 10.752 }],
  [of(10_000), 106, { batch: 32 }],
  [of(10_000), 26, { batch: 16, fits: false, steps: 300, epochs: 1 }],
  // 150 pictures are two batches of 64: many epochs, and 100 passes or 300 updates at most.
  [of(150), 5000, { batch: 64, epochs: 150, steps: 300 }],
  [of(5), 0.5, { batch: 5, steps: 300, epochs: 300, fits: false, seconds: 3000 }],
  // At an unknown speed the recipe's; on a software adapter small batches and no end.
  [of(9000), undefined, open],
  [of(9000, 3, true), undefined, { ...open, batch: 16, steps: undefined, most: 3360 }],
] as const)('the plan of %j at %s images a second', (order, speed, made) => {
  expect(planOf(order, speed)).toMatchObject(made);
});

test.each([
  [undefined, { decay: 'none', warmup: 30 }],
  [304, { decay: 'linear', warmup: 30, steps: 304, floor: 0.01 }],
  [4, { decay: 'linear', warmup: 1, steps: 4, floor: 0.01 }],
])('the schedule of %s steps warms up for a tenth of them, then falls in a line', (steps, schedule) => {
  expect(scheduleOf(steps)).toEqual(schedule);
});

test('a plan trains at the rate of its recipe and averages from the first step; the tutorial stays as it is', () => {
  for (const name of ['digits', 'pictures'] as const) {
    const { trainer }: Recipe = recipeAt(name, 16);
    const planned = trainerFor(trainer, { steps: 300 });
    const { adam, ...config } = trainerConfigOf(planned);
    expect(planned.learningRate).toBe(3e-3);
    expect(adam).toEqual({ beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 });
    expect(config).toEqual({
      ...{ objective: 'flow', clipNorm: 1, classDropout: 0.05 },
      ...{ average: { most: 0.9999 }, schedule: scheduleOf(300) },
    });
    expect(isPlanned(config)).toBe(true);
  }
  const { trainer } = recipes.tutorial;
  expect(trainerFor(trainer, { steps: 300 })).toBe(trainer);
  // No recipe looks like a plan at any batch.
  for (let batch = 1; batch <= 512; batch++)
    expect(isPlanned(trainerConfigOf(recipeAt('digits', batch).trainer))).toBe(false);
});

/** A planned run on an adapter whose speed, in images a second, changes with time. */
function simulate(order: PlanOrder, known: number | undefined, speedAt: (seconds: number) => number) {
  let plan = planOf(order, known);
  const { batch } = plan;
  const spans = new Spans();
  spans.begin();
  const rates: number[] = [];
  const changes: { readonly step: number; readonly before: number | undefined }[] = [];
  let now = 0;
  while (rates.length < (plan.steps ?? Number.POSITIVE_INFINITY) && now < limitOf(plan, order.minutes)) {
    rates.push(rateFactor(scheduleOf(plan.steps), rates.length));
    now += batch / speedAt(now);
    const speed = spans.after(rates.length, now, plan);
    const next = speed && corrected(plan, order, { speed, done: rates.length });
    if (!next) continue;
    if (next.steps !== plan.steps) changes.push({ step: rates.length, before: plan.steps });
    plan = next;
  }
  return { plan, rates, changes, seconds: now, batch };
}

/** Every combination. */
const each = <T extends Record<string, readonly unknown[]>>(axes: T) =>
  Object.entries(axes).reduce<object[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  ) as { [K in keyof T]: T[K][number] }[];

test('at any speed, the learning rate of a planned run never rises in the second half, and ends small', () => {
  for (const run of each({
    speed: [0.5, 5, 110, 2000, 50_000],
    factors: [
      [1, 1],
      [4, 1],
      [0.25, 1],
      [1, 0.2],
      [1, 5],
    ],
    known: [undefined, 0.1, 1, 10],
    software: [true, false],
    count: [5, 150, 9000],
    minutes: [0.1, 0.5, 3],
  } as const)) {
    const { speed, factors, known, count, minutes } = run;
    const order = of(count, minutes, run.software);
    const speedAt = (seconds: number) => speed * factors[seconds < 8 ? 0 : 1];
    const { plan, rates, seconds, changes, batch } = simulate(order, known && known * speed, speedAt);
    const what = JSON.stringify(run);
    const N = plan.steps!;
    expect(changes.length, what).toBeLessThanOrEqual(2);
    expect(plan.batch, what).toBe(batch);
    const second = rates.slice(N / 2);
    expect(
      second.findIndex((rate, i) => i > 0 && rate > second[i - 1]),
      what,
    ).toBe(-1);
    if (rates.length === N) {
      expect(N, what).toBeGreaterThanOrEqual(300);
      expect(rates.at(-1), what).toBeLessThan(0.02);
      const perEpoch = stepsPerEpoch({ ...order, imageCount: count, batchSize: batch });
      expect(plan.epochs * perEpoch, what).toBeGreaterThanOrEqual(N);
    } else expect(seconds, what).toBeGreaterThanOrEqual(90 * minutes);
    // A step may be under way at the limit.
    if (plan.fits) expect(seconds, what).toBeLessThanOrEqual(90 * minutes + batch / speed / 0.2);
  }
});

describe('a measurement of the speed', () => {
  test('gives a planned run its end after 5 s, and moves that end once after 25 s', () => {
    const steady = simulate(software, undefined, () => 32);
    expect(steady.changes).toEqual([{ step: 12, before: undefined }]);
    expect(steady).toMatchObject({ plan: { steps: 360, seconds: 180 }, seconds: 180 });
    const faster = simulate(software, undefined, (seconds) => (seconds < 8 ? 32 : 64));
    expect(faster.changes).toMatchObject([{ before: undefined }, { before: 360 }]);
    expect(faster.plan.steps).toBeGreaterThan(660);
  });

  test('moves no end after half of the run, nor to where half of it is over', () => {
    const order = of(10_000, 1, true);
    const before = planOf(order, 100);
    expect(before.steps).toBe(375);
    for (const [speed, done, made] of [
      [200, 188, { ...before, seconds: 30 }],
      [50, 188, { ...before, fits: false, seconds: 120 }],
      [200, 187, { steps: 750, batch: 16 }],
      [80, 180, { steps: 360, fits: true }],
    ] as const)
      expect(corrected(before, order, { speed, done })).toMatchObject(made);
  });

  test('comes earlier where an adapter goes far in 5 s', () => {
    for (const [order, step, steps] of [
      [software, 840, 3360],
      [of(60, 3, true), 94, 375],
    ] as const)
      expect(simulate(order, undefined, () => 20_000)).toMatchObject({
        changes: [{ step, before: undefined }],
        plan: { steps },
      });
  });

  const nine = { batch: 16, steps: 9, most: 9 };
  const endless = planOf(of(9000, 3, true));
  const closed = corrected(endless, of(9000, 3, true), { speed: 6704, done: 842 });
  test.each<
    [string, (readonly ['rest'] | readonly [number, number, typeof nine | typeof endless, number?])[]]
  >([
    [
      'never counts the first step',
      [
        [1, 0, nine],
        [2, 100, nine],
        [4, 104, nine],
        [5, 106, nine, 8],
        ['rest'],
        [6, 200, nine],
        [26, 220, nine, 16],
        [99, 300, nine],
      ],
    ],
    [
      'takes 20 s the second time, also where steps under way end before the first has given the plan its end',
      [
        [2, 1, endless],
        [840, 3, endless, 6704],
        [842, 3.001, endless],
        [843, 4, closed],
        [1240, 23, closed, 320],
      ],
    ],
  ])('%s', (_, events) => {
    const spans = new Spans();
    for (const [step, now, plan, speed] of events)
      if (step === 'rest') spans.rest();
      else expect(spans.after(step, now!, plan!), `step ${step}`).toBe(speed);
  });
});

test('a planned run may take 1.5 times its minutes, and any time where 300 updates do not fit', () => {
  const [plain, unknown, slow] = [100, undefined, 10].map((speed) => limitOf(plan(9000, speed), 3));
  expect([plain, unknown, slow]).toEqual([270, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

const linear = (warmup: number, steps: number) => ({ decay: 'linear', warmup, steps, floor: 0.01 });
test.each([
  // After the last step a new plan, at a third of the rate.
  [400, { steps: 300, done: 300 }, { maxSteps: 400, schedule: linear(310, 400), learningRate: 1e-3 }],
  // In its first half the plan moves; later, the rest is planned like further steps.
  [600, { steps: 300, done: 149 }, { maxSteps: 600, schedule: scheduleOf(600) }],
  [600, { steps: 300, done: 150 }, { maxSteps: 600, schedule: linear(195, 600), learningRate: 1e-3 }],
  // A step that has passed ends the run.
  [90, { steps: 300, done: 100 }, { maxSteps: 90 }],
])('a new end after step %i of a planned run, %j', (end, at, made) => {
  expect(endingAt(end, at)).toEqual(made);
});
