// Mean squared error over the first `count` images of a batch, after the last activation: prediction = swish(pre), or pre where
// params.swish is 0. Writes the gradient for pre and the partial sums of the error:
//   grad = 2 (prediction - truth) / (count * elements) * swish'(pre), exactly 0 in padded images, which may hold anything;
//   partials[k] = sum of (prediction - truth)^2 over block k of 256 vec4s (finish_step adds them up).
// pre, truth and grad are [elements][N].
// One workgroup: a block of 256 vec4s. One invocation: four of them, 64 apart, because the barriers of a reduction are expensive on
// software adapters.
#import lib/flat.wgsl
#import lib/reduce.wgsl
#import lib/step_state.wgsl
#import lib/swish.wgsl

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  elements: u32, // of one image
  partial_count: u32,
  swish: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<vec4f>;
@group(0) @binding(2) var<storage, read> truth: array<vec4f>;
@group(0) @binding(3) var<storage, read> state: StepState;
@group(0) @binding(4) var<storage, read_write> grad: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;

alias Summand = f32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = flat_index(id, groups, params.first_group);
  let k = index / 64u; // index of the workgroup
  let local = index % 64u;
  let first = k * 256u + local;
  // No early return: all invocations must reach the barriers in workgroup_sum.
  var squares = 0.0;
  let end = min(first + 256u, params.vec4s);
  for (var i = first; i < end; i += 64u) {
    let n = 4u * (i % params.n4);
    let is_image = vec4u(n, n + 1u, n + 2u, n + 3u) < vec4u(state.count);
    let z = pre[i];
    let activated = swish_and_slope(z);
    let prediction = select(z, activated.value, params.swish != 0u);
    let slope = select(vec4f(1.0), activated.slope, params.swish != 0u);
    let difference = prediction - truth[i];
    // Padding is zeroed after the multiplications: it may hold infinities, and 0 * inf is NaN.
    grad[i] = select(vec4f(), difference * (2.0 / f32(state.count * params.elements)) * slope, is_image);
    let square = select(vec4f(), difference * difference, is_image);
    squares += (square.x + square.y) + (square.z + square.w);
  }
  let sum = workgroup_sum(squares, local);
  if (local == 0u && k < params.partial_count) {
    partials[k] = sum;
  }
}
