// A window of one image of lib/conv2d_from_one_windows.wgsl on its way back through pooling. See conv2d_grad_pool.
// The shader that includes this declares pre, [C][H][W][images], and grad_output, [C][H/2][W/2][images], and has or includes
//   store    puts the gradients of a window, a b above c d, where they go. `at` and `low` as in lib/conv2d_from_one_windows.wgsl.
#import lib/conv2d_from_one_windows.wgsl
#import lib/swish.wgsl

fn start(channel: u32, n: u32) -> f32 {
  return 0.0;
}

fn window(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  let below = at + params.width * params.images;
  let swished = swish_and_slope(vec4f(pre[at], pre[at + params.images], pre[below], pre[below + params.images]));
  let value = swished.value;
  let slope = swished.slope;
  let top = max(max(value.x, value.y), max(value.z, value.w));

  // Each position takes what no earlier one has taken; the subtractions are exact, x - x or x - 0.
  var left = grad_output[low];
  let to_a = select(0.0, left, value.x == top);
  left -= to_a;
  let to_b = select(0.0, left, value.y == top);
  left -= to_b;
  let to_c = select(0.0, left, value.z == top);
  left -= to_c;
  store(at, low, (a + to_a) * slope.x, (b + to_b) * slope.y, (c + to_c) * slope.z, (d + left) * slope.w);
}
