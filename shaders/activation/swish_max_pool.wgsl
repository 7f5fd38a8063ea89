// output[c][y][x][n] = max of swish(input[c][2y .. 2y+1][2x .. 2x+1][n]): the activation, then 2x2 max pooling with stride 2.
// For a residual layer, the maximum is taken of residual + swish(input). input and residual are [C][2h][2w][N], output [C][h][w][N].
// One invocation: one vec4 of the output.
#import lib/flat.wgsl
#import lib/block.wgsl
#import lib/swish.wgsl

struct Params {
  vec4s: u32, // of the output
  width: u32, // of the output
  n4: u32, // N / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
#if residual
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
#endif

fn value(i: u32) -> vec4f {
#if residual
  return residual[i] + swish(input[i]);
#else
  return swish(input[i]);
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let a = block_start(i, params.width, params.n4);
  let c = a + 2u * params.width * params.n4;
  let upper = max(value(a), value(a + params.n4));
  let lower = max(value(c), value(c + params.n4));
  output[i] = max(upper, lower);
}
