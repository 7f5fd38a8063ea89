// conv2d with a bias for each image, row image_bias_at + o of image_bias [rows][N], beside that of the channel:
//   output[o][y][x][n] = bias[o] + image_bias[image_bias_at + o][n]
//     + sum over c, ky, kx of input[c][y + ky - r][x + kx - r][n] * kernel[ky][kx][c][o], r = kernel_size / 2,
// zero outside the image. input [C][H][W][N], output [O][H][W][N]; kernel [ky * kernel_size + kx][C][O padded to 8].
// Workgroup, invocation and grid: see lib/conv2d_direct.wgsl.
#import lib/conv2d_direct.wgsl

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  from_channels: u32,
  to_channels: u32,
  kernel_size: u32,
  tiles: u32, // to_channels / 8, rounded up
  image_bias_at: u32, // row of image_bias for channel 0
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> image_bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;

fn finish(at: u32, channel: u32, n: u32, sum: vec4f) {
  output[at] = sum + (bias[channel] + image_bias[(params.image_bias_at + channel) * params.n4 + n]);
}
