// output[i] = sum over s of slices[s][i], in the order of s.
// slices is [count][pitch], of which the first `size` of each slice are summed; output is [size].
// One invocation: one element.
#import lib/flat.wgsl
#import lib/slices.wgsl

struct Params {
  size: u32,
  pitch: u32,
  count: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slices: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

alias Element = f32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i < params.size) {
    output[i] = sum_of_slices(i, params.pitch, params.count);
  }
}
