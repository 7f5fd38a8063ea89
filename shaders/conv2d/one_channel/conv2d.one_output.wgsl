// conv2d for one output channel and a 5x5 kernel; any image size and number of input channels.
//   output[y][x][n] = bias + sum over c, ky, kx of input[c][y + ky - 2][x + kx - 2][n] * kernel[ky][kx][c].
// input [C][H][W][N/2], kernel [tap][C][padded], of which the first channel of the padding is the one, output [H][W][N/2].
// One invocation: a strip of 7 columns, walked down a block of rows, for 2 images. Each input row is loaded once and added to the five
// output rows that it touches: p0_* is the oldest, complete after this row; then all move up by one.
// Grid: x over strips times pairs of images, z over blocks of params.rows rows.
#import conv2d/one_channel/taps.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  in_channels: u32,
  out_padded: u32, // distance between the weights of two input channels
  rows: u32, // of a block, which loads four more
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

fn store(at: u32, kept: bool, x: u32, sum: vec2f) {
  if (kept && x < params.width) {
    output[at + x * params.pairs] = sum + bias[0];
  }
}

// `item` counts strips times pairs of a row; a surplus one repeats the last and stores nothing.
fn convolve(item: u32, group_z: u32) {
  let items = (params.width + 6u) / 7u * params.pairs;
  let kept = item < items;
  let n = min(item, items - 1u) % params.pairs;
  let x = min(item, items - 1u) / params.pairs * 7u;
  let y_first = group_z * params.rows;
  let row = params.width * params.pairs;
  let plane = params.height * row;
  let y_end = min(y_first + params.rows, params.height);
  let last = i32(params.width) - 1;
  let col0 = i32(x) - 2; let in0 = col0 >= 0 && col0 <= last; let at0 = u32(clamp(col0, 0, last)) * params.pairs + n;
  let col1 = i32(x) + 1 - 2; let in1 = col1 >= 0 && col1 <= last; let at1 = u32(clamp(col1, 0, last)) * params.pairs + n;
  let col2 = i32(x) + 2 - 2; let in2 = col2 >= 0 && col2 <= last; let at2 = u32(clamp(col2, 0, last)) * params.pairs + n;
  let col3 = i32(x) + 3 - 2; let in3 = col3 >= 0 && col3 <= last; let at3 = u32(clamp(col3, 0, last)) * params.pairs + n;
  let col4 = i32(x) + 4 - 2; let in4 = col4 >= 0 && col4 <= last; let at4 = u32(clamp(col4, 0, last)) * params.pairs + n;
  let col5 = i32(x) + 5 - 2; let in5 = col5 >= 0 && col5 <= last; let at5 = u32(clamp(col5, 0, last)) * params.pairs + n;
  let col6 = i32(x) + 6 - 2; let in6 = col6 >= 0 && col6 <= last; let at6 = u32(clamp(col6, 0, last)) * params.pairs + n;
  let col7 = i32(x) + 7 - 2; let in7 = col7 >= 0 && col7 <= last; let at7 = u32(clamp(col7, 0, last)) * params.pairs + n;
  let col8 = i32(x) + 8 - 2; let in8 = col8 >= 0 && col8 <= last; let at8 = u32(clamp(col8, 0, last)) * params.pairs + n;
  let col9 = i32(x) + 9 - 2; let in9 = col9 >= 0 && col9 <= last; let at9 = u32(clamp(col9, 0, last)) * params.pairs + n;
  let col10 = i32(x) + 10 - 2; let in10 = col10 >= 0 && col10 <= last; let at10 = u32(clamp(col10, 0, last)) * params.pairs + n;

  var p0_0 = vec2f(0); var p0_1 = vec2f(0); var p0_2 = vec2f(0); var p0_3 = vec2f(0); var p0_4 = vec2f(0); var p0_5 = vec2f(0); var p0_6 = vec2f(0);
  var p1_0 = vec2f(0); var p1_1 = vec2f(0); var p1_2 = vec2f(0); var p1_3 = vec2f(0); var p1_4 = vec2f(0); var p1_5 = vec2f(0); var p1_6 = vec2f(0);
  var p2_0 = vec2f(0); var p2_1 = vec2f(0); var p2_2 = vec2f(0); var p2_3 = vec2f(0); var p2_4 = vec2f(0); var p2_5 = vec2f(0); var p2_6 = vec2f(0);
  var p3_0 = vec2f(0); var p3_1 = vec2f(0); var p3_2 = vec2f(0); var p3_3 = vec2f(0); var p3_4 = vec2f(0); var p3_5 = vec2f(0); var p3_6 = vec2f(0);
  var p4_0 = vec2f(0); var p4_1 = vec2f(0); var p4_2 = vec2f(0); var p4_3 = vec2f(0); var p4_4 = vec2f(0); var p4_5 = vec2f(0); var p4_6 = vec2f(0);

  for (var r = max(y_first, 2u) - 2u; r < y_end + 2u; r++) {
    let channels = select(0u, params.in_channels, r < params.height);
    for (var c = 0u; c < channels; c++) {
      let i = c * plane + r * row;
      let x0 = select(vec2f(0), input[i + at0], in0);
      let x1 = select(vec2f(0), input[i + at1], in1);
      let x2 = select(vec2f(0), input[i + at2], in2);
      let x3 = select(vec2f(0), input[i + at3], in3);
      let x4 = select(vec2f(0), input[i + at4], in4);
      let x5 = select(vec2f(0), input[i + at5], in5);
      let x6 = select(vec2f(0), input[i + at6], in6);
      let x7 = select(vec2f(0), input[i + at7], in7);
      let x8 = select(vec2f(0), input[i + at8], in8);
      let x9 = select(vec2f(0), input[i + at9], in9);
      let x10 = select(vec2f(0), input[i + at10], in10);
      let w = taps_at(c * params.out_padded, params.in_channels * params.out_padded);
      p0_0 = fma(x4, vec2f(w.t24), fma(x3, vec2f(w.t23), fma(x2, vec2f(w.t22), fma(x1, vec2f(w.t21), fma(x0, vec2f(w.t20), p0_0)))));
      p0_1 = fma(x5, vec2f(w.t24), fma(x4, vec2f(w.t23), fma(x3, vec2f(w.t22), fma(x2, vec2f(w.t21), fma(x1, vec2f(w.t20), p0_1)))));
      p0_2 = fma(x6, vec2f(w.t24), fma(x5, vec2f(w.t23), fma(x4, vec2f(w.t22), fma(x3, vec2f(w.t21), fma(x2, vec2f(w.t20), p0_2)))));
      p0_3 = fma(x7, vec2f(w.t24), fma(x6, vec2f(w.t23), fma(x5, vec2f(w.t22), fma(x4, vec2f(w.t21), fma(x3, vec2f(w.t20), p0_3)))));
      p0_4 = fma(x8, vec2f(w.t24), fma(x7, vec2f(w.t23), fma(x6, vec2f(w.t22), fma(x5, vec2f(w.t21), fma(x4, vec2f(w.t20), p0_4)))));
      p0_5 = fma(x9, vec2f(w.t24), fma(x8, vec2f(w.t23), fma(x7, vec2f(w.t22), fma(x6, vec2f(w.t21), fma(x5, vec2f(w.t20), p0_5)))));
      p0_6 = fma(x10, vec2f(w.t24), fma(x9, vec2f(w.t23), fma(x8, vec2f(w.t22), fma(x7, vec2f(w.t21), fma(x6, vec2f(w.t20), p0_6)))));
      p1_0 = fma(x4, vec2f(w.t19), fma(x3, vec2f(w.t18), fma(x2, vec2f(w.t17), fma(x1, vec2f(w.t16), fma(x0, vec2f(w.t15), p1_0)))));
      p1_1 = fma(x5, vec2f(w.t19), fma(x4, vec2f(w.t18), fma(x3, vec2f(w.t17), fma(x2, vec2f(w.t16), fma(x1, vec2f(w.t15), p1_1)))));
      p1_2 = fma(x6, vec2f(w.t19), fma(x5, vec2f(w.t18), fma(x4, vec2f(w.t17), fma(x3, vec2f(w.t16), fma(x2, vec2f(w.t15), p1_2)))));
      p1_3 = fma(x7, vec2f(w.t19), fma(x6, vec2f(w.t18), fma(x5, vec2f(w.t17), fma(x4, vec2f(w.t16), fma(x3, vec2f(w.t15), p1_3)))));
      p1_4 = fma(x8, vec2f(w.t19), fma(x7, vec2f(w.t18), fma(x6, vec2f(w.t17), fma(x5, vec2f(w.t16), fma(x4, vec2f(w.t15), p1_4)))));
      p1_5 = fma(x9, vec2f(w.t19), fma(x8, vec2f(w.t18), fma(x7, vec2f(w.t17), fma(x6, vec2f(w.t16), fma(x5, vec2f(w.t15), p1_5)))));
      p1_6 = fma(x10, vec2f(w.t19), fma(x9, vec2f(w.t18), fma(x8, vec2f(w.t17), fma(x7, vec2f(w.t16), fma(x6, vec2f(w.t15), p1_6)))));
      p2_0 = fma(x4, vec2f(w.t14), fma(x3, vec2f(w.t13), fma(x2, vec2f(w.t12), fma(x1, vec2f(w.t11), fma(x0, vec2f(w.t10), p2_0)))));
      p2_1 = fma(x5, vec2f(w.t14), fma(x4, vec2f(w.t13), fma(x3, vec2f(w.t12), fma(x2, vec2f(w.t11), fma(x1, vec2f(w.t10), p2_1)))));
      p2_2 = fma(x6, vec2f(w.t14), fma(x5, vec2f(w.t13), fma(x4, vec2f(w.t12), fma(x3, vec2f(w.t11), fma(x2, vec2f(w.t10), p2_2)))));
      p2_3 = fma(x7, vec2f(w.t14), fma(x6, vec2f(w.t13), fma(x5, vec2f(w.t12), fma(x4, vec2f(w.t11), fma(x3, vec2f(w.t10), p2_3)))));
      p2_4 = fma(x8, vec2f(w.t14), fma(x7, vec2f(w.t13), fma(x6, vec2f(w.t12), fma(x5, vec2f(w.t11), fma(x4, vec2f(w.t10), p2_4)))));
      p2_5 = fma(x9, vec2f(w.t14), fma(x8, vec2f(w.t13), fma(x7, vec2f(w.t12), fma(x6, vec2f(w.t11), fma(x5, vec2f(w.t10), p2_5)))));
      p2_6 = fma(x10, vec2f(w.t14), fma(x9, vec2f(w.t13), fma(x8, vec2f(w.t12), fma(x7, vec2f(w.t11), fma(x6, vec2f(w.t10), p2_6)))));
      p3_0 = fma(x4, vec2f(w.t9), fma(x3, vec2f(w.t8), fma(x2, vec2f(w.t7), fma(x1, vec2f(w.t6), fma(x0, vec2f(w.t5), p3_0)))));
      p3_1 = fma(x5, vec2f(w.t9), fma(x4, vec2f(w.t8), fma(x3, vec2f(w.t7), fma(x2, vec2f(w.t6), fma(x1, vec2f(w.t5), p3_1)))));
      p3_2 = fma(x6, vec2f(w.t9), fma(x5, vec2f(w.t8), fma(x4, vec2f(w.t7), fma(x3, vec2f(w.t6), fma(x2, vec2f(w.t5), p3_2)))));
      p3_3 = fma(x7, vec2f(w.t9), fma(x6, vec2f(w.t8), fma(x5, vec2f(w.t7), fma(x4, vec2f(w.t6), fma(x3, vec2f(w.t5), p3_3)))));
      p3_4 = fma(x8, vec2f(w.t9), fma(x7, vec2f(w.t8), fma(x6, vec2f(w.t7), fma(x5, vec2f(w.t6), fma(x4, vec2f(w.t5), p3_4)))));
      p3_5 = fma(x9, vec2f(w.t9), fma(x8, vec2f(w.t8), fma(x7, vec2f(w.t7), fma(x6, vec2f(w.t6), fma(x5, vec2f(w.t5), p3_5)))));
      p3_6 = fma(x10, vec2f(w.t9), fma(x9, vec2f(w.t8), fma(x8, vec2f(w.t7), fma(x7, vec2f(w.t6), fma(x6, vec2f(w.t5), p3_6)))));
      p4_0 = fma(x4, vec2f(w.t4), fma(x3, vec2f(w.t3), fma(x2, vec2f(w.t2), fma(x1, vec2f(w.t1), fma(x0, vec2f(w.t0), p4_0)))));
      p4_1 = fma(x5, vec2f(w.t4), fma(x4, vec2f(w.t3), fma(x3, vec2f(w.t2), fma(x2, vec2f(w.t1), fma(x1, vec2f(w.t0), p4_1)))));
      p4_2 = fma(x6, vec2f(w.t4), fma(x5, vec2f(w.t3), fma(x4, vec2f(w.t2), fma(x3, vec2f(w.t1), fma(x2, vec2f(w.t0), p4_2)))));
      p4_3 = fma(x7, vec2f(w.t4), fma(x6, vec2f(w.t3), fma(x5, vec2f(w.t2), fma(x4, vec2f(w.t1), fma(x3, vec2f(w.t0), p4_3)))));
      p4_4 = fma(x8, vec2f(w.t4), fma(x7, vec2f(w.t3), fma(x6, vec2f(w.t2), fma(x5, vec2f(w.t1), fma(x4, vec2f(w.t0), p4_4)))));
      p4_5 = fma(x9, vec2f(w.t4), fma(x8, vec2f(w.t3), fma(x7, vec2f(w.t2), fma(x6, vec2f(w.t1), fma(x5, vec2f(w.t0), p4_5)))));
      p4_6 = fma(x10, vec2f(w.t4), fma(x9, vec2f(w.t3), fma(x8, vec2f(w.t2), fma(x7, vec2f(w.t1), fma(x6, vec2f(w.t0), p4_6)))));
    }
    if (r >= y_first + 2u) {
      let at = (r - 2u) * row + n;
      store(at, kept, x + 0u, p0_0);
      store(at, kept, x + 1u, p0_1);
      store(at, kept, x + 2u, p0_2);
      store(at, kept, x + 3u, p0_3);
      store(at, kept, x + 4u, p0_4);
      store(at, kept, x + 5u, p0_5);
      store(at, kept, x + 6u, p0_6);
    }
    p0_0 = p1_0; p0_1 = p1_1; p0_2 = p1_2; p0_3 = p1_3; p0_4 = p1_4; p0_5 = p1_5; p0_6 = p1_6;
    p1_0 = p2_0; p1_1 = p2_1; p1_2 = p2_2; p1_3 = p2_3; p1_4 = p2_4; p1_5 = p2_5; p1_6 = p2_6;
    p2_0 = p3_0; p2_1 = p3_1; p2_2 = p3_2; p2_3 = p3_3; p2_4 = p3_4; p2_5 = p3_5; p2_6 = p3_6;
    p3_0 = p4_0; p3_1 = p4_1; p3_2 = p4_2; p3_3 = p4_3; p3_4 = p4_4; p3_5 = p4_5; p3_6 = p4_6;
    p4_0 = vec2f(0); p4_1 = vec2f(0); p4_2 = vec2f(0); p4_3 = vec2f(0); p4_4 = vec2f(0); p4_5 = vec2f(0); p4_6 = vec2f(0);
  }
}

#if subgroups
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  slot = subgroup_lane % 4u;
  convolve(id.x, group.z + params.first_group);
}
#else
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes have nothing to do.
  if (id.x < (params.width + 6u) / 7u * params.pairs) { convolve(id.x, group.z + params.first_group); }
}
#endif
