// The gradient through 2x2 max pooling, the skip connection and the swish before both:
//   grad[c][Y][X][n] = (grad[c][Y][X][n] + routed[c][Y][X][n]) * swish'(pre[c][Y][X][n]),
// where grad holds the gradient from the skip connection, and routed is grad_output[c][Y/2][X/2][n] where swish(pre[c][Y][X][n]) is the
// maximum of its window, else 0. Of equal maxima, the first in row-major order gets the whole gradient.
// For a residual layer, the maximum is taken of residual + swish(pre), and the bracket, its gradient, is also written to grad_residual.
// grad_output is [C][h][w][N], the others are [C][2h][2w][N].
// One invocation: one vec4 of grad_output, that is, the four vec4s of a window.
#import lib/flat.wgsl
#import lib/block.wgsl
#import lib/swish.wgsl

struct Params {
  vec4s: u32, // of grad_output
  width: u32, // of grad_output
  n4: u32, // N / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<vec4f>;
@group(0) @binding(2) var<storage, read> grad_output: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> grad: array<vec4f>;
#if residual
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> grad_residual: array<vec4f>;
#endif

// The pooled value, and swish'(pre).
fn pooled(i: u32) -> SwishAndSlope {
#if residual
  let s = swish_and_slope(pre[i]);
  return SwishAndSlope(residual[i] + s.value, s.slope);
#else
  return swish_and_slope(pre[i]);
#endif
}

fn finish(i: u32, routed: vec4f, slope: vec4f) {
  let grad_output = grad[i] + routed;
#if residual
  grad_residual[i] = grad_output;
#endif
  grad[i] = grad_output * slope;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let at_a = block_start(i, params.width, params.n4);
  let at_b = at_a + params.n4;
  let at_c = at_a + 2u * params.width * params.n4;
  let at_d = at_c + params.n4;
  let a = pooled(at_a);
  let b = pooled(at_b);
  let c = pooled(at_c);
  let d = pooled(at_d);
  let top = max(max(a.value, b.value), max(c.value, d.value));

  // Each position gets the gradient unless an earlier one got it; the subtractions are exact, x - x or x - 0.
  let none = vec4f();
  var left = grad_output[i];
  let to_a = select(none, left, a.value == top);
  left -= to_a;
  let to_b = select(none, left, b.value == top);
  left -= to_b;
  let to_c = select(none, left, c.value == top);
  left -= to_c;
  finish(at_a, to_a, a.slope);
  finish(at_b, to_b, b.slope);
  finish(at_c, to_c, c.slope);
  finish(at_d, left, d.slope);
}
