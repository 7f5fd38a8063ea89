// Sets the known pixels of x, in place, to the noise level of the other pixels: where mask >= step.known_from
//   x = (1 - step.level) * (2 start - 1) + step.level * noise,
// elsewhere x stays. start holds images from 0 to 1, x goes from -1 to 1. start, noise and mask are [elements][N]; so is x, or, if guided,
// [elements][2N], where both halves get the same values.
// One invocation: one vec4 of start.
#import lib/flat.wgsl
#import lib/sampling_step.wgsl

struct Params {
  vec4s: u32, // of start
  n4: u32, // N / 4
  guided: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: SamplingStep;
@group(0) @binding(2) var<storage, read> start: array<vec4f>;
@group(0) @binding(3) var<storage, read> noise: array<vec4f>;
@group(0) @binding(4) var<storage, read> mask: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> x: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  // If guided, every whole row of N before element i is followed by its second half.
  let at = select(i, i + i / params.n4 * params.n4, params.guided != 0u);
  let known = (1.0 - step.level) * (2.0 * start[i] - 1.0) + step.level * noise[i];
  let is_known = mask[i] >= vec4f(step.known_from);
  x[at] = select(x[at], known, is_known);
  if (params.guided != 0u) {
    x[at + params.n4] = select(x[at + params.n4], known, is_known);
  }
}
