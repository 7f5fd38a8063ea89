// output[o][y][x][n] = bias[o] + sum over c, ky, kx of input[c][y + ky - r][x + kx - r][n] * kernel[ky][kx][c][o], r = kernel_size / 2,
// zero outside the image; with `image_bias` also + image_bias[image_bias_at + o][n], of [rows][N].
// input [C][H][W][N], output [O][H][W][N]; kernel [ky * kernel_size + kx][C][O padded to 8].
// Workgroup, invocation and grid: see direct.wgsl.
#import conv2d/direct/direct.wgsl

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  from_channels: u32,
  to_channels: u32,
  kernel_size: u32,
  tiles: u32, // to_channels / 8, rounded up
#if image_bias
  image_bias_at: u32, // row of image_bias for channel 0
#endif
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
#if image_bias
@group(0) @binding(5) var<storage, read> image_bias: array<vec4f>;
#endif

fn finish(at: u32, channel: u32, n: u32, sum: vec4f) {
#if image_bias
  output[at] = sum + (bias[channel] + image_bias[(params.image_bias_at + channel) * params.n4 + n]);
#else
  output[at] = sum + bias[channel];
#endif
}
