// grad = grad * swish'(pre), element by element, in any layout and in place: from dL/d(swish(pre)) to dL/d(pre).
// One invocation: one vec4.
#import lib/flat.wgsl
#import lib/swish.wgsl

struct Params {
  vec4s: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> grad: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  grad[i] = grad[i] * swish_and_slope(pre[i]).slope;
}
