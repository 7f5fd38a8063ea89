// grad_input[c][Y][X][n] += grad_output[c][Y/2][X/2][n] where input[c][Y][X][n] is the maximum of its 2x2 window.
// Of equal maxima, the first in row-major order takes it all. grad_input already holds what came through the skip connection.
// input and grad_input are [C][2h][2w][N], grad_output is [C][h][w][N].
// One invocation: one vec4 of grad_output, that is, the four vec4 of a window.
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
@group(0) @binding(3) var<storage, read_write> grad_input: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u, params.first_group);
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

  // Each position takes what no earlier one has taken; the subtractions are exact, x - x or x - 0.
  let none = vec4f();
  var left = grad_output[i];
  let to_a = select(none, left, a == top);
  left -= to_a;
  let to_b = select(none, left, b == top);
  left -= to_b;
  let to_c = select(none, left, c == top);
  left -= to_c;
  grad_input[at_a] += to_a;
  grad_input[at_b] += to_b;
  grad_input[at_c] += to_c;
  grad_input[at_d] += left;
}
