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
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u, params.first_group);
  if (i >= params.size) {
    return;
  }
  var sum = 0.0;
  for (var s = 0u; s < params.count; s++) {
    sum += slices[s * params.size + i];
  }
  output[i] = sum;
}
