// A window of one image of lib/conv2d_from_one_windows.wgsl on its way back through upsampling. See conv2d_grad_upsample.
// The shader that includes this declares pre and grad_pre, both [C][H/2][W/2][images].
#import lib/conv2d_from_one_windows.wgsl
#import lib/swish.wgsl

fn start(channel: u32, n: u32) -> f32 {
  return 0.0;
}

fn window(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  grad_pre[low] = ((a + b) + (c + d)) * swish_and_slope(vec4f(pre[low])).slope.x;
}
