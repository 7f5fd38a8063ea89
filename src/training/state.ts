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
  /** Behind all that a step itself changes. */
  learningRate: 6,
} as const;

export const STATE_WORDS = 8;
