import type { ActivatedLossShape } from '../kernels/mse';
import type { Arrays } from '../plan/reference';
import { atMost, ELEMENTS, pre, type SmallCase, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';
import { swishAt } from './swish';

/** The mean squared error of each image of [elements][batch], as [batch]; 0 for padded images. */
export function reference({ elements, batch, swish }: ActivatedLossShape, { pre, target, state }: Arrays) {
  const losses = new Float64Array(batch);
  for (let i = 0; i < pre.length; i++) {
    const n = i % batch;
    if (n >= state[STATE.count]) continue;
    const value = swish ? swishAt(pre[i]).value : pre[i];
    losses[n] += (value - target[i]) ** 2 / elements;
  }
  return { losses };
}

export const small: SmallCase<ActivatedLossShape> = {
  shape: atMost<ActivatedLossShape>({ elements: ELEMENTS, batch: 8 }),
  values: { pre, state },
};
