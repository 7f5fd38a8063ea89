// Draws a batch from the data set and corrupts it for flow matching. For slot n < count, with image = order[batch_start + n],
// t = levels[n] and e standard normal:
//   x = images[image][y][x][c] / 127.5 - 1, or 1 where that byte is above 127 and -1 elsewhere if binarize;
//   noisy[c][y][x][n] = (1 - t) x + t e, velocity[c][y][x][n] = e - x, which is d noisy / dt.
// Other slots are 0. images holds bytes [images][H][W][C], four to a word; levels is [N], noisy and velocity are [C][H][W][N].
// e of element i (= (c * H + y) * W + x) of slot n is normal number n % 2 of counter (step, n / 2 * elements + i) under the key
// (seed, NOISE).
// One invocation: one vec4 of noisy and velocity.
#import lib/flat.wgsl
#import lib/threefry.wgsl
#import lib/normal.wgsl
#import lib/step_state.wgsl

// STREAM of src/base/random.ts.
const NOISE = 3u;

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  pixels: u32, // H * W
  channels: u32,
  seed: u32,
  binarize: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> state: StepState;
@group(0) @binding(4) var<storage, read> levels: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> noisy: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> velocity: array<vec4f>;

// Byte `at` of the image of slot n.
fn load(n: u32, at: u32) -> f32 {
  if (n >= state.count) {
    return 0.0;
  }
  let k = order[state.batch_start + n] * params.pixels * params.channels + at;
  let byte = (images[k / 4u] >> (k % 4u * 8u)) & 255u;
  if (params.binarize != 0u) {
    return select(-1.0, 1.0, byte > 127u);
  }
  return f32(2 * i32(byte) - 255) * (1.0 / 255.0);
}

// For the slots n and n + 1.
fn noise(n: u32, element: u32) -> vec2u {
  let position = n / 2u * params.pixels * params.channels + element;
  return threefry(vec2u(params.seed, NOISE), vec2u(state.step, position));
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
  let x = vec4f(load(n, at), load(n + 1u, at), load(n + 2u, at), load(n + 3u, at));
  let e = normal(noise(n, element), noise(n + 2u, element));
  let t = levels[i % params.n4];
  let is_image = vec4u(n, n + 1u, n + 2u, n + 3u) < vec4u(state.count);
  noisy[i] = select(vec4f(), (1.0 - t) * x + t * e, is_image);
  velocity[i] = select(vec4f(), e - x, is_image);
}
