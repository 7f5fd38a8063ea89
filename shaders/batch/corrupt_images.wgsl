// Corrupts images of the caller's, [count][H][W][C] of f32 from 0 to 1, in that order. With t = levels[n]:
//   noisy = (1 - t) x + t e and truth = x, with x the image and e uniform in [0, 1);
//   for flow matching (`flow`) x = 2 image - 1, e is standard normal, and truth = e - x, which is d noisy / dt.
// The random numbers are those of corrupt and corrupt_flow: for element i (= (c * H + y) * W + x) of image n, number n % 2 of counter
// (step, n / 2 * elements + i) under the key (seed, NOISE).
// One invocation: one value.
#import lib/flat.wgsl
#import lib/threefry.wgsl
#if flow
#import lib/normal.wgsl
#endif
#import lib/step_state.wgsl

// STREAM of src/base/random.ts.
const NOISE = 3u;

struct Params {
  size: u32, // values of all images
  pixels: u32, // H * W
  channels: u32,
  seed: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<f32>;
@group(0) @binding(2) var<storage, read> state: StepState;
@group(0) @binding(3) var<storage, read> levels: array<f32>;
@group(0) @binding(4) var<storage, read_write> noisy: array<f32>;
@group(0) @binding(5) var<storage, read_write> truth: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat_index(id, groups, params.first_group);
  if (at >= params.size) {
    return;
  }
  let elements = params.pixels * params.channels;
  let n = at / elements;
  let element = at % params.channels * params.pixels + at % elements / params.channels;
  let words = threefry(vec2u(params.seed, NOISE), vec2u(state.step, n / 2u * elements + element));
  let t = levels[n];
#if flow
  let x = 2.0 * images[at] - 1.0;
  let e = normal(words, words)[n % 2u];
  truth[at] = e - x;
#else
  let x = images[at];
  let e = uniform01(words)[n % 2u];
  truth[at] = x;
#endif
  noisy[at] = (1.0 - t) * x + t * e;
}
