// Draws the conditioning of each image of a batch. For slot n < count, with image = order[batch_start + n]:
//   levels[n] = u, uniform in [0, 1), or sigmoid(z) with z standard normal if logit_normal;
//   classes[n] = labels[image]; or `classes`, which means no class, for a share `drop` of the slots, and for all slots if not labelled.
// Other slots have level 0 and no class. labels holds bytes, four to a word; levels is f32 [N], classes u32 [N].
// u is the first word, z the first normal number of counter (step, n) under the key (seed, AMOUNT), from which corrupt draws its amount.
// A slot gets no class if the first word of that counter under (seed, DROP), as a number in [0, 1), is less than drop.
// One invocation: one slot.
#import lib/flat.wgsl
#import lib/threefry.wgsl
#import lib/normal.wgsl
#import lib/swish.wgsl
#import lib/step_state.wgsl

// STREAM of src/base/random.ts.
const AMOUNT = 2u;
const DROP = 5u;

struct Params {
  batch: u32, // N
  classes: u32,
  drop: f32,
  logit_normal: u32,
  labelled: u32,
  seed: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> state: StepState;
@group(0) @binding(4) var<storage, read_write> levels: array<f32>;
@group(0) @binding(5) var<storage, read_write> classes: array<u32>;

fn level_of(n: u32) -> f32 {
  let words = threefry(vec2u(params.seed, AMOUNT), vec2u(state.step, n));
  if (params.logit_normal != 0u) {
    return sigmoid(normal(words, words)).x;
  }
  return uniform01(words).x;
}

fn class_of(n: u32) -> u32 {
  let chance = uniform01(threefry(vec2u(params.seed, DROP), vec2u(state.step, n))).x;
  if (params.labelled == 0u || chance < params.drop) {
    return params.classes;
  }
  let image = order[state.batch_start + n];
  return (labels[image / 4u] >> (image % 4u * 8u)) & 255u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let n = flat_index(id, groups, params.first_group);
  if (n >= params.batch) {
    return;
  }
  var level = 0.0;
  var label = params.classes;
  if (n < state.count) {
    level = level_of(n);
    label = class_of(n);
  }
  levels[n] = level;
  classes[n] = label;
}
