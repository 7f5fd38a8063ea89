import { normal, STREAM, threefry, uniform } from '../base/random';
import type { ConditionsShape } from '../kernels/draw_conditions';
import type { Arrays } from '../plan/reference';
import { atMost, IN_SET, order, type SmallCase, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';

/** The noise level and class of each image; class `classes` if it is withheld. Padded slots have level 0 and no class. */
export function reference(shape: ConditionsShape, { order, labels, state }: Arrays) {
  const { batch, drop, logitNormal, labelled, seed } = shape;
  const bytes = new Uint8Array(labels.buffer, labels.byteOffset);
  const levels = new Float64Array(batch);
  const classes = new Uint32Array(batch).fill(shape.classes);
  for (let n = 0; n < state[STATE.count]; n++) {
    const words = threefry(seed, STREAM.amount, state[STATE.step], n);
    levels[n] = logitNormal ? 1 / (1 + Math.exp(-normal(words)[0])) : uniform(words[0]);
    const dropped = uniform(threefry(seed, STREAM.drop, state[STATE.step], n)[0]) < Math.fround(drop);
    if (labelled && !dropped) classes[n] = bytes[order[state[STATE.batchStart] + n]];
  }
  return { levels, classes };
}

export const small: SmallCase<ConditionsShape> = {
  shape: atMost<ConditionsShape>({ batch: 8, imageCount: IN_SET, classes: 'as it is', drop: 'as it is' }),
  values: { order, state },
};
