// Adds the gradients of a backward pass, which are in slices, to sums that are laid out like the flat parameters:
//   sums[i] += sum over s of slices[s][i], the slices in their order.
// One dispatch handles all layers: the slices of a layer are [count][pitch], of which the first `size` are gradients. The rest of the last
// vec4 may hold anything, and adds nothing.
// One workgroup: a block of 256 gradients of one layer, described by the block's row of a table. One invocation: four gradients.
#import lib/slices.wgsl

struct Params {
  count: u32, // of blocks
  first_group: u32,
}

// As vec4s, which lavapipe loads much faster than scalars.
struct Block {
  at: vec4u, // first, pitch, count, size: see main
  sums_at: vec4u, // index of the vec4 of its first gradients in sums; 0; 0; 0
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> blocks: array<Block>;
@group(0) @binding(2) var<storage, read> slices: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;

alias Element = vec4f;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u) {
  let index = (group.z + params.first_group) * groups.x + group.x;
  let own = blocks[index];
  let lane = id.x - group.x * 64u; // see lib/flat.wgsl
  let first = own.at.x; // index in slices of the vec4 of the block's first gradients
  let pitch = own.at.y; // vec4s from a slice to the next
  let count = own.at.z; // of slices
  let size = own.at.w; // the layer's gradients from the block's first on, which may be more than the block has
  if (index >= params.count || 4u * lane >= size) {
    return;
  }
  let sum = sum_of_slices(first + lane, pitch, count);
  let is_gradient = vec4u(4u * lane) + vec4u(0u, 1u, 2u, 3u) < vec4u(size);
  sums[own.sums_at.x + lane] += select(vec4f(), sum, is_gradient);
}
