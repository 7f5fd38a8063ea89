import { expect, test } from 'vitest';
import { Losses } from '../../src/training/losses';
import { LOSS_RING } from '../../src/training/settings';

/** What the GPU has after `step` steps: of step s the loss s, the rate s + 0.25, the norm s + 0.5. */
function after(step: number): Losses {
  const ring = new Float32Array(4 * LOSS_RING).fill(Number.NaN);
  for (let s = Math.max(0, step - LOSS_RING); s < step; s++)
    ring.set([s, s + 0.25, s + 0.5, 0], 4 * (s % LOSS_RING));
  return new Losses([Uint32Array.of(step).buffer, ring.buffer]);
}

test.each([1, 5, LOSS_RING - 1, LOSS_RING, LOSS_RING + 1, 10_000])('after %i steps', (step) => {
  const losses = after(step);
  expect(losses.step).toBe(step);
  for (const count of [1, 4, LOSS_RING].map((n) => Math.min(n, step))) {
    const steps = Array.from({ length: count }, (_, i) => step - count + i);
    expect([...losses.last(count)]).toEqual(steps);
    expect(losses.records(count)).toEqual(
      steps.map((s) => ({ loss: s, learningRate: s + 0.25, gradientNorm: s + 0.5 })),
    );
  }
  expect(losses.records(0)).toEqual([]);
});
