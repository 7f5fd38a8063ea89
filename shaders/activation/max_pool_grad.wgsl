// The gradient through 2x2 max pooling: grad[c][Y][X][n] = grad_output[c][Y/2][X/2][n] where input[c][Y][X][n] is the maximum of its
// window, else 0. Of equal maxima, the first in row-major order gets the whole gradient.
// grad_output is [C][h][w][N], the others are [C][2h][2w][N].
// One invocation: one vec4 of grad_output, that is, the four vec4s of a window.
#import lib/flat.wgsl
#import lib/block.wgsl

struct Params {
  vec4s: u32, // of grad_output
  width: u32, // of grad_output
  n4: u32, // N / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
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
  let a = input[at_a];
  let b = input[at_b];
  let c = input[at_c];
  let d = input[at_d];
  let top = max(max(a, b), max(c, d));

  let none = vec4f();
  let all = grad_output[i];
  let is_a = a == top;
  let is_b = !is_a & (b == top);
  let is_c = !is_a & !is_b & (c == top);
  grad[at_a] = select(none, all, is_a);
  grad[at_b] = select(none, all, is_b);
  grad[at_c] = select(none, all, is_c);
  grad[at_d] = select(all, none, is_a | is_b | is_c);
}
