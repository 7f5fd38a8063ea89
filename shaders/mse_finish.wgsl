// Ends the forward pass of a training step: losses[step % ring] = sum of partials / (count * elements), then moves the state on
// to the next step: its number, its batch, and the bias corrections 1 - beta^step by the recurrence
//   1 - beta^t = (1 - beta^(t-1)) * beta + (1 - beta),
// since 1 - pow(beta, t) cancels in f32. (Moments follow the same recurrence, so even its rounding largely drops out.)
// One workgroup does it all, in a fixed order.
#import lib/reduce.wgsl
#import lib/step_state.wgsl

struct Params {
  partial_count: u32,
  elements: u32, // of one image
  batch_size: u32, // images in every batch but the last of an epoch
  ring: u32,
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: StepState;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

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
    losses[state.step % params.ring] = sum / f32(state.count * params.elements);
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
