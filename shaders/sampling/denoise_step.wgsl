// x = clamp(x * (1 - m) + prediction * m, 0, 1), element by element, in any layout and in place: one sampling step.
// m, the share of the prediction, is in a buffer, so that it can change from step to step within one submission.
// One invocation: one vec4.
#import lib/flat.wgsl

struct Params {
  vec4s: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> prediction: array<vec4f>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let m = share[0];
  x[i] = clamp(x[i] * (1.0 - m) + prediction[i] * m, vec4f(0.0), vec4f(1.0));
}
