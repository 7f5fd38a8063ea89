// output[e][n] = a random number for n < count, 0 in padded images: uniform in [0, 1) or, if `gaussian`, standard normal. output is
// [elements][N]. It is number n % 2 of counter (n / 2, e) under the key (step.seed, SAMPLE): the same for image n in a batch of any size.
// One invocation: one vec4.
#import lib/flat.wgsl
#import lib/sampling_step.wgsl
#import lib/threefry.wgsl
#if gaussian
#import lib/normal.wgsl
#endif

// STREAM of src/base/random.ts.
const SAMPLE = 4u;

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  count: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: SamplingStep;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let n = 4u * (i % params.n4);
  let element = i / params.n4;
  let key = vec2u(step.seed, SAMPLE);
  let first = threefry(key, vec2u(n / 2u, element));
  let second = threefry(key, vec2u(n / 2u + 1u, element));
#if gaussian
  let made = normal(first, second);
#else
  let made = vec4f(uniform01(first), uniform01(second));
#endif
  let is_image = vec4u(n, n + 1u, n + 2u, n + 3u) < vec4u(params.count);
  output[i] = select(vec4f(), made, is_image);
}
