/** StepState of shaders/lib/step_state.wgsl: what a training run carries from step to step on the GPU, as word offsets. */
import layout from '../../shaders/lib/step_state.wgsl';

const { fields } = layout;

export const STATE = {
  /** Completed steps. */
  step: fields.step.offset / 4,
  /** Where the current batch starts in the epoch's shuffled order. */
  batchStart: fields.batch_start.offset / 4,
  /** Images in the current batch. */
  count: fields.count.offset / 4,
  /** Images in an epoch. */
  epochSize: fields.epoch_size.offset / 4,
  /** 1 - beta1^updates and 1 - beta2^updates: a step that is skipped is none. */
  correction1: fields.correction1.offset / 4,
  correction2: fields.correction2.offset / 4,
  /** The base rate, set by the host. */
  learningRate: fields.learning_rate.offset / 4,
  /** That of the step under way: the base rate by the schedule. finish_step sets this and what follows. */
  rate: fields.rate.offset / 4,
  /** Adam multiplies gradients by this: 1, or less where clipping bites. */
  gradientScale: fields.gradient_scale.offset / 4,
  /** Steps in a row that were not finite. More than may be, and the GPU makes none until the host has set this to 0. */
  skipped: fields.skipped.offset / 4,
} as const;

export const STATE_WORDS = layout.size / 4;
