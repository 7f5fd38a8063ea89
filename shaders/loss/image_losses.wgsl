// The mean squared error of each image, after the last activation: p = swish(pre), or pre where params.swish is 0.
//   losses[n] = sum over its elements of (p - truth)^2 / elements, exactly 0 for padded images, which may hold anything.
// pre and truth are [elements][N], losses is [N].
// One workgroup: one vec4 of losses. One invocation: every 64th element of its four images, in order.
#import lib/step_state.wgsl
#import lib/swish.wgsl

struct Params {
  elements: u32, // of one image
  n4: u32, // N / 4
  swish: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<vec4f>;
@group(0) @binding(2) var<storage, read> truth: array<vec4f>;
@group(0) @binding(3) var<storage, read> state: StepState;
@group(0) @binding(4) var<storage, read_write> losses: array<vec4f>;

var<workgroup> sums: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  // The grid is one workgroup wide.
  let local = id.x;
  let column = id.z + params.first_group;
  var squares = vec4f();
  for (var e = local; e < params.elements; e += 64u) {
    let z = pre[e * params.n4 + column];
    let difference = select(z, swish(z), params.swish != 0u) - truth[e * params.n4 + column];
    squares += difference * difference;
  }
  sums[local] = squares;
  workgroupBarrier();
  for (var i = 0u; i < 6u; i++) {
    let stride = 32u >> i;
    if (local < stride) {
      sums[local] += sums[local + stride];
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    let n = 4u * column;
    let is_image = vec4u(n, n + 1u, n + 2u, n + 3u) < vec4u(state.count);
    losses[column] = select(vec4f(), sums[0] / f32(params.elements), is_image);
  }
}
