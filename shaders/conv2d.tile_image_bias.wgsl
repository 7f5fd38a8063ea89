// A 5x5 convolution by tiles in workgroup memory: output = sum + bias + bias of the image. See lib/conv2d_tile.wgsl.
#import lib/conv2d_tile.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  from_channels: u32,
  to_channels: u32,
  to4: u32, // to_channels padded to 8, in vec4
  image_bias_at: u32, // row of image_bias for channel 0
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> image_bias: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec2f>;

fn addend(channel: u32, n: u32) -> vec2f {
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.pairs + n];
}

fn finish(at: u32, sum: vec2f, bias: vec2f) {
  output[at] = sum + bias;
}
