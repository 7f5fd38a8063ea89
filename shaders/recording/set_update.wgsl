// Puts the settings of an update into the step state: state.learning_rate, clip and weight_decay, each from four bytes, the lowest first.
// Recorded commands can copy words, but hold no numbers of their own; a copy of each byte out of a table of all 256 records any number.
// One invocation does everything.
#import lib/step_state.wgsl

@group(0) @binding(0) var<storage, read> bytes: array<u32>;
@group(0) @binding(1) var<storage, read_write> state: StepState;

fn number(i: u32) -> f32 {
  return bitcast<f32>(bytes[i] | (bytes[i + 1u] << 8u) | (bytes[i + 2u] << 16u) | (bytes[i + 3u] << 24u));
}

@compute @workgroup_size(1)
fn main() {
  state.learning_rate = number(0u);
  state.clip = number(4u);
  state.weight_decay = number(8u);
}
