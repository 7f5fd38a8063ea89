import { type LevelShape, sameLevel } from '../../src/kernels/same_level';
import { SAMPLING_STEP_WORDS } from '../../src/plan/sampling_step';
import { reference } from '../../src/reference/same_level';
import { exact, padded, type Spec } from './lib/spec';

export const spec: Spec<LevelShape, 'step' | 'levels'> = {
  kernel: sameLevel,
  cases: {
    'one vec4': { batch: padded(1) },
    'not a multiple of the workgroup': { batch: 4 * 67 },
    'more than one row of workgroups': { batch: 4 * 64 * 1024 + 4 },
  },
  inputs: (_, random) => ({ step: random.floats(SAMPLING_STEP_WORDS, 0, 1) }),
  reference,
  error: exact,
  bench: (batch) => ({ conditions: { batch: padded(batch) } }),
};
