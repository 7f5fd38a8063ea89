// conv2d for one output channel and a 5x5 kernel; any image size and number of input channels.
//   output[y][x][n] = bias + sum over c, ky, kx of input[c][y + ky - 2][x + kx - 2][n] * kernel[ky][kx][c].
// The shader that includes this declares
//   params   height, width, n4 = N / 4, in_channels, out_padded (distance between the weights of two input channels), rows (output rows of
//            a block, which loads four rows more), first_group;
//   input    [C][H][W][N/2], kernel [tap][C][padded], of which the first channel of the padding is the one, bias, output [H][W][N/2];
//   taps_at  the 25 weights of an input channel, `at` the first;
//   main     a workgroup of 32 lanes, each of which calls convolve.
// One invocation: a strip of 7 columns, walked down a block of rows, for 2 images. Each input row is loaded once and added to the five
// output rows that it touches: p0_* is the oldest, complete after this row; then all move up by one.
// Grid: x over images times strips, z over blocks of params.rows rows.

struct Taps {
  t0: f32, t1: f32, t2: f32, t3: f32, t4: f32, t5: f32, t6: f32, t7: f32, t8: f32, t9: f32, t10: f32, t11: f32, t12: f32,
  t13: f32, t14: f32, t15: f32, t16: f32, t17: f32, t18: f32, t19: f32, t20: f32, t21: f32, t22: f32, t23: f32, t24: f32,
}

fn store(at: u32, kept: bool, x: u32, sum: vec2f) {
  if (kept && x < params.width) {
    output[at + x * params.n4 * 2u] = sum + bias[0];
  }
}

