// Measures the difference between two results of the same computation. Invocation k reads every `stride`th number from k on:
//   partials[2k] = the largest |result - expected|, or FAR if a result is not a finite number;
//   partials[2k + 1] = sum of expected^2.
// One invocation: ceil((size - k) / stride) numbers.
#import lib/flat.wgsl

struct Params {
  size: u32,
  stride: u32, // the number of invocations
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> result: array<f32>;
@group(0) @binding(2) var<storage, read> expected: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

const FAR = 3e38;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = flat_index(id, groups, params.first_group);
  if (k >= params.stride) {
    return;
  }
  var largest = 0.0;
  var squares = 0.0;
  for (var i = k; i < params.size; i += params.stride) {
    // A comparison does not detect NaN, since a compiler may assume that there is none. The exponent bits do.
    let is_finite = (bitcast<u32>(result[i]) & 0x7f800000u) != 0x7f800000u;
    largest = max(largest, select(FAR, abs(result[i] - expected[i]), is_finite));
    squares += expected[i] * expected[i];
  }
  partials[2u * k] = largest;
  partials[2u * k + 1u] = squares;
}
