import { normPartialCount } from '../../src/kernels/gradient_norm';
import { type GradientNormFinishShape, gradientNormFinish } from '../../src/kernels/gradient_norm_finish';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/gradient_norm_finish';
import { EPSILON, type Spec } from '../spec';
import { parameterLayers } from './pack_weights';

/** What comes in. */
interface Case extends GradientNormFinishShape {
  /** Completed steps, with the one under way. */
  readonly step: number;
  /** The largest partial sum. Default 1. */
  readonly largest?: number;
}

/** Blocks of the tutorial's layers. */
const tutorial = normPartialCount({
  layers: Object.values(parameterLayers).map((layer) => ({ ...layer, slices: 1, slicesOffset: 0 })),
});

export const spec: Spec<Case, 'partials' | 'state' | 'records'> = {
  kernel: gradientNormFinish,
  cases: {
    'one partial, a ring of one, clips': { partialCount: 1, ring: 1, clip: 0.1, step: 1 },
    'one partial, does not clip': { partialCount: 1, ring: 1, clip: 10, step: 12 },
    'a prime number of partials, clips': { partialCount: 131, ring: 7, clip: 1, step: 22 },
    'a prime number of partials, does not clip': { partialCount: 131, ring: 7, clip: 100, step: 22 },
    'the first step': { partialCount: 64, ring: 1024, clip: 1, step: 1 },
    'the last record of the ring': { partialCount: 65, ring: 16, clip: 1, step: 32 },
    'the first record of the ring again': { partialCount: 65, ring: 16, clip: 1, step: 33 },
    'no gradient at all': { partialCount: 70, ring: 5, clip: 1, step: 3, largest: 0 },
    'a clip as small as what keeps it from dividing by 0': {
      partialCount: 70,
      ring: 5,
      clip: 1e-7,
      step: 3,
      largest: 1e-15,
    },
    'gradients that explode': { partialCount: 70, ring: 5, clip: 1, step: 3, largest: 1e30 },
    'the tutorial': { partialCount: tutorial, ring: 1024, clip: 1, step: 1371 },
    'many partials': { partialCount: 35_001, ring: 1024, clip: 1, step: 1371 },
  },
  inputs: ({ partialCount, ring, step, largest = 1 }, random) => {
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = step;
    const floats = new Float32Array(state.buffer);
    // As mse_finish leaves them.
    floats[STATE.rate] = floats[STATE.learningRate] = 1e-3;
    floats[STATE.gradientScale] = 1;
    return {
      partials: random.floats(partialCount, largest / 10, largest),
      state,
      records: random.floats(4 * ring),
    };
  },
  reference,
  error: ({ ring, clip }, { partials, state: before, records: old }, values) => {
    const ulp = 2 * EPSILON;
    const norm = values.state[STATE.gradientNorm];
    const scale = values.state[STATE.gradientScale];
    // In ulp: half of the additions that a term goes through (none is negative), and a root (4.5, as WGSL reduces it to 1 / inverseSqrt).
    const ofNorm = ((Math.ceil(partials.length / 64) + 6) / 2 + 4.5) * ulp * norm;
    const records = new Float64Array(old.length);
    records[4 * ((before[STATE.step] - 1) % ring) + 2] = ofNorm;
    const state = new Float64Array(STATE_WORDS);
    state[STATE.gradientNorm] = ofNorm;
    // An addition and a division (2.5). Exactly 1 where nothing is clipped, unless the norm is so near that nobody could tell.
    state[STATE.gradientScale] =
      (ofNorm / (norm + 1e-6) + 3.5 * ulp) * (Math.fround(clip) > 1.001 * (norm + 1e-6) ? 0 : scale);
    return { records, state };
  },
  bench: () => ({ 'all layers': { partialCount: tutorial, ring: 1024, clip: 1, step: 1 } }),
};
