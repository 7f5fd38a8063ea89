import { type AdamShape, adam } from '../../src/kernels/adam';
import { flatSize, type ParameterShape, packing, parameterCount } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { EPSILON, type Spec, type Values } from '../spec';
import { packInto, parameterLayers } from './pack_weights';

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
const layer = (inChannels: number, outChannels: number, kernelSize: number) => ({
  inChannels,
  outChannels,
  kernelSize,
});

/** Layers one after the other, with something between them that is nobody's, more of it between their gradients. */
function layersOf(shapes: readonly ParameterShape[]): AdamShape['layers'] {
  const next = (offset: number) => Math.ceil((offset + 1) / 64) * 64;
  let [offset, packedOffset, gradientOffset] = [0, 0, 0];
  return shapes.map((shape) => {
    const place = { ...shape, offset, packedOffset, gradientOffset };
    offset = next(offset + flatSize(shape));
    packedOffset = next(packedOffset + packing(shape).size);
    gradientOffset = next(gradientOffset + 2 * flatSize(shape));
    return place;
  });
}

const tutorial = { layers: layersOf(Object.values(parameterLayers)), ...settings };

/** What else the step state says. */
interface Case extends AdamShape {
  /** Default 1e-2, which is the base rate. */
  readonly rate?: number;
  /** Default 1. */
  readonly scale?: number;
  /** Of so many steps that were not finite this is the last. Default 0. */
  readonly skipped?: number;
}

