// A window of lib/conv2d_from_one_windows.wgsl on its way back through pooling. See conv2d_grad_pool.
// The shader that includes this declares pre, [C][H][W][images], and grad_output, [C][H/2][W/2][images], and has or includes
//   store    puts the gradients of a window, a b above c d, where they go. `at` and `low` as in lib/conv2d_from_one_windows.wgsl.
#import lib/conv2d_from_one_windows.wgsl
#import lib/swish.wgsl

fn start(channel: u32, n: u32) -> f32 {
  return 0.0;
}

fn window(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  let below = at + params.width * params.images;
  let upper = swish_and_slope(vec4f(pre[at], pre[at + params.images]));
  let lower = swish_and_slope(vec4f(pre[below], pre[below + params.images]));
  let columns = max(upper.value, lower.value);
  let top = max(columns.xy, columns.zw);

  // Each position takes what no earlier one has taken; the subtractions are exact, x - x or x - 0.
  let none = vec2f();
  var left = grad_output[low];
  let to_a = select(none, left, upper.value.xy == top);
  left -= to_a;
  let to_b = select(none, left, upper.value.zw == top);
  left -= to_b;
  let to_c = select(none, left, lower.value.xy == top);
  left -= to_c;
  store(at, low, (a + to_a) * upper.slope.xy, (b + to_b) * upper.slope.zw, (c + to_c) * lower.slope.xy, (d + left) * lower.slope.zw);
}
