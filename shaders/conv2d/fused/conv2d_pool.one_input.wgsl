// conv2d for one input channel and a 5x5 or 3x3 kernel, fused with swish and 2x2 max pooling of its output; height and width are even:
//   output = input * kernel + addend (see lib/biases.wgsl),
//   pooled[o][y][x][n] = max of swish(output[o][2y .. 2y+1][2x .. 2x+1][n]).
// input [H][W][images], kernel [tap][padded], output [O][H][W][images], pooled [O][H/2][W/2][images]. See one_input.wgsl.
#import conv2d/fused/windows.wgsl
#import lib/biases.wgsl
#import lib/swish.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> image_bias: array<Lane>;
@group(0) @binding(5) var<storage, read_write> output: array<Lane>;
@group(0) @binding(6) var<storage, read_write> pooled: array<Lane>;

#if gpu
fn window(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  let below = at + params.width * params.images;
  output[at] = a;
  output[at + params.images] = b;
  output[below] = c;
  output[below + params.images] = d;
  let swished = swish(vec4f(a, b, c, d));
  pooled[low] = max(max(swished.x, swished.y), max(swished.z, swished.w));
}
#else
fn window(at: u32, low: u32, a: vec2f, b: vec2f, c: vec2f, d: vec2f) {
  let below = at + params.width * params.images;
  output[at] = a;
  output[at + params.images] = b;
  output[below] = c;
  output[below + params.images] = d;
  let columns = max(swish(vec4f(a, b)), swish(vec4f(c, d)));
  pooled[low] = max(columns.xy, columns.zw);
}
#endif
