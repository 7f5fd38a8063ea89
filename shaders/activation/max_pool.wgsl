// output[c][y][x][n] = max of input[c][2y .. 2y+1][2x .. 2x+1][n]: 2x2 max pooling with stride 2. input is [C][2h][2w][N], output
// [C][h][w][N].
// One invocation: one vec4 of the output.
#import lib/flat.wgsl
#import lib/block.wgsl

struct Params {
  vec4s: u32, // of the output
  width: u32, // of the output
  n4: u32, // N / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let a = block_start(i, params.width, params.n4);
  let c = a + 2u * params.width * params.n4;
  output[i] = max(max(input[a], input[a + params.n4]), max(input[c], input[c + params.n4]));
}
