import type { ActivatedLossShape } from '../kernels/mse';
import type { Arrays } from '../plan/reference';
import { atMost, ELEMENTS, pre, type SmallCase, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';
import { swishAt } from './swish';

/** Elements per partial sum: 256 vec4s. */
export const BLOCK = 1024;

/** The gradient before the activation, [elements][batch], and sums of squares; padded images contribute 0. */
export function reference({ elements, batch, swish }: ActivatedLossShape, { pre, target, state }: Arrays) {
  const count = state[STATE.count];
  const grad = new Float64Array(pre.length);
  const partials = new Float64Array(Math.ceil(pre.length / BLOCK));
  for (let i = 0; i < pre.length; i++) {
    if (i % batch >= count) continue;
    const { value, slope } = swish ? swishAt(pre[i]) : { value: pre[i], slope: 1 };
    const difference = value - target[i];
    grad[i] = (2 / (count * elements)) * difference * slope;
    partials[Math.floor(i / BLOCK)] += difference ** 2;
  }
  return { grad, partials };
}

export const small: SmallCase<ActivatedLossShape> = {
  shape: atMost<ActivatedLossShape>({ elements: ELEMENTS, batch: 8 }),
  values: { pre, state },
};