export const spec: Spec<Case, 'gradient' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed'> = {
  kernel: adam,
  cases: {
    'one weight': { layers: layersOf([layer(1, 1, 1)]), ...settings },
    'a prime number of parameters': { layers: layersOf([layer(2, 53, 3)]), ...settings },
    'other settings': { layers: layersOf([layer(3, 5, 3)]), beta1: 0.5, beta2: 0.75, epsilon: 1e-3 },
    'no memory': { layers: layersOf([layer(8, 3, 1)]), beta1: 0, beta2: 0, epsilon: 1e-8 },
    'layers of many sizes': {
      layers: layersOf([layer(1, 4, 3), layer(4, 9, 3), layer(9, 8, 1), layer(8, 1, 5)]),
      ...settings,
    },
    'more than one row of workgroups': {
      layers: layersOf([layer(1, 3, 1), layer(2, 3, 1), layer(103, 103, 5)]),
      ...settings,
    },
    // Next to Adam's own changes each of these must show: 3% of a weight, a tenth of a gradient.
    'weight decay': { layers: layersOf([layer(3, 5, 3), layer(8, 3, 1)]), ...settings, weightDecay: 3 },
    'a learning rate by a schedule': { layers: layersOf([layer(7, 3, 3)]), ...settings, rate: 2.5e-3 },
    'clipped gradients': {
      layers: layersOf([layer(3, 5, 3), layer(8, 3, 1)]),
      ...settings,
      scale: 0.1,
    },
    'all of it': {
      layers: layersOf([layer(3, 5, 3), layer(8, 3, 1)]),
      ...settings,
      weightDecay: 0.1,
      rate: 0.3,
      scale: 0.7,
    },
    'not a step': { layers: layersOf([layer(3, 5, 3), layer(8, 3, 1)]), ...settings, skipped: 1 },
    'not a step, nor the two before': { layers: layersOf([layer(2, 53, 3)]), ...settings, skipped: 3 },
    'the tutorial': tutorial,
  },
  inputs: (shape, random) => {
    const { beta1, beta2 } = shape;
    const { gradient: gradients, parameter: size, packed } = adam.sizes(shape);
    const state = new Uint32Array(STATE_WORDS);
    const step = 1 + (size % 7);
    const floats = new Float32Array(state.buffer);
    floats[STATE.correction1] = 1 - beta1 ** step;
    floats[STATE.correction2] = 1 - beta2 ** step;
    // The base rate is not adam's business where a schedule has made another one of it.
    floats[STATE.learningRate] = 1e-2;
    floats[STATE.rate] = shape.rate ?? 1e-2;
    floats[STATE.gradientScale] = shape.scale ?? 1;
    if (shape.skipped) state[STATE.skipped] = shape.skipped;
    const gradient = random.floats(gradients, -0.1, 0.1);
    const moment1 = random.floats(size, -0.1, 0.1);
    const moment2 = random.floats(size, 0, 1e-2);
    for (let i = 2; i < size; i += 5) moment1[i] = moment2[i] = 0; // as on the first step
    for (const { gradientOffset: at, ...own } of shape.layers) {
      for (let i = 2; i < flatSize(own); i += 10) gradient[at + i] = 0; // a parameter without any influence
      for (let i = 3; i < flatSize(own); i += 10) gradient[at + i] *= 1e-6; // next to epsilon
    }
    return {
      gradient,
      state,
      parameter: random.floats(size),
      moment1,
      moment2,
      packed: random.floats(packed),
    };
  },
  reference: (shape, { gradient, state, parameter, moment1, moment2, packed }) => {
    const floats = new Float32Array(state.buffer, state.byteOffset, STATE_WORDS);
    const c1 = floats[STATE.correction1];
    const c2 = floats[STATE.correction2];
    const rate = floats[STATE.rate];
    const scale = floats[STATE.gradientScale];
    // What the kernel is given: settings rounded to f32.
    const { weightDecay = 0 } = shape;
    const [beta1, beta2, epsilon, decay] = [shape.beta1, shape.beta2, shape.epsilon, weightDecay].map(
      Math.fround,
    );
    const [rest1, rest2] = [1 - shape.beta1, 1 - shape.beta2].map(Math.fround);
    const unchanged = (values: Values) => ({
      values: Float64Array.from(values),
      error: new Float64Array(values.length),
    });
    const [w, m, v, copies] = [parameter, moment1, moment2, packed].map(unchanged);
    if (state[STATE.skipped] > 0) return { parameter: w, moment1: m, moment2: v, packed: copies };
    const ulp = 2 * EPSILON;
    const tiny = 2 ** -126; // below, f32 may be flushed to 0
    for (const own of shape.layers) {
      for (let k = 0; k < flatSize(own); k++) {
        const i = own.offset + k;
        const g = gradient[own.gradientOffset + k] * scale;
        // A product with 1 is exact.
        const gError = scale === 1 ? 0 : 2 * EPSILON * Math.abs(g);
        const [old, fresh] = [beta1 * moment1[i], rest1 * g];
        m.values[i] = old + fresh;
        m.error[i] = rest1 * gError + ulp * (Math.abs(old) + Math.abs(fresh) + Math.abs(old + fresh)) + tiny;
        v.values[i] = beta2 * moment2[i] + rest2 * g * g;
        // Two products and an addition of what is not negative.
        v.error[i] = rest2 * (2 * Math.abs(g) + gError) * gError + 3 * ulp * v.values[i] + tiny;
        const below = Math.sqrt(v.values[i] / c2) + epsilon;
        const change = (rate * (m.values[i] / c1)) / below;
        const kept = parameter[i] * (1 - rate * decay);
        w.values[i] = kept - change;
        // Above the fraction bar: the error of m, a division (2.5 ulp) and a product. Below: half the error of v and of its division,
        // the root (4.5, as WGSL reduces it to 1 / inverseSqrt) and an addition. Then a division and a subtraction.
        const above = (rate * m.error[i]) / c1 / below + 3.5 * ulp * Math.abs(change);
        const ofV = v.values[i] > 0 ? v.error[i] / v.values[i] / 2 : 0;
        const relative = ofV + (1.25 + 4.5 + 1 + 2.5) * ulp;
        // Of the decay: a product, a difference, and the product with the parameter; all exact if there is none.
        const ofDecay = decay === 0 ? 0 : ulp * (2 * Math.abs(kept) + rate * decay * Math.abs(parameter[i]));
        w.error[i] = above + relative * Math.abs(change) + ofDecay + ulp * Math.abs(w.values[i]);
      }
      const part = (values: Float64Array) => values.subarray(own.offset, own.offset + parameterCount(own));
      const place = (values: Float64Array) =>
        values.subarray(own.packedOffset, own.packedOffset + packing(own).size);
      for (const key of ['values', 'error'] as const)
        place(copies[key]).set(packInto(own, part(w[key]), place(copies[key])));
    }
    return { parameter: w, moment1: m, moment2: v, packed: copies };
  },
  bench: () => ({ 'all layers': tutorial }),
};
