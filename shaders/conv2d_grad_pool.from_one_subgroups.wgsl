enable subgroups;

// conv2d_grad_input for one output channel and a 5x5 kernel as what comes back through a skip connection, and back through what the map went
// into otherwise, 2x2 max pooling, and the swish before both:
//   grad_pre[c][Y][X][n] = (the convolution's input gradient + routed[c][Y][X][n]) * swish'(pre[c][Y][X][n]),
// where routed is grad_output[c][Y/2][X/2][n] where swish(pre[c][Y][X][n]) is the maximum of its window, else 0; of equal maxima, the first
// in row-major order takes it all.
// grad [H][W][N/2], kernel [flipped tap][padded], pre and grad_pre [C][H][W][N/2], grad_output [C][H/2][W/2][N/2]. See lib/conv2d_from_one.wgsl.
#import lib/conv2d_from_one_params.wgsl
#import lib/conv2d_from_one_subgroups.wgsl
#import lib/window_max_pool_grad.wgsl
#import lib/window_store.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<Lane>;
@group(0) @binding(4) var<storage, read> grad_output: array<Lane>;
@group(0) @binding(5) var<storage, read_write> grad_pre: array<Lane>;
