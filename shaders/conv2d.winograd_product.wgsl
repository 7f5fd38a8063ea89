// Winograd F(4x4, 5x5), product: see lib/winograd_product.wgsl. All invocations of a group read the same weights.
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

fn weights_at(at: u32) -> Sixteen {
  return Sixteen(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  // Two columns per lane, half a workgroup's reach apart; a small batch needs fewer lanes.
  let reach = min(32u, (params.columns + 1u) / 2u);
  let column = group.y * 64u + lane;
  if (lane < reach && column < params.columns) { multiply(group.z + params.first_group, column, reach, group.x * 16u); }
}
