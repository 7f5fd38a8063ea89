// Back through swish and what follows it on the way down, 2x2 max pooling and the skip connection:
//   grad[c][Y][X][n] = (grad[c][Y][X][n] + routed[c][Y][X][n]) * swish'(pre[c][Y][X][n]),
// where grad holds what came through the skip connection, and routed is grad_output[c][Y/2][X/2][n] where swish(pre[c][Y][X][n]) is the
// maximum of its window, else 0. Of equal maxima, the first in row-major order takes it all.
// pre and grad are [C][2h][2w][N], grad_output is [C][h][w][N].
// One invocation: one vec4 of grad_output, that is, the four vec4 of a window.
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
  let a = swish_and_slope(pre[at_a]);
  let b = swish_and_slope(pre[at_b]);
  let c = swish_and_slope(pre[at_c]);
  let d = swish_and_slope(pre[at_d]);
  let top = max(max(a.value, b.value), max(c.value, d.value));

  // Each position takes what no earlier one has taken; the subtractions are exact, x - x or x - 0.
  let none = vec4f();
  var left = grad_output[i];
  let to_a = select(none, left, a.value == top);
  left -= to_a;
  let to_b = select(none, left, b.value == top);
  left -= to_b;
  let to_c = select(none, left, c.value == top);
  left -= to_c;
  grad[at_a] = (grad[at_a] + to_a) * a.slope;
  grad[at_b] = (grad[at_b] + to_b) * b.slope;
  grad[at_c] = (grad[at_c] + to_c) * c.slope;
  grad[at_d] = (grad[at_d] + left) * d.slope;
}
