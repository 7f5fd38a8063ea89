// output[c][y][x][n] = images[n][y][x][c] for n < count, 0 in padded images: the caller's order to the kernels' order.
// images is [at least count][H][W][C], output [C][H][W][N].
// One invocation: one vec4 of the output.
#import lib/flat.wgsl
#import lib/step_state.wgsl

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  pixels: u32, // H * W
  channels: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<f32>;
@group(0) @binding(2) var<storage, read> state: StepState;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

fn load(n: u32, at: u32) -> f32 {
  if (n >= state.count) {
    return 0.0;
  }
  return images[n * params.pixels * params.channels + at];
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
  output[i] = vec4f(load(n, at), load(n + 1u, at), load(n + 2u, at), load(n + 3u, at));
}
