import { type EmbeddingShape, embedding } from '../../src/kernels/embedding';
import { FREQUENCIES } from '../../src/plan/conditioning';
import { angleAt, reference } from '../../src/reference/embedding';
import { EPSILON, padded, type Spec } from './lib/spec';

/**
 * Error bound of cos_turns (shaders/lib/turns.wgsl) for an exact angle, in sines, too. If each operation errs by an ulp, the errors of the
 * polynomial's squares, products and sums, and of the polynomial itself, add up to 4.02 ulp of 1 at a full swing; the error of q and of an
 * angle less a quarter, an ulp of 1/4, occurs where that is less.
 */
export const COS_TURNS_ERROR = 4.1 * 2 * EPSILON;

export const spec: Spec<EmbeddingShape, 'levels' | 'classes' | 'features'> = {
  kernel: embedding,
  cases: {
    'level and class': { batch: padded(12), noiseLevel: true, classes: 10 },
    'level alone': { batch: padded(4), noiseLevel: true, classes: 0 },
    'class alone': { batch: padded(12), noiseLevel: false, classes: 3 },
    'one class': { batch: padded(1), noiseLevel: false, classes: 1 },
    'a usual batch': { batch: padded(64), noiseLevel: true, classes: 10 },
    'more than one row of workgroups': { batch: padded(8003), noiseLevel: true, classes: 1 },
  },
  inputs: ({ batch, classes }, random) => {
    const levels = random.floats(batch, 0, 1);
    levels.set([0, 1, 0.5, 1e-6]);
    return { levels, classes: random.integers(batch, classes + 1) };
  },
  reference,
  error: ({ batch, noiseLevel }, { levels }, { features: { length } }) => {
    const features = new Float64Array(length);
    for (let i = 0; noiseLevel && i < 2 * FREQUENCIES * batch; i++) {
      const angle = angleAt(Math.floor(i / batch) % FREQUENCIES, levels[i % batch]);
      // The frequency in turns errs by half an ulp, its product by one: up to 3e-6 turns, 2e-5 in all.
      features[i] = 1.5 * 2 * EPSILON * angle + COS_TURNS_ERROR;
    }
    return { features };
  },
  bench: (batch) => ({ conditions: { batch: padded(batch), noiseLevel: true, classes: 10 } }),
};
