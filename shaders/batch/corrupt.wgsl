// Mixes images with noise: noisy = (1 - t) x + t e, with x an image, t its level and e its noise; truth is a network's target. Noise is uniform in [0, 1), and truth = x; for flow matching (`flow`) x is from -1 to 1, e is standard normal, and
// truth = e - x, which is d noisy / dt.
// For slot n < count, with image = order[batch_start + n],
//   x = images[image][y][x][c] / 255, or 1 where that byte is above 127 and 0 elsewhere if binarize; for a flow / 127.5 - 1, and 1 and -1;
//   t is uniform in [0, 1), drawn for each image; for a flow t = levels[n].
// Other slots are 0. images holds bytes [images][H][W][C], four to a word; levels is [N], noisy and truth are [C][H][W][N].
// The random numbers are a function of seed, step and position alone: t of slot n is the first word of counter (step, n) under the key
// (seed, AMOUNT); e of element i (= (c * H + y) * W + x) of slot n is number n % 2 of counter (step, n / 2 * elements + i) under
// (seed, NOISE).
// One invocation: one vec4 of noisy and truth.
#import lib/flat.wgsl
#import lib/threefry.wgsl
#if flow
#import lib/normal.wgsl
#endif
#import lib/step_state.wgsl

// STREAM of src/base/random.ts.
const AMOUNT = 2u;
const NOISE = 3u;

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  binarize: u32,
  pixels: u32, // H * W
  channels: u32,
  seed: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: StepState;
@group(0) @binding(2) var<storage, read> images: array<u32>;
@group(0) @binding(3) var<storage, read_write> noisy: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> truth: array<vec4f>;
@group(0) @binding(5) var<storage, read> order: array<u32>;
#if flow
@group(0) @binding(6) var<storage, read> levels: array<vec4f>;
#endif

// For the slots n and n + 1, of which n is even.
fn noise_words(n: u32, element: u32) -> vec2u {
  let position = n / 2u * params.pixels * params.channels + element;
  return threefry(vec2u(params.seed, NOISE), vec2u(state.step, position));
}

// Byte `at` of the image of slot n.
fn load(n: u32, at: u32) -> f32 {
  if (n >= state.count) {
    return 0.0;
  }
  let k = order[state.batch_start + n] * params.pixels * params.channels + at;
  let byte = (images[k / 4u] >> (k % 4u * 8u)) & 255u;
#if flow
  if (params.binarize != 0u) {
    return select(-1.0, 1.0, byte > 127u);
  }
  return f32(2 * i32(byte) - 255) * (1.0 / 255.0);
#else
  if (params.binarize != 0u) {
    return select(0.0, 1.0, byte > 127u);
  }
  return f32(byte) * (1.0 / 255.0);
#endif
}

fn amount(n: u32) -> f32 {
  return uniform01(threefry(vec2u(params.seed, AMOUNT), vec2u(state.step, n))).x;
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
  let is_image = vec4u(n, n + 1u, n + 2u, n + 3u) < vec4u(state.count);
#if flow
  let e = normal(noise_words(n, element), noise_words(n + 2u, element));
  let t = levels[i % params.n4];
  truth[i] = select(vec4f(), e - x, is_image);
#else
  let e = vec4f(uniform01(noise_words(n, element)), uniform01(noise_words(n + 2u, element)));
  let t = vec4f(amount(n), amount(n + 1u), amount(n + 2u), amount(n + 3u));
  truth[i] = x;
#endif
  noisy[i] = select(vec4f(), (1.0 - t) * x + t * e, is_image);
}
