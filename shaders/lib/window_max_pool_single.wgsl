// A window of one image of lib/conv2d_from_one_windows.wgsl on its way down: it is stored, and pooled after the activation. See conv2d_pool.
// The shader that includes this declares output [O][H][W][images] and pooled [O][H/2][W/2][images].
#import lib/conv2d_from_one_windows.wgsl
#import lib/swish.wgsl

fn window(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  let below = at + params.width * params.images;
  output[at] = a;
  output[at + params.images] = b;
  output[below] = c;
  output[below + params.images] = d;
  let swished = swish(vec4f(a, b, c, d));
  pooled[low] = max(max(swished.x, swished.y), max(swished.z, swished.w));
}
