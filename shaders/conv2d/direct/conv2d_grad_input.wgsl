// The input gradient of a convolution, itself a convolution of the output gradient with flipped taps:
// output[c][y][x][n] = sum over o, ky, kx of input[o][y + ky - r][x + kx - r][n] * kernel[flipped tap][o][c], r = kernel_size / 2,
// where `input` is the gradient of the convolution's output [O][H][W][N] and `output` the gradient of its input [C][H][W][N]; kernel [flipped
// tap][O][C padded to 8] as pack_weights writes it. from_channels is O, to_channels C.
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
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

fn finish(at: u32, channel: u32, n: u32, sum: vec4f) {
  output[at] = sum;
}
