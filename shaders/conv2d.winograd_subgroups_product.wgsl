enable subgroups;

// Winograd F(4x4, 5x5), product: see lib/winograd_product.wgsl. The 16 weights of an input channel are loaded once per subgroup, four
// by each of the lanes 0..3 (and again by 4..7 and so on), then broadcast; a software adapter pays for every loaded component, so this
// is 1.5-2.5x faster there. Lanes beyond the columns stay, as they may hold weights.
// Needs the feature `subgroups` and a subgroup size of at least 4.
#import lib/winograd_product.wgsl

struct Params {
  columns: u32,
  pitch: u32,
  cin: u32,
  cout4: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> products: array<vec4f>;

var<private> slot: u32; // which of the four vec4s of weights this lane loads

fn weights_at(at: u32) -> Sixteen {
  let w = weights[at + slot];
  return Sixteen(subgroupBroadcast(w, 0u), subgroupBroadcast(w, 1u), subgroupBroadcast(w, 2u), subgroupBroadcast(w, 3u));
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  slot = subgroup_lane & 3u;
  multiply(group.z + params.first_group, group.y * 64u + lane, 32u, group.x * 16u);
}
