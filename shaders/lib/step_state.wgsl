// The state that a training run carries from step to step without the host. src/plan/step_state.ts reads its layout from here.
struct StepState {
  step: u32, // completed steps
  batch_start: u32, // where the batch starts in the epoch's shuffled order
  count: u32, // images in the batch; the rest of its slots are padding
  epoch_size: u32, // images in an epoch
  correction1: f32, // 1 - beta1^updates
  correction2: f32, // 1 - beta2^updates
  learning_rate: f32, // before the schedule
  rate: f32, // of this step, after the schedule
  gradient_scale: f32, // factor of the gradients in Adam
  skipped: u32, // consecutive steps that were not finite and changed no weight; 0 if the current step is finite
  clip: f32, // gradients with a larger norm are scaled down to this norm
  weight_decay: f32, // in an update, every weight loses this share of the rate times itself
  warmup: u32, // steps in which the rate rises to the base rate
  decay_end: u32, // the step at which a decay ends; 0: no decay. With the highest bit set it is a line, else a cosine
  floor: f32, // share of the base rate at which the decay ends
}
