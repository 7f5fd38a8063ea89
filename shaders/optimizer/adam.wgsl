// Adam (Kingma and Ba, 2015, algorithm 1) with decoupled weight decay (AdamW: Loshchilov and Hutter, 2019, algorithm 2), with the step's
// bias corrections, learning rate and decay from the step state:
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
//   w = w (1 - rate * weight_decay) - rate * (m / correction1) / (sqrt(v / correction2) + epsilon).
// finish_step has already advanced the state, so the corrections and the rate belong to this step. g is the gradient times
// gradient_scale, which is 1 unless clipping applies. Without decay the factor of w is exactly 1. Unless the parameters are `unpacked`, the
// new w is also written to the places where the convolutions read it (lib/pack.wgsl). In a step that is not finite, nothing changes.
// One dispatch updates all layers. One workgroup: a block of 256 parameters of one layer, described by the block's row of a table. (Its
// columns are vec4s: as scalars they cost lavapipe as much as everything else together.)
// One invocation: four parameters. They may reach past the layer's last parameter: the flat arrays are padded.
#if unpacked
#else
#import lib/pack.wgsl
#endif
#import lib/step_state.wgsl

struct Params {
  count: u32, // of blocks
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
  epsilon: f32,
  first_group: u32,
}

struct Block {
  place: vec4u, // tap, c and o of its first parameter; number of the layer's parameters from there on
  layer: vec4u, // taps, inputs, outputs; index of the vec4 of the block's first parameters in the flat arrays
  packed_at: vec4u, // where the layer's forward, bias and backward copies start; index of the vec4 of the block's first gradients
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> blocks: array<Block>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read> state: StepState;
@group(0) @binding(4) var<storage, read_write> parameter: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> moment1: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> moment2: array<vec4f>;
#if unpacked
#else
@group(0) @binding(7) var<storage, read_write> packed: array<f32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u) {
  let index = (group.z + params.first_group) * groups.x + group.x;
  let own = blocks[index];
  let lane = id.x - group.x * 64u; // see lib/flat.wgsl
  let first = 4u * lane;
  let size = own.place.w;
  if (index >= params.count || first >= size || state.skipped > 0u) {
    return;
  }
  let g = gradient[own.packed_at.w + lane] * state.gradient_scale;
  let i = own.layer.w + lane;
  let m = params.beta1 * moment1[i] + params.one_minus_beta1 * g;
  let v = params.beta2 * moment2[i] + params.one_minus_beta2 * (g * g);
  moment1[i] = m;
  moment2[i] = v;
  let change = state.rate * (m / state.correction1) / (sqrt(v / state.correction2) + params.epsilon);
  let w = parameter[i] * (1.0 - state.rate * state.weight_decay) - change;
  parameter[i] = w;
#if unpacked
#else

  let layer = Packing(own.layer.x, own.layer.y, own.layer.z, own.packed_at.x, own.packed_at.y, own.packed_at.z);
  pack_four(layer, Place(own.place.x, own.place.y, own.place.z), first, size, w);
#endif
}
