/** Sampling of the Draw view's answers: rough at first, then fine. Pure. */
import type { DrawOrder } from '../worker/messages';

/** Steps from nothing but noise; from a lower level in proportion. */
const STEPS = 20;
const ROUGH = { method: 'adams', steps: 3 } as const;

/** The sampler's options for an answer. */
export function samplingOfDrawing(order: Exclude<DrawOrder, { ask: 'classify' }>) {
  const level = order.ask === 'denoise' ? order.level : 1;
  const fine = { method: 'euler', steps: Math.max(2, Math.round(STEPS * level)) } as const;
  return order.rough && fine.steps > ROUGH.steps ? ROUGH : fine;
}

/** The same question, for a better answer; undefined if there is none. */
export function refined(order: DrawOrder): DrawOrder | undefined {
  if (order.ask === 'classify' || samplingOfDrawing(order) !== ROUGH) return undefined;
  return { ...order, rough: false };
}
