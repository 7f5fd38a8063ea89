// Adam (Kingma and Ba, 2015, algorithm 1), with the step's bias corrections and learning rate from the step state:
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
//   w = w - rate * (m / correction1) / (sqrt(v / correction2) + epsilon).
// mse_finish has moved the state on before, so the corrections are those of this step. The new w also goes to where the
// convolutions read it (lib/pack.wgsl).
// One invocation: four parameters of a layer, of which there may be a few more than params.size: the flat arrays are padded.
#import lib/flat.wgsl
#import lib/pack.wgsl
#import lib/step_state.wgsl

struct Params {
  size: u32, // of the layer's parameters
  taps: u32,
  inputs: u32,
  outputs: u32,
  bias_at: u32,
  backward_at: u32,
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
  epsilon: f32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read> state: StepState;
@group(0) @binding(3) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> moment1: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> moment2: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (4u * i >= params.size) {
    return;
  }
  let g = grad[i];
  let m = params.beta1 * moment1[i] + params.one_minus_beta1 * g;
  let v = params.beta2 * moment2[i] + params.one_minus_beta2 * (g * g);
  moment1[i] = m;
  moment2[i] = v;
  let change = state.learning_rate * (m / state.correction1) / (sqrt(v / state.correction2) + params.epsilon);
  let w = parameter[i] - change;
  parameter[i] = w;
  for (var k = 0u; k < min(4u, params.size - 4u * i); k++) { pack(4u * i + k, w[k]); }
}
