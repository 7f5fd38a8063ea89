// images[n][y][x][c] = input[c][y][x][n] for n < count: the kernels' order to the caller's order, without padded images.
// input is [C][H][W][N], images [count][H][W][C]. If pictures, clamp(input / 2 + 1/2, 0, 1) takes the place of input: from the network's
// range, -1 to 1, to pixels from 0 to 1.
// One invocation: one vec4 of the input.
#import lib/flat.wgsl

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  pixels: u32, // H * W
  channels: u32,
  count: u32,
  pictures: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> images: array<f32>;

fn store(n: u32, at: u32, value: f32) {
  if (n < params.count) {
    images[n * params.pixels * params.channels + at] = value;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let n = 4u * (i % params.n4);
  let element = i / params.n4;
  let at = element % params.pixels * params.channels + element / params.pixels;
  let given = input[i];
  let v = select(given, clamp(0.5 * given + 0.5, vec4f(0.0), vec4f(1.0)), params.pictures != 0u);
  store(n, at, v.x);
  store(n + 1u, at, v.y);
  store(n + 2u, at, v.z);
  store(n + 3u, at, v.w);
}
