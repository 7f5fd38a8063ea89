// output[i] = sum over s of slices[s][i], in the order of s.
// slices [count][size], output [size].
// One invocation: one element.
#import lib/flat.wgsl

struct Params {
  size: u32,
  count: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slices: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.size) {
    return;
  }
  var sum = 0.0;
  var at = i;
  // There may be hundreds of slices, but only few invocations: a GPU should not wait for one load after the other.
  for (var eights = params.count / 8u; eights > 0u; eights--) {
    let a = slices[at];
    let b = slices[at + params.size];
    let c = slices[at + 2u * params.size];
    let d = slices[at + 3u * params.size];
    let e = slices[at + 4u * params.size];
    let f = slices[at + 5u * params.size];
    let g = slices[at + 6u * params.size];
    let h = slices[at + 7u * params.size];
    sum = sum + a + b + c + d + e + f + g + h;
    at += 8u * params.size;
  }
  for (var rest = params.count % 8u; rest > 0u; rest--) {
    sum += slices[at];
    at += params.size;
  }
  output[i] = sum;
}
