// conv2d_grad_pool, which says what it computes, with the result in bfloat16: for the weight gradient alone, which reads it.
// grad [H][W][N], kernel [flipped tap][padded], pre [C][H][W][N], grad_output [C][H/2][W/2][N], grad_pre [C][H/2][W/2][N][2 rows], in
// which a word has the two pixels of a row. See lib/conv2d_from_one.wgsl.
#import lib/conv2d_from_one_params.wgsl
#import lib/conv2d_from_one_single.wgsl
#import lib/window_max_pool_grad_single.wgsl
#import lib/bfloat16.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<Lane>;
@group(0) @binding(4) var<storage, read> grad_output: array<Lane>;
@group(0) @binding(5) var<storage, read_write> grad_pre: array<vec2u>;

fn store(at: u32, low: u32, a: f32, b: f32, c: f32, d: f32) {
  grad_pre[low] = vec2u(pack_bfloat16(vec2f(a, b)), pack_bfloat16(vec2f(c, d)));
}
