import { expect, test } from 'vitest';
import { STATE, STATE_WORDS } from '../../../src/plan/step_state';
import { Losses } from '../../../src/training/losses';
import { LOSS_RING } from '../../../src/training/step_config';

/** What the GPU has after `step` steps: of step s the loss s, the rate s + 0.25, the norm s + 0.5. */
function after(step: number, { skipped = 0, mostSkipped = 0, causes = {} as Record<number, number> } = {}) {
  const ring = new Float32Array(4 * (LOSS_RING + 1)).fill(NaN);
  for (let s = Math.max(0, step - LOSS_RING); s < step; s++)
    ring.set([s, s + 0.25, s + 0.5, causes[s] ?? 0], 4 * (s % LOSS_RING));
  ring.set([-1, -2, -3, 7], 4 * LOSS_RING);
  const state = new Uint32Array(STATE_WORDS);
  [state[STATE.step], state[STATE.skipped]] = [step, skipped];
  return new Losses([state.buffer, ring.buffer], mostSkipped);
}

test.each([1, 5, LOSS_RING - 1, LOSS_RING, LOSS_RING + 1, 10_000])(
  'Losses reads the last losses, rates and norms from the ring after %i steps',
  (step) => {
    const losses = after(step);
    expect(losses.step).toBe(step);
    for (const count of [1, 4, LOSS_RING].map((n) => Math.min(n, step))) {
      const steps = Array.from({ length: count }, (_, i) => step - count + i);
      expect([...losses.last(count)]).toEqual(steps);
      expect(losses.records(count)).toEqual(
        steps.map((s) => ({ loss: s, learningRate: s + 0.25, gradientNorm: s + 0.5, cause: 0 })),
      );
    }
    expect(losses.records(0)).toEqual([]);
    expect(losses.refused).toBeUndefined();
  },
);

test('Losses gives skipped steps the loss NaN and their cause, and no end of the run', () => {
  const losses = after(2000, { skipped: 2, mostSkipped: 2, causes: { 1997: 1, 1999: 12 } });
  expect([...losses.last(4)]).toEqual([1996, NaN, 1998, NaN]);
  expect(losses.records(4).map(({ loss, cause }) => [loss, cause])).toEqual([
    [1996, 0],
    [1997, 1],
    [1998, 0],
    [1999, 12],
  ]);
  expect(losses.refused).toBeUndefined();
});

test.each([0, 3])('the run ends when more than %i steps in a row are skipped', (mostSkipped) => {
  const { refused } = after(5, { skipped: mostSkipped + 1, mostSkipped });
  expect(refused).toEqual({ loss: -1, learningRate: -2, gradientNorm: -3, cause: 7 });
});
