/** The bias corrections of Adam as finish_step carries them from step to step in f32: against 1 - beta^t in f64. */
import { describe, expect, test } from 'vitest';

const STEPS = 10_000;

/** correction = correction * beta + (1 - beta), each operation rounded to f32. */
function* recurrence(beta: number): Generator<number> {
  const [factor, rest] = [Math.fround(beta), Math.fround(1 - beta)];
  let correction = 0;
  for (let t = 1; t <= STEPS; t++) {
    correction = Math.fround(Math.fround(correction * factor) + rest);
    yield correction;
  }
}

/** The largest relative error over all steps. */
function worst(beta: number, corrections: Iterable<number>): number {
  let t = 0;
  let worst = 0;
  for (const correction of corrections) {
    t++;
    const exact = -Math.expm1(t * Math.log(beta));
    worst = Math.max(worst, Math.abs(correction / exact - 1));
  }
  expect(t).toBe(STEPS);
  return worst;
}

describe('bias corrections by recurrence', () => {
  // f32(0.999) is a little more than 0.999: the recurrence heads for 1.000013, less what rounding takes away.
  test('stay within 1e-5 of 1 - 0.999^t', () => {
    expect(worst(0.999, recurrence(0.999))).toBeLessThan(1e-5);
  });

  test('stay within 1e-6 of 1 - 0.9^t', () => {
    expect(worst(0.9, recurrence(0.9))).toBeLessThan(1e-6);
  });

  test('are closer than 1 - pow(beta, t) in f32, which cancels', () => {
    const beta = Math.fround(0.999);
    const powers = Array.from({ length: STEPS }, (_, i) => Math.fround(1 - Math.fround(beta ** (i + 1))));
    expect(worst(0.999, powers)).toBeGreaterThan(2 * worst(0.999, recurrence(0.999)));
  });

  test('are exact on the first step: moment / correction is then the gradient itself', () => {
    for (const beta of [0.9, 0.999]) expect(recurrence(beta).next().value).toBe(Math.fround(1 - beta));
  });

  test('follow the second moment of a constant gradient exactly, so that their quotient is its square', () => {
    // moment2 = moment2 * beta + (1 - beta) * g^2 with g = 1 is the same recurrence, rounding included.
    let moment = 0;
    for (const correction of recurrence(0.999)) {
      moment = Math.fround(Math.fround(0.999) * moment);
      moment = Math.fround(moment + Math.fround(Math.fround(1 - 0.999) * Math.fround(1 * 1)));
      expect(moment).toBe(correction);
    }
  });
});
