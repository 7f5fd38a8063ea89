import { describe, expect, test } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { loadDigits } from '../../../src/data/digits';
import type { ScheduleOption } from '../../../src/plan/schedule';
import { trainerConfigOf } from '../../../src/training/options';
import { ConstantImageWatch, constantLosses, isConstant } from '../../../src/worker/constant_image';

const images = Uint8Array.of(0, 0, 127, 128, 255, 255, 255, 0);

describe('constantLosses, the losses of a black and of a mean image,', () => {
  /** The mean squared error of an output against targets, noise of a mean of 0 and a variance of 1 apart. */
  const loss = (targets: number[], output: number) =>
    targets.reduce((sum, t) => sum + (t - output) ** 2, 0) / targets.length;
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  test.each([
    ['tutorial', undefined, (byte: number) => Number(byte > 127), 0],
    ['tutorial', false, (byte: number) => byte / 255, 0],
    ['flow', undefined, (byte: number) => byte / 127.5 - 1, 1],
    ['flow', true, (byte: number) => (byte > 127 ? 1 : -1), 1],
  ] as const)('are right for %s, binarize %s', (objective, binarize, target, noise) => {
    const targets = [...images].map(target);
    const [black, grey] = constantLosses({ images }, objective, binarize);
    expect(black).toBeCloseTo(loss(targets, 0) + noise, 12);
    expect(grey).toBeCloseTo(loss(targets, mean(targets)) + noise, 12);
  });

  test('are the known ones for the digits', async () => {
    const [black, grey] = constantLosses(await loadDigits(), 'tutorial');
    expect(black).toBeCloseTo(0.1326, 4);
    expect(grey).toBeCloseTo(0.115, 4);
  });
});

describe('the watch for runs that stay at a constant image', () => {
  const constants = [0.2, 0.15];
  /** About `level`, from batch to batch by up to a tenth off. */
  const noisy = (steps: number, level: number | ((step: number) => number)) =>
    Array.from(
      new Random(4).floats(steps, -0.1, 0.1),
      (noise, i) => (typeof level === 'number' ? level : level(i)) * (1 + noise),
    );

  test.each(constants)('sees a run whose losses stay at %d, the loss of a constant image', (constant) => {
    expect(isConstant(noisy(100, constant), constants)).toBe(true);
    expect(isConstant([...noisy(30, 9e20), ...noisy(100, constant)], constants)).toBe(true);
  });

  test('does not judge a run of fewer than 100 steps', () => {
    expect(isConstant(noisy(99, 0.2), constants)).toBe(false);
  });

  test('does not take a run that learns for a constant one', () => {
    for (const span of [10, 30, 100, 300]) {
      const losses = noisy(1000, (step) => 0.05 + 0.4 * Math.exp(-step / span));
      for (let steps = 0; steps <= 1000; steps += 10)
        expect(isConstant(losses.slice(0, steps), constants), `${span}, ${steps}`).toBe(false);
    }
  });

  test('does not take a run for constant that goes from one constant loss to the other', () => {
    expect(isConstant([...noisy(50, 0.2), ...noisy(50, 0.15)], constants)).toBe(false);
  });

  test('does not take a run on black images for constant', () => {
    const dark = constantLosses({ images: new Uint8Array(8) }, 'tutorial');
    for (const level of [0, 1e-9]) expect(isConstant(noisy(100, level), dark)).toBe(false);
  });

  test('warns once, with the learning rate, and not while the rate still rises', () => {
    const [black] = constantLosses({ images }, 'tutorial');
    const toldOf = (schedule: ScheduleOption) => {
      const watch = new ConstantImageWatch({ images }, trainerConfigOf({ schedule }));
      return Array.from({ length: 301 }, (_, steps) => watch.warning(Array(steps).fill(black), 0.3)).flatMap(
        (warning, steps) => (warning ? [[steps, warning] as const] : []),
      );
    };
    const [[step, warning], ...others] = toldOf('constant');
    expect(step).toBe(100);
    expect(warning).toContain('another learning rate than 0.3');
    expect(others).toHaveLength(0);
    // While the rate still rises, a network may not have begun to learn.
    expect(toldOf({ warmup: 80 })[0][0]).toBe(180);
  });
});
