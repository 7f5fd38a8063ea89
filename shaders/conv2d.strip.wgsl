// A 5x5 convolution by strips: output = sum + bias. See lib/conv2d_strip.wgsl.
#import lib/conv2d_strip.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  from_channels: u32,
  to_channels: u32,
  tiles: u32, // to_channels / 8, rounded up
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

fn finish(at: u32, channel: u32, sum: vec2f) {
  output[at] = sum + bias[channel];
}

fn row_weights(at: u32) -> RowWeights {
  let tap = params.from_channels * 2u * params.tiles;
  return RowWeights(kernel[at], kernel[at + 1u], kernel[at + tap], kernel[at + tap + 1u], kernel[at + 2u * tap],
    kernel[at + 2u * tap + 1u], kernel[at + 3u * tap], kernel[at + 3u * tap + 1u], kernel[at + 4u * tap], kernel[at + 4u * tap + 1u]);
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes have nothing to do.
  if (id.x < (params.width + 6u) / 7u * params.pairs) { convolve(id.x, group.z + params.first_group); }
}
