// Ends the forward pass of a training step: records[step % ring] = (loss, rate, 0, 0) with loss = sum of partials / (count * elements) and
// the rate that adam is to use, the base rate by the schedule (0 stands where gradient_norm_finish may put the norm of the gradients);
// no clipping unless something says so. Then moves the state on to the next step: its number, its batch, and the bias corrections
// 1 - beta^step by the recurrence
//   1 - beta^t = (1 - beta^(t-1)) * beta + (1 - beta),
// since 1 - pow(beta, t) cancels in f32. (Moments follow the same recurrence, so even its rounding largely drops out.)
// One workgroup does it all, in a fixed order.
#import lib/reduce.wgsl
#import lib/step_state.wgsl
#import lib/turns.wgsl

struct Params {
  partial_count: u32,
  elements: u32, // of one image
  batch_size: u32, // images in every batch but the last of an epoch
  ring: u32,
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
  warmup: u32, // steps
  decay_end: u32, // the step at which a cosine ends; 0: no decay
  floor: f32, // the share of the base rate that it ends at
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: StepState;
@group(0) @binding(3) var<storage, read_write> records: array<vec4f>;

// The share of the base rate for a step, `completed` steps before it: rateFactor of src/training/schedule.ts. Exactly 1 without a schedule.
fn rate_factor(completed: u32) -> f32 {
  if (completed < params.warmup) {
    return f32(completed + 1u) / f32(params.warmup);
  }
  if (params.decay_end == 0u) {
    return 1.0;
  }
  // (1 + cos(pi t)) / 2 is cos(pi t / 2)^2, which does not cancel at the end, t = 1, where it is exactly 0.
  let left = max(params.decay_end, completed) - completed;
  let t = 1.0 - f32(left) / f32(params.decay_end - params.warmup);
  let wave = cos_turns(vec4f(0.25 * t)).x;
  return params.floor + (1.0 - params.floor) * (wave * wave);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var mine = 0.0;
  let rounds = (params.partial_count + 63u) / 64u;
  for (var round = 0u; round < rounds; round++) {
    let k = round * 64u + local;
    if (k < params.partial_count) {
      mine += partials[k];
    }
  }
  let sum = workgroup_sum(mine, local);
  if (local == 0u) {
    let rate = state.learning_rate * rate_factor(state.step);
    records[state.step % params.ring] = vec4f(sum / f32(state.count * params.elements), rate, 0.0, 0.0);
    state.rate = rate;
    state.gradient_scale = 1.0;
    state.gradient_norm = 0.0;
    state.step += 1u;
    state.correction1 = state.correction1 * params.beta1 + params.one_minus_beta1;
    state.correction2 = state.correction2 * params.beta2 + params.one_minus_beta2;
    var start = state.batch_start + state.count;
    if (start >= state.epoch_size) {
      start = 0u;
    }
    state.batch_start = start;
    state.count = min(params.batch_size, state.epoch_size - start);
  }
}
