// Clips by the global norm, as clip_grad_norm_ of PyTorch does:
//   norm = sqrt(sum of partials),  gradient_scale = min(1, clip / (norm + 1e-6)),
// which go into the step state (adam multiplies gradients by the scale), the norm into the record of the step, too. mse_finish has moved the
// state on before. A norm that is no number is none of this kernel's business: it spreads to all parameters, and the loss tells.
// One workgroup does it all, in a fixed order.
#import lib/reduce.wgsl
#import lib/step_state.wgsl

struct Params {
  partial_count: u32,
  ring: u32,
  clip: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: StepState;
@group(0) @binding(3) var<storage, read_write> records: array<vec4f>;

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
    let norm = sqrt(sum);
    state.gradient_norm = norm;
    state.gradient_scale = min(1.0, params.clip / (norm + 1e-6));
    records[(state.step - 1u) % params.ring].z = norm;
  }
}
