// Adds up gradients that are stored in slices, and the squares of the sums for the norm of all gradients together:
//   slices[0] = sum over s of slices[s], in the order of s and in place, so that later kernels read the gradient from slice 0,
//   partials[k] = sum of slices[0]^2 over the gradients of block k (finish_step adds them up).
// One dispatch handles all layers, laid out as for adam: the slices of a layer are [count][pitch], of which the first `size` are gradients.
// The rest of the last vec4 may hold anything: the norm leaves it out, and it becomes 0 where a sum is written.
// One workgroup: a block of 256 vec4s of one layer, described by the block's row of a table. One invocation: four of them, 64 apart,
// because the barriers of a reduction are expensive on software adapters.
#import lib/reduce.wgsl
#import lib/slices.wgsl

struct Params {
  count: u32, // of blocks
  first_group: u32,
}

// As one vec4, which lavapipe loads much faster than four scalars.
struct Block {
  at: vec4u, // first, pitch, count, size: see main
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> blocks: array<Block>;
@group(0) @binding(2) var<storage, read_write> slices: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

alias Element = vec4f;
alias Summand = f32;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u) {
  let index = (group.z + params.first_group) * groups.x + group.x;
  let local = id.x - group.x * 64u; // see lib/flat.wgsl
  // No early return: all invocations must reach the barriers in workgroup_sum.
  var squares = 0.0;
  if (index < params.count) {
    let at = blocks[index].at;
    let first = at.x; // index in slices of the vec4 of the block's first gradients
    let pitch = at.y; // vec4s from a slice to the next
    let count = at.z; // of slices
    let size = at.w; // the layer's gradients from the block's first on, which may be more than the block has
    let end = min(256u, (size + 3u) / 4u);
    for (var i = local; i < end; i += 64u) {
      // A single slice needs no sum: the loops of sum_of_slices cost lavapipe more than the load.
      var sum = slices[first + i];
      if (count > 1u) {
        sum = sum_of_slices(first + i, pitch, count);
      }
      let is_gradient = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(size);
      let g = select(vec4f(), sum, is_gradient);
      if (count > 1u) {
        slices[first + i] = g;
      }
      let square = g * g;
      squares += (square.x + square.y) + (square.z + square.w);
    }
  }
  let sum = workgroup_sum(squares, local);
  if (local == 0u && index < params.count) {
    partials[index] = sum;
  }
}
