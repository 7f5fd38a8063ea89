// sums[first + c][n] = sum over y, x of grad[c][y][x][n], in row-major order: the gradient of a bias per image.
// grad is [C][H * W][N], bound as `slices`: its pixels are the slices to add up. sums is [rows][N]; C rows from `first` on are written.
// One invocation: one vec4 of a row. (Splitting the pixels among the invocations of a workgroup, which then add up their sums after a
// barrier, takes twice as long on lavapipe and several times as long on SwiftShader.)
// Grid: x is 1, z over blocks of 64 vec4s of the C rows.
#import lib/slices.wgsl

struct Params {
  vec4s: u32, // C * N / 4
  n4: u32, // N / 4
  pixels: u32, // H * W
  first: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slices: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>;

alias Element = vec4f;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = (id.z + params.first_group) * 64u + id.x;
  if (i < params.vec4s) {
    let n4 = params.n4;
    sums[params.first * n4 + i] = sum_of_slices(i / n4 * params.pixels * n4 + i % n4, n4, params.pixels);
  }
}
