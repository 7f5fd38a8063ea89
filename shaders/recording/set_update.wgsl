// Writes the values of an update to the step state: learning_rate, clip and weight_decay, each from four bytes, the lowest first.
// Recorded commands can copy words, but contain no numbers; a copy of each byte out of a table of all 256 records any number.
// One invocation does everything.
#import lib/step_state.wgsl

@group(0) @binding(0) var<storage, read> bytes: array<u32>;
@group(0) @binding(1) var<storage, read_write> state: StepState;

fn word(i: u32) -> u32 {
  return bytes[i] | (bytes[i + 1u] << 8u) | (bytes[i + 2u] << 16u) | (bytes[i + 3u] << 24u);
}

@compute @workgroup_size(1)
fn main() {
  state.learning_rate = bitcast<f32>(word(0u));
  state.clip = bitcast<f32>(word(4u));
  state.weight_decay = bitcast<f32>(word(8u));
}
