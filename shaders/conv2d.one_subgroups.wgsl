enable subgroups;

// conv2d for one output channel and a 5x5 kernel: see lib/conv2d_one.wgsl. The 25 weights of an input channel are loaded once per
// subgroup, seven by each of the lanes 0 to 3, and broadcast; surplus lanes stay, as they may hold weights.
// Needs the feature `subgroups` and a subgroup size of at least 4.
#import lib/conv2d_one.wgsl

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
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

var<private> slot: u32; // this lane loads taps slot, slot + 4, ..., slot + 20; tap 24 is loaded by all

fn taps_at(at: u32) -> Taps {
  let tap = params.in_channels * params.out_padded;
  let mine = at + slot * tap;
  let a = kernel[mine];
  let b = kernel[mine + 4u * tap];
  let c = kernel[mine + 8u * tap];
  let d = kernel[mine + 12u * tap];
  let e = kernel[mine + 16u * tap];
  let f = kernel[mine + 20u * tap];
  return Taps(
    subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u),
    subgroupBroadcast(b, 0u), subgroupBroadcast(b, 1u), subgroupBroadcast(b, 2u), subgroupBroadcast(b, 3u),
    subgroupBroadcast(c, 0u), subgroupBroadcast(c, 1u), subgroupBroadcast(c, 2u), subgroupBroadcast(c, 3u),
    subgroupBroadcast(d, 0u), subgroupBroadcast(d, 1u), subgroupBroadcast(d, 2u), subgroupBroadcast(d, 3u),
    subgroupBroadcast(e, 0u), subgroupBroadcast(e, 1u), subgroupBroadcast(e, 2u), subgroupBroadcast(e, 3u),
    subgroupBroadcast(f, 0u), subgroupBroadcast(f, 1u), subgroupBroadcast(f, 2u), subgroupBroadcast(f, 3u),
    kernel[at + 24u * tap]);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  slot = subgroup_lane % 4u;
  let strips = (params.width + 6u) / 7u;
  let n = group.x / strips * 32u + lane;
  let batch = params.n4 * 2u;
  convolve(group.x % strips * 7u, (group.z + params.first_group) * params.rows, min(n, batch - 1u), n < batch);
}
