// One step along the predicted velocity, in place:
//   x = x + step.step * v + step.correction * velocity, then velocity = v, with v = prediction.
// If guided, prediction and x are [elements][2N]: the network gets the images in columns 0 to N - 1 with their class and the same images in
// columns N to 2N - 1 without one, and
//   v = none + step.guidance * (with_class - none), where `with_class` is the prediction with a class and `none` the one without.
// The new x of the first half is written to both halves. If not guided, prediction and x are [elements][N], as velocity always is.
// An Euler step has step = t' - t, correction = 0. The second half of a Heun step follows one: step = (t' - t) / 2, correction = -step.
// One invocation: one vec4 of velocity.
#import lib/flat.wgsl
#import lib/sampling_step.wgsl

struct Params {
  vec4s: u32, // of velocity
  n4: u32, // N / 4
  guided: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: SamplingStep;
@group(0) @binding(2) var<storage, read> prediction: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> velocity: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> x: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  // If guided, every whole row of N before element i is followed by its second half.
  let at = select(i, i + i / params.n4 * params.n4, params.guided != 0u);
  var v = prediction[at];
  if (params.guided != 0u) {
    let none = prediction[at + params.n4];
    v = none + step.guidance * (v - none);
  }
  // Without a correction the old velocity may hold anything, and 0 * inf is NaN.
  let old = select(velocity[i], vec4f(), step.correction == 0.0);
  let moved = x[at] + step.step * v + step.correction * old;
  velocity[i] = v;
  x[at] = moved;
  if (params.guided != 0u) {
    x[at + params.n4] = moved;
  }
}
