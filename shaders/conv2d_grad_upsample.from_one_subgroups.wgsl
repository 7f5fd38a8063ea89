enable subgroups;

// conv2d_grad_input for one output channel and a 5x5 kernel, and back through nearest 2x upsampling and the swish before it:
//   grad_pre[c][y][x][n] = swish'(pre[c][y][x][n]) * sum over the window 2y .. 2y+1, 2x .. 2x+1 of the convolution's input gradient,
// which is not stored. grad [2h][2w][N/2], kernel [flipped tap][padded], pre and grad_pre [C][h][w][N/2]. See lib/conv2d_from_one.wgsl.
#import lib/conv2d_from_one_params.wgsl
#import lib/conv2d_from_one_subgroups.wgsl
#import lib/window_upsample_grad.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<Lane>;
@group(0) @binding(4) var<storage, read_write> grad_pre: array<Lane>;
