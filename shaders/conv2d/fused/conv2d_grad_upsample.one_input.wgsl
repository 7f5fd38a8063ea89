// conv2d_grad_input for one output channel and a 5x5 or 3x3 kernel, fused with the gradient through nearest 2x upsampling and its swish:
//   grad_pre[c][y][x][n] = swish'(pre[c][y][x][n]) * sum over the window 2y .. 2y+1, 2x .. 2x+1 of the convolution's input gradient,
// which is not stored. grad, bound as `input`, [2h][2w][images], kernel [flipped tap][padded], pre and grad_pre [C][h][w][images].
// See one_input.wgsl.
#import conv2d/fused/windows.wgsl
#import lib/swish.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<Lane>;
@group(0) @binding(4) var<storage, read_write> grad_pre: array<Lane>;

fn addend(channel: u32, n: u32, images: u32) -> Lane { return Lane(0); }

#if gpu
fn window(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  grad_pre[low] = ((a + b) + (c + d)) * swish_and_slope(vec4f(pre[low])).slope.x;
}
#else
fn window(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  let z = pre[low];
  grad_pre[low] = ((a + b) + (c + d)) * swish_and_slope(vec4f(z, z)).slope.xy;
}
#endif
