// The gradient of the conditioning's hidden layer before its activation in one dispatch, for GPUs, which would wait for two in turn:
//   grad[h][n] = swish'(pre[h][n]) * sum over o of sums[o][n] * kernel[o][h],
// from the gradients `sums` [outputs][N] of the biases of images; kernel [outputs][64], pre and grad [64][N].
// One workgroup: four images. One invocation: a hidden unit. 64 rows of sums at a time are loaded into workgroup memory, and eight weights at
// once, so that a GPU waits once for the eight; rows after the last are 0.
// Grid: z over vec4s of images.
#import lib/swish.wgsl

struct Params {
  n4: u32, // N / 4
  outputs: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> grad: array<vec4f>;

var<workgroup> rows: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.z + params.first_group;
  var sum = vec4f();
  var first = 0u;
  for (var blocks = (params.outputs + 63u) / 64u; blocks > 0u; blocks--) {
    var row = vec4f();
    if (first + lane < params.outputs) { row = sums[(first + lane) * params.n4 + n]; }
    rows[lane] = row;
    workgroupBarrier();
    var o = 0u;
    for (var left = (min(64u, params.outputs - first) + 7u) / 8u; left > 0u; left--) {
      #each k 8
      let w$k = kernel[64u * min(first + o + $k, params.outputs - 1u) + lane];
      #end
      #each k 8
      sum = fma(rows[o + $k], vec4f(w$k), sum);
      #end
      o += 8u;
    }
    workgroupBarrier();
    first += 64u;
  }
  let at = lane * params.n4 + n;
  grad[at] = sum * swish_and_slope(pre[at]).slope;
}
