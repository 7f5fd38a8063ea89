// output = clamp(x / 2 + 1/2, 0, 1): from the network's range, -1 to 1, to pixels from 0 to 1.
// output is [elements][N]; so is x, or, if guided, [elements][2N], of which only the first half is read.
// One invocation: one vec4 of output.
#import lib/flat.wgsl

struct Params {
  vec4s: u32, // of output
  n4: u32, // N / 4
  guided: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  // If guided, every whole row of N before element i is followed by its second half.
  let at = select(i, i + i / params.n4 * params.n4, params.guided != 0u);
  output[i] = clamp(0.5 * x[at] + 0.5, vec4f(0.0), vec4f(1.0));
}
