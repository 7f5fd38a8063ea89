enable subgroups;

// conv2d for one input channel and a 5x5 kernel, and swish and 2x2 max pooling of what it makes; for images of even height and width:
//   output = input * kernel + bias, pooled[o][y][x][n] = max of swish(output[o][2y .. 2y+1][2x .. 2x+1][n]).
// input [H][W][N/2], kernel [tap][padded], output [O][H][W][N/2], pooled [O][H/2][W/2][N/2]. See lib/conv2d_from_one.wgsl.
#import lib/conv2d_from_one_params.wgsl
#import lib/conv2d_from_one_subgroups.wgsl
#import lib/window_max_pool.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Lane>;
@group(0) @binding(5) var<storage, read_write> pooled: array<Lane>;

fn start(channel: u32, n: u32) -> f32 {
  return bias[channel];
}
