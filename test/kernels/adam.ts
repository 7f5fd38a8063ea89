import { type AdamShape, adam, adamSize } from '../../src/kernels/adam';
import { packing } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/training/state';
import { EPSILON, type Spec } from '../spec';
import { packInto, parameterLayers } from './pack_weights';

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
const layer = (inChannels: number, outChannels: number, kernelSize: number) => ({
  inChannels,
  outChannels,
  kernelSize,
});

export const spec: Spec<AdamShape, 'grad' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed'> = {
  kernel: adam,
  cases: {
    'one weight': { ...layer(1, 1, 1), ...settings },
    'a prime number of parameters': { ...layer(2, 53, 3), ...settings },
    'other settings': { ...layer(3, 5, 3), beta1: 0.5, beta2: 0.75, epsilon: 1e-3 },
    'no memory': { ...layer(8, 3, 1), beta1: 0, beta2: 0, epsilon: 1e-8 },
    'more than one row of workgroups': { ...layer(65, 41, 5), ...settings },
  },
  inputs: (shape, random) => {
    const { beta1, beta2 } = shape;
    const size = adamSize(shape);
    const state = new Uint32Array(STATE_WORDS);
    const step = 1 + (size % 7);
    const floats = new Float32Array(state.buffer);
    floats[STATE.correction1] = 1 - beta1 ** step;
    floats[STATE.correction2] = 1 - beta2 ** step;
    floats[STATE.learningRate] = 1e-2;
    const grad = random.floats(size, -0.1, 0.1);
    const moment1 = random.floats(size, -0.1, 0.1);
    const moment2 = random.floats(size, 0, 1e-2);
    for (let i = 2; i < size; i += 5) moment1[i] = moment2[i] = 0; // as on the first step
    for (let i = 2; i < size; i += 10) grad[i] = 0; // a parameter without any influence
    for (let i = 3; i < size; i += 10) grad[i] *= 1e-6; // next to epsilon
    const packed = random.floats(packing(shape).size);
    return { grad, state, parameter: random.floats(size), moment1, moment2, packed };
  },
  reference: (shape, { grad, state, parameter, moment1, moment2, packed }) => {
    const size = adamSize(shape);
    const floats = new Float32Array(state.buffer, state.byteOffset, STATE_WORDS);
    const c1 = floats[STATE.correction1];
    const c2 = floats[STATE.correction2];
    const rate = floats[STATE.learningRate];
    // What the kernel is given: settings rounded to f32.
    const [beta1, beta2, epsilon] = [shape.beta1, shape.beta2, shape.epsilon].map(Math.fround);
    const [rest1, rest2] = [1 - shape.beta1, 1 - shape.beta2].map(Math.fround);
    const expected = () => ({ values: new Float64Array(size), error: new Float64Array(size) });
    const [w, m, v] = [expected(), expected(), expected()];
    const ulp = 2 * EPSILON;
    const tiny = 2 ** -126; // below, f32 may be flushed to 0
    for (let i = 0; i < size; i++) {
      const g = grad[i];
      const [old, fresh] = [beta1 * moment1[i], rest1 * g];
      m.values[i] = old + fresh;
      m.error[i] = ulp * (Math.abs(old) + Math.abs(fresh) + Math.abs(old + fresh)) + tiny;
      v.values[i] = beta2 * moment2[i] + rest2 * g * g;
      v.error[i] = 3 * ulp * v.values[i] + tiny; // two products and an addition of what is not negative
      const below = Math.sqrt(v.values[i] / c2) + epsilon;
      const change = (rate * (m.values[i] / c1)) / below;
      w.values[i] = parameter[i] - change;
      // Above the fraction bar: the error of m, a division (2.5 ulp) and a product. Below: half the error of v and of its division,
      // the root (4.5, as WGSL reduces it to 1 / inverseSqrt) and an addition. Then a division and a subtraction.
      const above = (rate * m.error[i]) / c1 / below + 3.5 * ulp * Math.abs(change);
      const relative = (1.5 + 1.25 + 4.5 + 1 + 2.5) * ulp;
      w.error[i] = above + relative * Math.abs(change) + ulp * Math.abs(w.values[i]);
    }
    const copies = {
      values: packInto(shape, w.values, packed),
      error: packInto(shape, w.error, new Float64Array(packed.length)),
    };
    return { parameter: w, moment1: m, moment2: v, packed: copies };
  },
  bench: () =>
    Object.fromEntries(
      Object.entries(parameterLayers).map(([name, shape]) => [name, { ...shape, ...settings }]),
    ),
};
