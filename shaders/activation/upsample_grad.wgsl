// The gradient through nearest 2x upsampling: grad[c][y][x][n] = sum of grad_output[c][2y .. 2y+1][2x .. 2x+1][n].
// grad_output is [C][2h][2w][N], grad [C][h][w][N].
// One invocation: one vec4 of grad.
#import lib/flat.wgsl
#import lib/block.wgsl

struct Params {
  vec4s: u32, // of grad
  width: u32, // of grad
  n4: u32, // N / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad_output: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> grad: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let a = block_start(i, params.width, params.n4);
  let c = a + 2u * params.width * params.n4;
  grad[i] = (grad_output[a] + grad_output[a + params.n4]) + (grad_output[c] + grad_output[c + params.n4]);
}
