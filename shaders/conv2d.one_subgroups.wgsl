enable subgroups;

// conv2d for one output channel and a 5x5 kernel with subgroups: see lib/conv2d_one.wgsl.
#import lib/conv2d_one.wgsl
#import lib/taps_subgroups.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  in_channels: u32,
  out_padded: u32,
  rows: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  slot = subgroup_lane % 4u;
  convolve(id.x, group.z + params.first_group);
}
