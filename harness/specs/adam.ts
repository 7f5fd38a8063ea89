import { type AdamShape, adam } from '../../src/kernels/adam';
import { flatSize, type ParameterShape, packing } from '../../src/kernels/pack_weights';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { readFactors, reference } from '../../src/reference/adam';
import { packLayers } from '../../src/reference/pack_weights';
import { EPSILON, type Spec } from './lib/spec';
import { layer, parameterLayers } from './pack_weights';

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

/** Layers one after the other, with unused numbers between them, more of them between their gradients. */
function layersOf(shapes: readonly ParameterShape[]): AdamShape['layers'] {
  const next = (offset: number) => Math.ceil((offset + 1) / 64) * 64;
  let offset = 0;
  let packedOffset = 0;
  let gradientOffset = 0;
  return shapes.map((shape) => {
    const place = { ...shape, offset, packedOffset, gradientOffset };
    offset = next(offset + flatSize(shape));
    packedOffset = next(packedOffset + packing(shape).size);
    gradientOffset = next(gradientOffset + 2 * flatSize(shape));
    return place;
  });
}

const caseOf = (...shapes: ParameterShape[]) => ({ layers: layersOf(shapes), ...settings });
const tutorial = caseOf(...Object.values(parameterLayers));

/** A case, with further fields of the step state. */
interface Case extends AdamShape {
  /** Default 1e-2, which is the base rate. */
  readonly rate?: number;
  /** Default 1. */
  readonly scale?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Number of successive non-finite steps, of which this is the last. Default 0. */
  readonly skipped?: number;
}

export const spec: Spec<Case, 'gradient' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed'> = {
  kernel: adam,
  cases: {
    'one weight': caseOf(layer(1, 1, 1)),
    'a prime number of parameters': caseOf(layer(2, 53, 3)),
    'other settings': { ...caseOf(layer(3, 5, 3)), beta1: 0.5, beta2: 0.75, epsilon: 1e-3 },
    'no memory': { ...caseOf(layer(8, 3, 1)), beta1: 0, beta2: 0, epsilon: 1e-8 },
    'layers of many sizes': caseOf(layer(1, 4, 3), layer(4, 9, 3), layer(9, 8, 1), layer(8, 1, 5)),
    'more than one row of workgroups': caseOf(layer(1, 3, 1), layer(2, 3, 1), layer(103, 103, 5)),
    // Next to Adam's own changes each of these must show: 3% of a weight, a tenth of a gradient.
    'weight decay': { ...caseOf(layer(3, 5, 3), layer(8, 3, 1)), weightDecay: 3 },
    'a learning rate by a schedule': { ...caseOf(layer(7, 3, 3)), rate: 2.5e-3 },
    'clipped gradients': { ...caseOf(layer(3, 5, 3), layer(8, 3, 1)), scale: 0.1 },
    'all of it': { ...caseOf(layer(3, 5, 3), layer(8, 3, 1)), weightDecay: 0.1, rate: 0.3, scale: 0.7 },
    'no copies of the parameters': { ...caseOf(layer(3, 5, 3)), unpacked: true },
    // Parameters of no convolution: a layer of biases.
    'no layers': { ...caseOf(layer(0, 301, 1)), unpacked: true, scale: 0.5 },
    'not a step': { ...caseOf(layer(3, 5, 3), layer(8, 3, 1)), skipped: 1 },
    'not a step, nor the two before': { ...caseOf(layer(2, 53, 3)), skipped: 3 },
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
    // Adam must use the scheduled rate, not the base rate.
    floats[STATE.learningRate] = 1e-2;
    floats[STATE.rate] = shape.rate ?? 1e-2;
    floats[STATE.gradientScale] = shape.scale ?? 1;
    floats[STATE.weightDecay] = shape.weightDecay ?? 0;
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
  reference,
  error: (shape, inputs, { parameter: w, moment1: m, moment2: v }) => {
    const f = readFactors(shape, inputs.state);
    const ulp = 2 * EPSILON;
    const tiny = 2 ** -126; // below, f32 may be flushed to 0
    const [parameter, moment1, moment2] = [w, m, v].map(({ length }) => new Float64Array(length));
    if (shape.skipped) return {};
    for (const layer of shape.layers) {
      for (let k = 0; k < flatSize(layer); k++) {
        const i = layer.offset + k;
        const g = f.scale * inputs.gradient[layer.gradientOffset + k];
        // A product with 1 is exact.
        const ofG = f.scale === 1 ? 0 : ulp * Math.abs(g);
        const old = f.beta1 * inputs.moment1[i];
        const fresh = f.rest1 * g;
        moment1[i] = f.rest1 * ofG + ulp * (Math.abs(old) + Math.abs(fresh) + Math.abs(m[i])) + tiny;
        // Two products and an addition of what is not negative.
        moment2[i] = f.rest2 * (2 * Math.abs(g) + ofG) * ofG + 3 * ulp * v[i] + tiny;
        const below = Math.sqrt(v[i] / f.correction2) + f.epsilon;
        const change = Math.abs((f.rate * (m[i] / f.correction1)) / below);
        // Above the fraction bar: the error of m, a division (2.5 ulp) and a product. Below: half the error of v and of its division,
        // the root (4.5, as WGSL reduces it to 1 / inverseSqrt) and an addition. Then a division and a subtraction.
        const above = (f.rate * moment1[i]) / f.correction1 / below + 3.5 * ulp * change;
        const ofV = v[i] > 0 ? moment2[i] / v[i] / 2 : 0;
        const relative = ofV + (1.25 + 4.5 + 1 + 2.5) * ulp;
        // The decay: a product, a difference, and the product with the parameter; all exact if there is none.
        const before = Math.abs(inputs.parameter[i]);
        const kept = Math.abs(before * (1 - f.rate * f.decay));
        const ofDecay = f.decay === 0 ? 0 : ulp * (2 * kept + f.rate * f.decay * before);
        parameter[i] = above + relative * change + ofDecay + ulp * Math.abs(w[i]);
      }
    }
    if (shape.unpacked) return { parameter, moment1, moment2 };
    const packed = packLayers(shape.layers, parameter, new Float64Array(inputs.packed.length));
    return { parameter, moment1, moment2, packed };
  },
  bench: () => ({ 'all layers': tutorial }),
};
