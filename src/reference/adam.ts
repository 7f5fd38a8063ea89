import type { AdamShape } from '../kernels/adam';
import type { Arrays, Values } from '../plan/reference';
import { type SmallCase, smallLayers, squares, state } from '../plan/small_case';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { flatSize, packLayers } from './pack_weights';

/** The kernel's inputs: settings rounded to f32, and words of the step state. */
export function readFactors({ beta1, beta2, epsilon }: AdamShape, state: Values) {
  const floats = new Float32Array(state.buffer, state.byteOffset, STATE_WORDS);
  return {
    beta1: Math.fround(beta1),
    beta2: Math.fround(beta2),
    rest1: Math.fround(1 - beta1),
    rest2: Math.fround(1 - beta2),
    epsilon: Math.fround(epsilon),
    correction1: floats[STATE.correction1],
    correction2: floats[STATE.correction2],
    rate: floats[STATE.rate],
    decay: floats[STATE.weightDecay],
    scale: floats[STATE.gradientScale],
  };
}

/** A step of Adam for the parameters of all layers, their moments and their packed copies, if there are any; a non-finite step changes nothing. */
export function reference(shape: AdamShape, inputs: Arrays) {
  const { gradient, state, packed } = inputs;
  const f = readFactors(shape, state);
  const parameter = new Float64Array(inputs.parameter);
  const moment1 = new Float64Array(inputs.moment1);
  const moment2 = new Float64Array(inputs.moment2);
  if (state[STATE.skipped] > 0) return { parameter, moment1, moment2, packed: new Float64Array(packed) };
  for (const layer of shape.layers) {
    const size = flatSize(layer);
    for (let k = 0; k < size; k++) {
      const i = layer.offset + k;
      const g = f.scale * gradient[layer.gradientOffset + k];
      moment1[i] = f.beta1 * moment1[i] + f.rest1 * g;
      moment2[i] = f.beta2 * moment2[i] + f.rest2 * g * g;
      const change =
        (f.rate * (moment1[i] / f.correction1)) / (Math.sqrt(moment2[i] / f.correction2) + f.epsilon);
      parameter[i] = parameter[i] * (1 - f.rate * f.decay) - change;
    }
  }
  const copies = shape.unpacked ? new Float64Array(packed) : packLayers(shape.layers, parameter, packed);
  return { parameter, moment1, moment2, packed: copies };
}

export const small: SmallCase<AdamShape> = {
  shape: smallLayers,
  values: { state, moment2: squares },
};
