/** SamplingStep of shaders/lib/sampling_step.wgsl: what changes from step to step of sampling, as word offsets (all are f32). */
export const SAMPLING_STEP = {
  /** The level t at which the network looks, and to which known pixels are brought. */
  level: 0,
  /** By how much of the velocity x moves: t' - t for a step of Euler. */
  step: 1,
  /** By how much of the velocity before; 0 leaves it out. */
  correction: 2,
  /** 1: what the network says of a class; more: further away from what it says of none. */
  guidance: 3,
  /** A pixel is known where the mask is at least this. */
  knownFrom: 4,
} as const;

export const SAMPLING_STEP_WORDS = 8;
