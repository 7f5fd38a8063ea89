/** Word offsets in SamplingStep (shaders/lib/sampling_step.wgsl), the values of a sampling step; all fields but `seed` are f32. */
import layout from '../../shaders/lib/sampling_step.wgsl';

const { fields } = layout;

export const SAMPLING_STEP = {
  /** The noise level t that the network evaluates, and to which known pixels are brought. */
  level: fields.level.offset / 4,
  /** Factor of the velocity that moves x: t' - t for a step of Euler. */
  step: fields.step.offset / 4,
  /** Factor of the previous velocity; 0 leaves it out. */
  correction: fields.correction.offset / 4,
  /** 1: the network's prediction for the class; more: further away from its prediction without a class. */
  guidance: fields.guidance.offset / 4,
  /** A pixel is known where the mask is at least this. */
  knownFrom: fields.known_from.offset / 4,
  /** A u32: fixes the noise of the run. */
  seed: fields.seed.offset / 4,
} as const;

export const SAMPLING_STEP_WORDS = layout.size / 4;
