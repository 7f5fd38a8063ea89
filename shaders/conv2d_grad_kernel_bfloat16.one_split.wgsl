// conv2d_grad_kernel for a single input channel and a gradient in bfloat16, as conv2d_grad_pool_bfloat16 leaves it; for GPUs: partial
// sums per slice of image rows and 32 images, as sum_slices adds them up. See lib/conv2d_grad_kernel_one_split.wgsl.
// "wide" is the gradient, in the layout of lib/wide_strip_bfloat16.wgsl, "narrow" the input, [H][W][N].
#import lib/conv2d_grad_kernel_one_split.wgsl
#import lib/wide_strip_bfloat16.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<u32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
