// Copies every parameter to where kernels read it. A layer's parameters are kernel [tap][in][out], then bias [out]; packed are
//   forward  [tap][in][outP],
//   bias     [outP],
//   backward [taps-1 - tap][out][inP]: flipped and transposed, for the gradient of the input,
// with channels innermost rounded up to a multiple of 8 (outP, inP). Padding is never written and stays 0.
// `table` has a row per layer: kernel's offset, in, out, taps, offsets of forward, bias and backward, end of its parameters.
// One invocation: one parameter, or a gap between layers.
#import lib/flat.wgsl

struct Params {
  size: u32, // of the parameters, to the end of the last layer
  rows: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> packed: array<f32>;

fn round_up(channels: u32) -> u32 {
  return (channels + 7u) / 8u * 8u;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_index(group, groups, local, 64u, params.first_group);
  if (i >= params.size) {
    return;
  }
  var row = 0u; // in table
  for (var r = 0u; r < params.rows; r++) {
    row += select(0u, 8u, i >= table[8u * r + 7u]);
  }
  let start = table[row];
  if (i < start) {
    return;
  }
  let inputs = table[row + 1u];
  let outputs = table[row + 2u];
  let taps = table[row + 3u];
  let k = i - start;
  let o = k % outputs;
  let c = k / outputs % inputs;
  let tap = k / outputs / inputs;
  let value = parameters[i];
  if (tap < taps) {
    packed[table[row + 4u] + (tap * inputs + c) * round_up(outputs) + o] = value;
    packed[table[row + 6u] + ((taps - 1u - tap) * outputs + o) * round_up(inputs) + c] = value;
  } else {
    packed[table[row + 5u] + o] = value;
  }
}
