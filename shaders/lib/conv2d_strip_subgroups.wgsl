// How lib/conv2d_strip.wgsl gets its weights and its lanes with subgroups: the ten vec4 are loaded once per subgroup, three by each of the
// lanes 0 to 3, and broadcast; surplus lanes stay, as they may hold weights.
// Needs the feature `subgroups` (which the shader that includes this enables) and a subgroup size of at least 4.
#import lib/conv2d_strip.wgsl

// Slot s of ten is half s % 2 of tap s / 2. This lane loads slots lane % 4, 4 more and 8 more.
var<private> slot0: u32;
var<private> slot1: u32;
var<private> slot2: u32;

fn slot_at(s: u32) -> u32 {
  return s / 2u * params.from_channels * 2u * params.tiles + s % 2u;
}

fn row_weights(at: u32) -> RowWeights {
  let a = kernel[at + slot0];
  let b = kernel[at + slot1];
  let c = kernel[at + slot2];
  return RowWeights(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u),
    subgroupBroadcast(b, 0u), subgroupBroadcast(b, 1u), subgroupBroadcast(b, 2u), subgroupBroadcast(b, 3u),
    subgroupBroadcast(c, 0u), subgroupBroadcast(c, 1u));
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  let s = subgroup_lane % 4u;
  slot0 = slot_at(s);
  slot1 = slot_at(s + 4u);
  slot2 = slot_at(min(s + 8u, 9u));
  convolve(id.x, group.z + params.first_group);
}
