/** StepState of shaders/lib/step_state.wgsl: what a training run carries from step to step on the GPU, as word offsets. */
export const STATE = {
  /** Completed steps. */
  step: 0,
  /** Where the current batch starts in the epoch's shuffled order. */
  batchStart: 1,
  /** Images in the current batch. */
  count: 2,
  /** Images in an epoch. */
  epochSize: 3,
  /** 1 - beta1^step and 1 - beta2^step. */
  correction1: 4,
  correction2: 5,
  /** The base rate, set by the host. Behind all that must be taken back with a step that is given up. */
  learningRate: 6,
  /** That of the step under way: the base rate by the schedule. mse_finish sets this and what follows anew in every step. */
  rate: 7,
  /** Adam multiplies gradients by this: 1, or less where clipping bites. */
  gradientScale: 8,
  /** Of all gradients together; 0 where nothing asks for it. */
  gradientNorm: 9,
} as const;

export const STATE_WORDS = 12;