// The strip from column x on in params.rows rows from y_first on, for pair n of images. Nothing is stored unless it is to be `kept`.
fn convolve(x: u32, y_first: u32, n: u32, kept: bool) {
  let batch = params.n4 * 2u; // in pairs of images
  let row = params.width * batch;
  let plane = params.height * row;
  let y_end = min(y_first + params.rows, params.height);
  let last = i32(params.width) - 1;
  let col0 = i32(x) - 2; let in0 = col0 >= 0 && col0 <= last; let at0 = u32(clamp(col0, 0, last)) * batch + n;
  let col1 = i32(x) + 1 - 2; let in1 = col1 >= 0 && col1 <= last; let at1 = u32(clamp(col1, 0, last)) * batch + n;
  let col2 = i32(x) + 2 - 2; let in2 = col2 >= 0 && col2 <= last; let at2 = u32(clamp(col2, 0, last)) * batch + n;
  let col3 = i32(x) + 3 - 2; let in3 = col3 >= 0 && col3 <= last; let at3 = u32(clamp(col3, 0, last)) * batch + n;
  let col4 = i32(x) + 4 - 2; let in4 = col4 >= 0 && col4 <= last; let at4 = u32(clamp(col4, 0, last)) * batch + n;
  let col5 = i32(x) + 5 - 2; let in5 = col5 >= 0 && col5 <= last; let at5 = u32(clamp(col5, 0, last)) * batch + n;
  let col6 = i32(x) + 6 - 2; let in6 = col6 >= 0 && col6 <= last; let at6 = u32(clamp(col6, 0, last)) * batch + n;
  let col7 = i32(x) + 7 - 2; let in7 = col7 >= 0 && col7 <= last; let at7 = u32(clamp(col7, 0, last)) * batch + n;
  let col8 = i32(x) + 8 - 2; let in8 = col8 >= 0 && col8 <= last; let at8 = u32(clamp(col8, 0, last)) * batch + n;
  let col9 = i32(x) + 9 - 2; let in9 = col9 >= 0 && col9 <= last; let at9 = u32(clamp(col9, 0, last)) * batch + n;
  let col10 = i32(x) + 10 - 2; let in10 = col10 >= 0 && col10 <= last; let at10 = u32(clamp(col10, 0, last)) * batch + n;

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
      let w = taps_at(c * params.out_padded);
      p0_0 += x0 * w.t20 + x1 * w.t21 + x2 * w.t22 + x3 * w.t23 + x4 * w.t24;
      p0_1 += x1 * w.t20 + x2 * w.t21 + x3 * w.t22 + x4 * w.t23 + x5 * w.t24;
      p0_2 += x2 * w.t20 + x3 * w.t21 + x4 * w.t22 + x5 * w.t23 + x6 * w.t24;
      p0_3 += x3 * w.t20 + x4 * w.t21 + x5 * w.t22 + x6 * w.t23 + x7 * w.t24;
      p0_4 += x4 * w.t20 + x5 * w.t21 + x6 * w.t22 + x7 * w.t23 + x8 * w.t24;
      p0_5 += x5 * w.t20 + x6 * w.t21 + x7 * w.t22 + x8 * w.t23 + x9 * w.t24;
      p0_6 += x6 * w.t20 + x7 * w.t21 + x8 * w.t22 + x9 * w.t23 + x10 * w.t24;
      p1_0 += x0 * w.t15 + x1 * w.t16 + x2 * w.t17 + x3 * w.t18 + x4 * w.t19;
      p1_1 += x1 * w.t15 + x2 * w.t16 + x3 * w.t17 + x4 * w.t18 + x5 * w.t19;
      p1_2 += x2 * w.t15 + x3 * w.t16 + x4 * w.t17 + x5 * w.t18 + x6 * w.t19;
      p1_3 += x3 * w.t15 + x4 * w.t16 + x5 * w.t17 + x6 * w.t18 + x7 * w.t19;
      p1_4 += x4 * w.t15 + x5 * w.t16 + x6 * w.t17 + x7 * w.t18 + x8 * w.t19;
      p1_5 += x5 * w.t15 + x6 * w.t16 + x7 * w.t17 + x8 * w.t18 + x9 * w.t19;
      p1_6 += x6 * w.t15 + x7 * w.t16 + x8 * w.t17 + x9 * w.t18 + x10 * w.t19;
      p2_0 += x0 * w.t10 + x1 * w.t11 + x2 * w.t12 + x3 * w.t13 + x4 * w.t14;
      p2_1 += x1 * w.t10 + x2 * w.t11 + x3 * w.t12 + x4 * w.t13 + x5 * w.t14;
      p2_2 += x2 * w.t10 + x3 * w.t11 + x4 * w.t12 + x5 * w.t13 + x6 * w.t14;
      p2_3 += x3 * w.t10 + x4 * w.t11 + x5 * w.t12 + x6 * w.t13 + x7 * w.t14;
      p2_4 += x4 * w.t10 + x5 * w.t11 + x6 * w.t12 + x7 * w.t13 + x8 * w.t14;
      p2_5 += x5 * w.t10 + x6 * w.t11 + x7 * w.t12 + x8 * w.t13 + x9 * w.t14;
      p2_6 += x6 * w.t10 + x7 * w.t11 + x8 * w.t12 + x9 * w.t13 + x10 * w.t14;
      p3_0 += x0 * w.t5 + x1 * w.t6 + x2 * w.t7 + x3 * w.t8 + x4 * w.t9;
      p3_1 += x1 * w.t5 + x2 * w.t6 + x3 * w.t7 + x4 * w.t8 + x5 * w.t9;
      p3_2 += x2 * w.t5 + x3 * w.t6 + x4 * w.t7 + x5 * w.t8 + x6 * w.t9;
      p3_3 += x3 * w.t5 + x4 * w.t6 + x5 * w.t7 + x6 * w.t8 + x7 * w.t9;
      p3_4 += x4 * w.t5 + x5 * w.t6 + x6 * w.t7 + x7 * w.t8 + x8 * w.t9;
      p3_5 += x5 * w.t5 + x6 * w.t6 + x7 * w.t7 + x8 * w.t8 + x9 * w.t9;
      p3_6 += x6 * w.t5 + x7 * w.t6 + x8 * w.t7 + x9 * w.t8 + x10 * w.t9;
      p4_0 += x0 * w.t0 + x1 * w.t1 + x2 * w.t2 + x3 * w.t3 + x4 * w.t4;
      p4_1 += x1 * w.t0 + x2 * w.t1 + x3 * w.t2 + x4 * w.t3 + x5 * w.t4;
      p4_2 += x2 * w.t0 + x3 * w.t1 + x4 * w.t2 + x5 * w.t3 + x6 * w.t4;
      p4_3 += x3 * w.t0 + x4 * w.t1 + x5 * w.t2 + x6 * w.t3 + x7 * w.t4;
      p4_4 += x4 * w.t0 + x5 * w.t1 + x6 * w.t2 + x7 * w.t3 + x8 * w.t4;
      p4_5 += x5 * w.t0 + x6 * w.t1 + x7 * w.t2 + x8 * w.t3 + x9 * w.t4;
      p4_6 += x6 * w.t0 + x7 * w.t1 + x8 * w.t2 + x9 * w.t3 + x10 * w.t4;
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
