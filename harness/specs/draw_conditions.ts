import { permutation, STREAM, threefry, uniform } from '../../src/base/random';
import { type ConditionsShape, drawConditions } from '../../src/kernels/draw_conditions';
import { STATE } from '../../src/plan/step_state';
import { reference } from '../../src/reference/draw_conditions';
import { stateAt } from './corrupt';
import { EPSILON, padded, type Spec } from './lib/spec';
import { normalsAt } from './noise';

/** The step number of the step state. */
const STEP = 1370;

const usual: ConditionsShape = {
  batch: padded(12),
  imageCount: 50,
  classes: 10,
  drop: 0,
  logitNormal: false,
  labelled: true,
  seed: 123,
};
const chance = (seed: number, n: number) => uniform(threefry(seed, STREAM.drop, STEP, n)[0]);

export const spec: Spec<ConditionsShape, 'order' | 'labels' | 'state' | 'levels' | 'classes'> = {
  kernel: drawConditions,
  cases: {
    'one image': { ...usual, batch: padded(1), imageCount: 1, classes: 1 },
    'uniform levels': { ...usual, imageCount: 31, drop: 0.5, seed: 7 },
    'levels about the middle': {
      ...usual,
      batch: padded(64),
      imageCount: 1001,
      drop: 0.1,
      logitNormal: true,
    },
    'no labels': { ...usual, logitNormal: true, labelled: false, seed: 0xffffffff },
    'no classes': { ...usual, classes: 0, labelled: false, seed: 0 },
    'no class for any image': { ...usual, drop: 1 },
    // Slot 2 keeps its class: its draw is not less than this.
    'a number at the threshold': {
      ...usual,
      batch: padded(64),
      imageCount: 64,
      classes: 200,
      drop: chance(usual.seed, 2),
    },
    'more than one row of workgroups': {
      ...usual,
      batch: padded(64 * 1024 + 1),
      imageCount: 70_001,
      classes: 256,
      drop: 0.3,
      logitNormal: true,
      seed: 0xfffffffe,
    },
  },
  inputs: (shape, random) => {
    const { imageCount, classes, labelled, seed } = shape;
    const bytes = Uint8Array.from(random.integers(Math.ceil(imageCount / 4) * 4, Math.max(classes, 1)));
    const labels = labelled ? new Uint32Array(bytes.buffer) : Uint32Array.of(0x01010101);
    return { order: permutation(imageCount, seed, 5), labels, state: stateAt(shape, STEP) };
  },
  reference,
  error: ({ logitNormal, seed }, { state }, values) => {
    const levels = new Float64Array(values.levels.length); // 24 bits of a uniform level are exact
    for (let n = 0; logitNormal && n < state[STATE.count]; n++) {
      const { values: normals, errors } = normalsAt(threefry(seed, STREAM.amount, state[STATE.step], n));
      const s = values.levels[n];
      // A sigmoid is nowhere steeper than 1/4. exp errs by up to 3 + 2|z| ulp, which weighs 1 - s; an addition and a division (2.5 ulp).
      levels[n] = errors[0] / 4 + 2 * EPSILON * s * ((1 - s) * (3 + 2 * Math.abs(normals[0])) + 3.5);
    }
    return { levels };
  },
  bench: (batch) => ({
    input: { ...usual, batch: padded(batch), imageCount: 10_000, drop: 0.1, logitNormal: true },
  }),
};
