// conv2d_grad_kernel for a 5x5 kernel with a single channel on one side, any image size: partial sums per slice of image rows and image.
// See lib/conv2d_grad_kernel_one.wgsl.
// input [C][H][W][N], grad [O][H][W][N]; one of the two, which may have many channels, is "wide".
#import lib/conv2d_grad_kernel_one.wgsl
#import lib/wide_strip.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
