// output[c][Y][X][n] = input[c][Y/2][X/2][n]: nearest 2x upsampling. input is [C][h][w][N], output [C][2h][2w][N].
// One invocation: one vec4 of the input, four of the output.
#import lib/flat.wgsl
#import lib/block.wgsl

struct Params {
  vec4s: u32, // of the input
  width: u32, // of the input
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
  let v = input[i];
  output[a] = v;
  output[a + params.n4] = v;
  output[c] = v;
  output[c + params.n4] = v;
}
