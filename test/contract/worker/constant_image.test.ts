import { describe, expect, test } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { loadDigits } from '../../../src/data/digits';
import type { ScheduleOption } from '../../../src/plan/schedule';
import { toTrainerConfig } from '../../../src/training/options';
import { ConstantImageWatch, constantLosses, isConstant } from '../../../src/worker/constant_image';

const images = Uint8Array.of(0, 0, 127, 128, 255, 255, 255, 0);

describe('constantLosses, the losses of a black and of a mean image,', () => {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  test.each([
    ['tutorial', undefined, (byte: number) => Number(byte > 127), 0],
    ['tutorial', false, (byte: number) => byte / 255, 0],
    ['flow', undefined, (byte: number) => byte / 127.5 - 1, 1],
    ['flow', true, (byte: number) => (byte > 127 ? 1 : -1), 1],
  ] as const)('are right for %s, binarize %s', (objective, binarize, target, noise) => {
    const targets = [...images].map(target);
    const losses = constantLosses({ images }, objective, binarize);
    for (const [i, output] of [0, mean(targets)].entries()) {
      // The mean squared error against targets and noise of a mean of 0 and this variance.
      expect(losses[i]).toBeCloseTo(mean(targets.map((t) => (t - output) ** 2)) + noise, 12);
    }
  });

  test('are the known ones for the digits', async () => {
    const [black, grey] = constantLosses(await loadDigits(), 'tutorial');
    expect(black).toBeCloseTo(0.1326, 4);
    expect(grey).toBeCloseTo(0.115, 4);
  });
});

describe('the watch for runs that stay at a constant image', () => {
  const constants = [0.2, 0.15];
  const dark = constantLosses({ images: new Uint8Array(8) }, 'tutorial');
  /** About `level`, from batch to batch by up to a tenth off. */
  const noisy = (steps: number, level: number | ((step: number) => number)) =>
    Array.from(
      new TestRandom(4).floats(steps, -0.1, 0.1),
      (noise, i) => (typeof level === 'number' ? level : level(i)) * (1 + noise),
    );

  test.each<[what: string, losses: number[], of: readonly number[], constant: boolean]>([
    ['at the loss of a black image', noisy(100, 0.2), constants, true],
    ['at the loss of a mean image', noisy(100, 0.15), constants, true],
    ['that come to the loss of a black image', [...noisy(30, 9e20), ...noisy(100, 0.2)], constants, true],
    ['of fewer than 100 steps', noisy(99, 0.2), constants, false],
    ['that go from one constant to the other', [...noisy(50, 0.2), ...noisy(50, 0.15)], constants, false],
    ['of 0 on black images', noisy(100, 0), dark, false],
    ['near 0 on black images', noisy(100, 1e-9), dark, false],
  ])('takes losses %s for what they are', (_, losses, of, constant) => {
    expect(isConstant(losses, of)).toBe(constant);
  });

  test.each([10, 30, 100, 300])('does not take a run that learns in %i steps for a constant one', (span) => {
    const losses = noisy(1000, (step) => 0.05 + 0.4 * Math.exp(-step / span));
    for (let steps = 0; steps <= 1000; steps += 10)
      expect(isConstant(losses.slice(0, steps), constants), `${steps}`).toBe(false);
  });

  test.each<[schedule: ScheduleOption, at: number]>([
    ['constant', 100],
    // While the rate still rises, a network may not have begun to learn.
    [{ warmup: 80 }, 180],
  ])('warns once, with the learning rate, of the schedule %j after %i steps', (schedule, at) => {
    const [black] = constantLosses({ images }, 'tutorial');
    const watch = new ConstantImageWatch({ images }, toTrainerConfig({ schedule }));
    const warnings = Array.from({ length: 301 }, (_, steps) => watch.warning(Array(steps).fill(black), 0.3));
    expect(warnings.filter(Boolean)).toHaveLength(1);
    expect(warnings[at]).toContain('another learning rate than 0.3');
  });
});
