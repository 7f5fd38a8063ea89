import type { LevelShape } from '../kernels/same_level';
import type { Arrays } from '../plan/reference';
import { SAMPLING_STEP } from '../plan/sampling_step';
import { atMost, type SmallCase } from '../plan/small_case';

/** The step's noise level for each image of the batch. */
export const reference = ({ batch }: LevelShape, { step }: Arrays) => ({
  levels: new Float64Array(batch).fill(step[SAMPLING_STEP.level]),
});

export const small: SmallCase<LevelShape> = { shape: atMost<LevelShape>({ batch: 8 }) };
