// A window of lib/conv2d_from_one_windows.wgsl on its way down: it is stored, and pooled after the activation. See conv2d_pool.
// The shader that includes this declares output [O][H][W][images] and pooled [O][H/2][W/2][images].
#import lib/conv2d_from_one_windows.wgsl
#import lib/swish.wgsl

fn window(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  let below = at + params.width * params.images;
  output[at] = a;
  output[at + params.images] = b;
  output[below] = c;
  output[below + params.images] = d;
  let columns = max(swish(vec4f(a, b)), swish(vec4f(c, d)));
  pooled[low] = max(columns.xy, columns.zw);
}
