// A window of lib/conv2d_from_one_windows.wgsl on its way back through upsampling. See conv2d_grad_upsample.
// The shader that includes this declares pre and grad_pre, both [C][H/2][W/2][images].
#import lib/conv2d_from_one_windows.wgsl
#import lib/swish.wgsl

fn start(channel: u32, n: u32) -> f32 {
  return 0.0;
}

fn window(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  let z = pre[low];
  grad_pre[low] = ((a + b) + (c + d)) * swish_and_slope(vec4f(z, z)).slope.xy;
}
