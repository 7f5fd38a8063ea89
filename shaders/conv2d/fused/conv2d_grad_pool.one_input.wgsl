// conv2d_grad_input for one output channel and a 5x5 or 3x3 kernel, fused with the gradient through 2x2 max pooling and through the swish
// before it. The convolution's input gradient is the skip connection's, which reads the same map as the pooling:
//   grad_pre[c][Y][X][n] = (the convolution's input gradient + routed[c][Y][X][n]) * swish'(pre[c][Y][X][n]),
// where routed is grad_output[c][Y/2][X/2][n] where swish(pre[c][Y][X][n]) is the maximum of its window, else 0; of equal maxima, the first
// in row-major order gets the whole gradient.
// grad (bound as `input`) [H][W][images], kernel [flipped tap][padded], pre and grad_pre [C][H][W][images], grad_output
// [C][H/2][W/2][images]. See one_input.wgsl.
#import conv2d/fused/windows.wgsl
#import lib/swish.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<Lane>;
@group(0) @binding(4) var<storage, read> grad_output: array<Lane>;
@group(0) @binding(5) var<storage, read_write> grad_pre: array<Lane>;

fn addend(channel: u32, n: u32, images: u32) -> Lane { return Lane(0); }

fn store(at: u32, low: u32, a: Lane, b: Lane, c: Lane, d: Lane) {
  let below = at + params.width * params.images;
  grad_pre[at] = a;
  grad_pre[at + params.images] = b;
  grad_pre[below] = c;
  grad_pre[below + params.images] = d;
}

#if gpu
fn window(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  let below = at + params.width * params.images;
  let swished = swish_and_slope(vec4f(pre[at], pre[at + params.images], pre[below], pre[below + params.images]));
  let value = swished.value;
  let slope = swished.slope;
  let top = max(max(value.x, value.y), max(value.z, value.w));

  // Each position gets the gradient unless an earlier one got it; the subtractions are exact, x - x or x - 0.
  var left = grad_output[low];
  let to_a = select(0.0, left, value.x == top);
  left -= to_a;
  let to_b = select(0.0, left, value.y == top);
  left -= to_b;
  let to_c = select(0.0, left, value.z == top);
  left -= to_c;
  store(at, low, (a + to_a) * slope.x, (b + to_b) * slope.y, (c + to_c) * slope.z, (d + left) * slope.w);
}
#else
fn window(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  let below = at + params.width * params.images;
  let upper = swish_and_slope(vec4f(pre[at], pre[at + params.images]));
  let lower = swish_and_slope(vec4f(pre[below], pre[below + params.images]));
  let columns = max(upper.value, lower.value);
  let top = max(columns.xy, columns.zw);

  // Each position gets the gradient unless an earlier one got it; the subtractions are exact, x - x or x - 0.
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
#endif
