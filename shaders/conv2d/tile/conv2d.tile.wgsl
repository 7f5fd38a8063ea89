// A 5x5 convolution by tiles in workgroup memory: output = sum + bias, with `image_bias` also the bias of the image. See tile.wgsl.
#import conv2d/tile/tile.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  from_channels: u32,
  to_channels: u32,
  to4: u32, // to_channels padded to 8, in vec4
#if image_bias
  image_bias_at: u32, // row of image_bias for channel 0
#endif
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;
#if image_bias
@group(0) @binding(5) var<storage, read> image_bias: array<vec2f>;
#endif

fn addend(channel: u32, n: u32) -> vec2f {
#if image_bias
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.pairs + n];
#else
  return vec2f(bias[channel]);
#endif
}

fn finish(at: u32, sum: vec2f, bias: vec2f) {
  output[at] = sum + bias;
}
