/** SamplingStep of shaders/lib/sampling_step.wgsl: what changes from step to step of sampling, as word offsets (all are f32). */
import layout from '../../shaders/lib/sampling_step.wgsl';

const { fields } = layout;

export const SAMPLING_STEP = {
  /** The level t at which the network looks, and to which known pixels are brought. */
  level: fields.level.offset / 4,
  /** By how much of the velocity x moves: t' - t for a step of Euler. */
  step: fields.step.offset / 4,
  /** By how much of the velocity before; 0 leaves it out. */
  correction: fields.correction.offset / 4,
  /** 1: what the network says of a class; more: further away from what it says of none. */
  guidance: fields.guidance.offset / 4,
  /** A pixel is known where the mask is at least this. */
  knownFrom: fields.known_from.offset / 4,
} as const;

export const SAMPLING_STEP_WORDS = layout.size / 4;
