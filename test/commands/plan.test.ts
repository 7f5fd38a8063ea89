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
import { rateFactor, type Schedule } from '../../src/plan/schedule';
import { type Recipe, recipeAt, recipes } from '../../src/recipes';
import { stepsPerEpoch } from '../../src/training/epoch';
import { trainerConfigOf } from '../../src/training/options';

const of = (count: number, minutes = 3, software = false): PlanOrder => ({
  ...{ count, minutes, software, dropLast: true },
});
const plan = (count: number, speed?: number, minutes?: number) => planOf(of(count, minutes), speed);

describe('the plan of a run', () => {
  test('at a known speed takes at most the user’s minutes, wherever 300 batches of 16 fit', () => {
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

  test('has the largest batch of which 300 fit into the time, and no more images than the recipe', () => {
    expect(plan(9000, 5000)).toEqual({
      ...{ batch: 64, epochs: 6, steps: 840, most: 840, seconds: 10.752, fits: true },
    });
    expect([110, 106, 53, 26].map((speed) => plan(10_000, speed).batch)).toEqual([64, 32, 16, 16]);
    expect(plan(10_000, 26)).toMatchObject({ fits: false, steps: 300, epochs: 1 });
    // 150 pictures are two batches of 64: many epochs, and 100 passes or 300 updates at most.
    expect(plan(150, 5000)).toMatchObject({ batch: 64, epochs: 150, steps: 300 });
    expect(plan(400, 5000)).toMatchObject({ batch: 64, epochs: 105, steps: 625 });
    expect(plan(5, 0.5)).toMatchObject({ batch: 5, steps: 300, epochs: 300, fits: false, seconds: 3000 });
  });

  test('at an unknown speed is the recipe’s; on a software adapter it has small batches and no end', () => {
    const recipe = { batch: 64, epochs: 6, steps: 840, most: 840, seconds: Number.NaN, fits: true };
    expect(planOf(of(9000))).toEqual(recipe);
    expect(planOf(of(9000, 3, true))).toEqual({
      ...{ ...recipe, batch: 16, steps: undefined, most: 3360 },
    });
    expect(planOf(of(9000, 3, true), 5000)).toMatchObject({ batch: 64, steps: 840 });
  });

  test('warms up for a tenth of the steps, then falls in a line; without an end it warms up for 30 steps', () => {
    expect(scheduleOf(undefined)).toEqual({ decay: 'none', warmup: 30 });
    expect(scheduleOf(304)).toEqual({ decay: 'linear', warmup: 30, steps: 304, floor: 0.01 });
    expect(scheduleOf(4)).toMatchObject({ warmup: 1, steps: 4 });
  });

  test('trains at the rate of the recipe and averages from the first step; the tutorial stays as it is', () => {
    for (const name of ['digits', 'digits-3x3'] as const) {
      const { trainer }: Recipe = recipeAt(name, 16);
      const { adam, ...config } = trainerConfigOf(trainerFor(trainer, { steps: 300 }));
      expect(trainerFor(trainer, { steps: 300 }).learningRate).toBe(3e-3);
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

test('at any speed, the learning rate of a planned run never rises in the second half, and ends small', () => {
  const unknown = () => undefined;
  const knowns = [unknown, ...[0.1, 1, 10].map((by) => (speed: number) => by * speed)];
  for (const speed of [0.5, 5, 30, 110, 500, 2000, 10_000, 50_000])
    for (const [early, late] of [
      [1, 1],
      [4, 1],
      [0.25, 1],
      [1, 0.2],
      [1, 5],
    ])
      for (const known of knowns)
        for (const software of [true, false])
          for (const count of [5, 150, 9000])
            for (const minutes of [0.1, 0.5, 3]) {
              const order = of(count, minutes, software);
              const speedAt = (seconds: number) => speed * (seconds < 8 ? early : late);
              const { plan, rates, seconds, changes, batch } = simulate(order, known(speed), speedAt);
              const what = `${count} images at ${speed} a second, then ${late}, ${minutes} min, known ${known(speed)}, ${software}`;
              const N = plan.steps!;
              expect(changes.length, what).toBeLessThanOrEqual(2);
              expect(plan.batch, what).toBe(batch);
              const second = rates.slice(N / 2);
              expect(
                second.every((rate, i) => i === 0 || rate <= second[i - 1]),
                what,
              ).toBe(true);
              if (rates.length === N) {
                expect(N, what).toBeGreaterThanOrEqual(300);
                expect(rates.at(-1), what).toBeLessThan(0.02);
                expect(
                  plan.epochs * stepsPerEpoch({ ...order, imageCount: count, batchSize: batch }),
                  what,
                ).toBeGreaterThanOrEqual(N);
              } else expect(seconds, what).toBeGreaterThanOrEqual(90 * minutes);
              // A step may be under way at the limit.
              if (plan.fits) expect(seconds, what).toBeLessThanOrEqual(90 * minutes + batch / speed / 0.2);
            }
});

describe('a measurement of the speed', () => {
  const software = of(10_000, 3, true);

  test('gives a planned run its end after 5 s, and moves that end once after 25 s', () => {
    const steady = simulate(software, undefined, () => 32);
    expect(steady.changes).toEqual([{ step: 12, before: undefined }]);
    expect(steady).toMatchObject({ plan: { steps: 360, seconds: 180 }, seconds: 180 });
    const faster = simulate(software, undefined, (seconds) => (seconds < 8 ? 32 : 64));
    expect(faster.changes).toMatchObject([{ before: undefined }, { before: 360 }]);
    expect(faster.plan.steps).toBeGreaterThan(660);
    const slower = simulate(software, undefined, (seconds) => (seconds < 8 ? 64 : 32));
    expect(slower.plan.steps).toBeLessThan(420);
  });

  test('moves no end after half of the run', () => {
    const order = of(10_000, 1, true);
    const before = planOf(order, 100);
    expect(before.steps).toBe(375);
    expect(corrected(before, order, { speed: 200, done: 188 })).toEqual({ ...before, seconds: 30 });
    const slow = { ...before, fits: false, seconds: 120 };
    expect(corrected(before, order, { speed: 50, done: 188 })).toEqual(slow);
    expect(corrected(before, order, { speed: 200, done: 187 })).toMatchObject({ steps: 750, batch: 16 });
    // Nor to where half of it is over.
    expect(corrected(before, order, { speed: 80, done: 180 })).toMatchObject({ steps: 360, fits: true });
  });

  test('comes earlier where an adapter goes far in 5 s, and never counts the first step', () => {
    const far = simulate(software, undefined, () => 20_000);
    expect(far.changes).toEqual([{ step: 840, before: undefined }]);
    expect(far.plan.steps).toBe(3360);
    expect(simulate(of(60, 3, true), undefined, () => 20_000)).toMatchObject({
      changes: [{ step: 94, before: undefined }],
      plan: { steps: 375 },
    });
    const spans = new Spans();
    const nine = { batch: 16, steps: 9, most: 9 };
    expect(spans.after(1, 0, nine)).toBeUndefined();
    expect(spans.after(2, 100, nine)).toBeUndefined();
    expect(spans.after(4, 104, nine)).toBeUndefined();
    expect(spans.after(5, 106, nine)).toBe(8);
    spans.rest();
    expect(spans.after(6, 200, nine)).toBeUndefined();
    expect(spans.after(26, 220, nine)).toBe(16);
    expect(spans.after(99, 300, nine)).toBeUndefined();
  });

  test('takes 20 s the second time, also where steps under way end before the first has given the plan its end', () => {
    const open = planOf(of(9000, 3, true));
    const spans = new Spans();
    expect(spans.after(2, 1, open)).toBeUndefined();
    expect(spans.after(840, 3, open)).toBe(6704);
    expect(spans.after(842, 3.001, open)).toBeUndefined();
    const closed = corrected(open, of(9000, 3, true), { speed: 6704, done: 842 });
    expect(spans.after(843, 4, closed)).toBeUndefined();
    expect(spans.after(1240, 23, closed)).toBe(320);
  });
});

test('a planned run may take 1.5 times its minutes, and any time where 300 updates do not fit', () => {
  expect(limitOf(plan(9000, 100), 3)).toBe(270);
  expect(limitOf(plan(9000), 3)).toBe(Number.POSITIVE_INFINITY);
  expect(limitOf(plan(9000, 10), 3)).toBe(Number.POSITIVE_INFINITY);
});

describe('a new end of a planned run', () => {
  test('after the last step makes a new plan, at a third of the rate', () => {
    const schedule: Schedule = { decay: 'linear', warmup: 310, steps: 400, floor: 0.01 };
    expect(endingAt(400, { steps: 300, done: 300 })).toEqual({ maxSteps: 400, schedule, learningRate: 1e-3 });
    expect(endingAt(301, { steps: 300, done: 300 }).schedule).toMatchObject({ warmup: 300, steps: 301 });
  });

  test('in its first half moves the plan; later, the rest is planned like further steps', () => {
    expect(endingAt(600, { steps: 300, done: 149 })).toEqual({ maxSteps: 600, schedule: scheduleOf(600) });
    expect(endingAt(600, { steps: 300, done: 150 })).toMatchObject({
      ...{ maxSteps: 600, learningRate: 1e-3, schedule: { warmup: 195, steps: 600 } },
    });
    expect(endingAt(160, { steps: 300, done: 100 })).toMatchObject({ schedule: { warmup: 106, steps: 160 } });
    expect(endingAt(600, { steps: undefined, done: 40 })).toEqual({
      maxSteps: 600,
      schedule: scheduleOf(600),
    });
  });

  test('at a step that has passed ends the run', () => {
    expect(endingAt(90, { steps: 300, done: 100 })).toEqual({ maxSteps: 90 });
  });
});
