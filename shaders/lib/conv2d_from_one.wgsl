// A 5x5 convolution of a single channel, any image size; shared by conv2d and conv2d_grad_input:
//   output[o][y][x][n] = start(o) + sum over ky, kx of input[y + ky - 2][x + kx - 2][n] * kernel[5 * ky + kx][o].
// The shader that includes this declares
//   params   height, width, pairs = N / 2, channels (made), padded (channels rounded up to 8), each (channels an invocation makes),
//            first_group;
//   input    [H][W][pairs], kernel [tap][padded], output [channels][H][W][pairs];
//   start    what the sums of a channel begin with;
// and includes one of conv2d_from_one_plain and conv2d_from_one_subgroups, which have
//   taps_at  the 25 weights of a channel;
//   main     a workgroup of 32 lanes, or of 8 with subgroups, each of which calls convolve.
// One invocation: 7 pixels of a row, 2 images: the 5 x 11 pixels around them stay in registers while it makes one channel after the other,
// 350 products each. Nothing is summed up from one turn of the loop to the next.
// Grid: x over strips times pairs of images, z over rows times groups of params.each channels.

// `item` counts strips times pairs of a row; a surplus one repeats the last and stores nothing.
fn convolve(item: u32, group_z: u32) {
  let items = (params.width + 6u) / 7u * params.pairs;
  let n = min(item, items - 1u) % params.pairs;
  let x = min(item, items - 1u) / params.pairs * 7u;
  let pixels = select(0u, min(7u, params.width - x), item < items); // of the strip, inside the image
  let whole = pixels == 7u;
  let y = group_z % params.height;
  let first = group_z / params.height * params.each;
  let row = params.width * params.pairs;

  // A row or a column may lie outside the image; then some other element is loaded and counts as 0.
  let last = i32(params.width) - 1;
  let last_row = i32(params.height) - 1;
  let row0 = i32(y) + 0 - 2; let has0 = row0 >= 0 && row0 <= last_row; let line0 = u32(clamp(row0, 0, last_row)) * row + n;
  let row1 = i32(y) + 1 - 2; let has1 = row1 >= 0 && row1 <= last_row; let line1 = u32(clamp(row1, 0, last_row)) * row + n;
  let row2 = i32(y) + 2 - 2; let has2 = row2 >= 0 && row2 <= last_row; let line2 = u32(clamp(row2, 0, last_row)) * row + n;
  let row3 = i32(y) + 3 - 2; let has3 = row3 >= 0 && row3 <= last_row; let line3 = u32(clamp(row3, 0, last_row)) * row + n;
  let row4 = i32(y) + 4 - 2; let has4 = row4 >= 0 && row4 <= last_row; let line4 = u32(clamp(row4, 0, last_row)) * row + n;
  let col0 = i32(x) + 0 - 2; let in0 = col0 >= 0 && col0 <= last; let at0 = u32(clamp(col0, 0, last)) * params.pairs;
  let col1 = i32(x) + 1 - 2; let in1 = col1 >= 0 && col1 <= last; let at1 = u32(clamp(col1, 0, last)) * params.pairs;
  let col2 = i32(x) + 2 - 2; let in2 = col2 >= 0 && col2 <= last; let at2 = u32(clamp(col2, 0, last)) * params.pairs;
  let col3 = i32(x) + 3 - 2; let in3 = col3 >= 0 && col3 <= last; let at3 = u32(clamp(col3, 0, last)) * params.pairs;
  let col4 = i32(x) + 4 - 2; let in4 = col4 >= 0 && col4 <= last; let at4 = u32(clamp(col4, 0, last)) * params.pairs;
  let col5 = i32(x) + 5 - 2; let in5 = col5 >= 0 && col5 <= last; let at5 = u32(clamp(col5, 0, last)) * params.pairs;
  let col6 = i32(x) + 6 - 2; let in6 = col6 >= 0 && col6 <= last; let at6 = u32(clamp(col6, 0, last)) * params.pairs;
  let col7 = i32(x) + 7 - 2; let in7 = col7 >= 0 && col7 <= last; let at7 = u32(clamp(col7, 0, last)) * params.pairs;
  let col8 = i32(x) + 8 - 2; let in8 = col8 >= 0 && col8 <= last; let at8 = u32(clamp(col8, 0, last)) * params.pairs;
  let col9 = i32(x) + 9 - 2; let in9 = col9 >= 0 && col9 <= last; let at9 = u32(clamp(col9, 0, last)) * params.pairs;
  let col10 = i32(x) + 10 - 2; let in10 = col10 >= 0 && col10 <= last; let at10 = u32(clamp(col10, 0, last)) * params.pairs;
  let x0_0 = select(vec2f(0), input[line0 + at0], has0 && in0);
  let x0_1 = select(vec2f(0), input[line0 + at1], has0 && in1);
  let x0_2 = select(vec2f(0), input[line0 + at2], has0 && in2);
  let x0_3 = select(vec2f(0), input[line0 + at3], has0 && in3);
  let x0_4 = select(vec2f(0), input[line0 + at4], has0 && in4);
  let x0_5 = select(vec2f(0), input[line0 + at5], has0 && in5);
  let x0_6 = select(vec2f(0), input[line0 + at6], has0 && in6);
  let x0_7 = select(vec2f(0), input[line0 + at7], has0 && in7);
  let x0_8 = select(vec2f(0), input[line0 + at8], has0 && in8);
  let x0_9 = select(vec2f(0), input[line0 + at9], has0 && in9);
  let x0_10 = select(vec2f(0), input[line0 + at10], has0 && in10);
  let x1_0 = select(vec2f(0), input[line1 + at0], has1 && in0);
  let x1_1 = select(vec2f(0), input[line1 + at1], has1 && in1);
  let x1_2 = select(vec2f(0), input[line1 + at2], has1 && in2);
  let x1_3 = select(vec2f(0), input[line1 + at3], has1 && in3);
  let x1_4 = select(vec2f(0), input[line1 + at4], has1 && in4);
  let x1_5 = select(vec2f(0), input[line1 + at5], has1 && in5);
  let x1_6 = select(vec2f(0), input[line1 + at6], has1 && in6);
  let x1_7 = select(vec2f(0), input[line1 + at7], has1 && in7);
  let x1_8 = select(vec2f(0), input[line1 + at8], has1 && in8);
  let x1_9 = select(vec2f(0), input[line1 + at9], has1 && in9);
  let x1_10 = select(vec2f(0), input[line1 + at10], has1 && in10);
  let x2_0 = select(vec2f(0), input[line2 + at0], has2 && in0);
  let x2_1 = select(vec2f(0), input[line2 + at1], has2 && in1);
  let x2_2 = select(vec2f(0), input[line2 + at2], has2 && in2);
  let x2_3 = select(vec2f(0), input[line2 + at3], has2 && in3);
  let x2_4 = select(vec2f(0), input[line2 + at4], has2 && in4);
  let x2_5 = select(vec2f(0), input[line2 + at5], has2 && in5);
  let x2_6 = select(vec2f(0), input[line2 + at6], has2 && in6);
  let x2_7 = select(vec2f(0), input[line2 + at7], has2 && in7);
  let x2_8 = select(vec2f(0), input[line2 + at8], has2 && in8);
  let x2_9 = select(vec2f(0), input[line2 + at9], has2 && in9);
  let x2_10 = select(vec2f(0), input[line2 + at10], has2 && in10);
  let x3_0 = select(vec2f(0), input[line3 + at0], has3 && in0);
  let x3_1 = select(vec2f(0), input[line3 + at1], has3 && in1);
  let x3_2 = select(vec2f(0), input[line3 + at2], has3 && in2);
  let x3_3 = select(vec2f(0), input[line3 + at3], has3 && in3);
  let x3_4 = select(vec2f(0), input[line3 + at4], has3 && in4);
  let x3_5 = select(vec2f(0), input[line3 + at5], has3 && in5);
  let x3_6 = select(vec2f(0), input[line3 + at6], has3 && in6);
  let x3_7 = select(vec2f(0), input[line3 + at7], has3 && in7);
  let x3_8 = select(vec2f(0), input[line3 + at8], has3 && in8);
  let x3_9 = select(vec2f(0), input[line3 + at9], has3 && in9);
  let x3_10 = select(vec2f(0), input[line3 + at10], has3 && in10);
  let x4_0 = select(vec2f(0), input[line4 + at0], has4 && in0);
  let x4_1 = select(vec2f(0), input[line4 + at1], has4 && in1);
  let x4_2 = select(vec2f(0), input[line4 + at2], has4 && in2);
  let x4_3 = select(vec2f(0), input[line4 + at3], has4 && in3);
  let x4_4 = select(vec2f(0), input[line4 + at4], has4 && in4);
  let x4_5 = select(vec2f(0), input[line4 + at5], has4 && in5);
  let x4_6 = select(vec2f(0), input[line4 + at6], has4 && in6);
  let x4_7 = select(vec2f(0), input[line4 + at7], has4 && in7);
  let x4_8 = select(vec2f(0), input[line4 + at8], has4 && in8);
  let x4_9 = select(vec2f(0), input[line4 + at9], has4 && in9);
  let x4_10 = select(vec2f(0), input[line4 + at10], has4 && in10);

  var at = (first * params.height + y) * row + x * params.pairs + n;
  for (var o = first; o < min(first + params.each, params.channels); o++) {
    let w = taps_at(o, params.padded);
    let begin = vec2f(start(o));
    let a0 = fma(x0_4, vec2f(w.t4), fma(x0_3, vec2f(w.t3), fma(x0_2, vec2f(w.t2), fma(x0_1, vec2f(w.t1), fma(x0_0, vec2f(w.t0), begin)))));
    let a1 = fma(x0_5, vec2f(w.t4), fma(x0_4, vec2f(w.t3), fma(x0_3, vec2f(w.t2), fma(x0_2, vec2f(w.t1), fma(x0_1, vec2f(w.t0), begin)))));
    let a2 = fma(x0_6, vec2f(w.t4), fma(x0_5, vec2f(w.t3), fma(x0_4, vec2f(w.t2), fma(x0_3, vec2f(w.t1), fma(x0_2, vec2f(w.t0), begin)))));
    let a3 = fma(x0_7, vec2f(w.t4), fma(x0_6, vec2f(w.t3), fma(x0_5, vec2f(w.t2), fma(x0_4, vec2f(w.t1), fma(x0_3, vec2f(w.t0), begin)))));
    let a4 = fma(x0_8, vec2f(w.t4), fma(x0_7, vec2f(w.t3), fma(x0_6, vec2f(w.t2), fma(x0_5, vec2f(w.t1), fma(x0_4, vec2f(w.t0), begin)))));
    let a5 = fma(x0_9, vec2f(w.t4), fma(x0_8, vec2f(w.t3), fma(x0_7, vec2f(w.t2), fma(x0_6, vec2f(w.t1), fma(x0_5, vec2f(w.t0), begin)))));
    let a6 = fma(x0_10, vec2f(w.t4), fma(x0_9, vec2f(w.t3), fma(x0_8, vec2f(w.t2), fma(x0_7, vec2f(w.t1), fma(x0_6, vec2f(w.t0), begin)))));
    let b0 = fma(x1_4, vec2f(w.t9), fma(x1_3, vec2f(w.t8), fma(x1_2, vec2f(w.t7), fma(x1_1, vec2f(w.t6), fma(x1_0, vec2f(w.t5), a0)))));
    let b1 = fma(x1_5, vec2f(w.t9), fma(x1_4, vec2f(w.t8), fma(x1_3, vec2f(w.t7), fma(x1_2, vec2f(w.t6), fma(x1_1, vec2f(w.t5), a1)))));
    let b2 = fma(x1_6, vec2f(w.t9), fma(x1_5, vec2f(w.t8), fma(x1_4, vec2f(w.t7), fma(x1_3, vec2f(w.t6), fma(x1_2, vec2f(w.t5), a2)))));
    let b3 = fma(x1_7, vec2f(w.t9), fma(x1_6, vec2f(w.t8), fma(x1_5, vec2f(w.t7), fma(x1_4, vec2f(w.t6), fma(x1_3, vec2f(w.t5), a3)))));
    let b4 = fma(x1_8, vec2f(w.t9), fma(x1_7, vec2f(w.t8), fma(x1_6, vec2f(w.t7), fma(x1_5, vec2f(w.t6), fma(x1_4, vec2f(w.t5), a4)))));
    let b5 = fma(x1_9, vec2f(w.t9), fma(x1_8, vec2f(w.t8), fma(x1_7, vec2f(w.t7), fma(x1_6, vec2f(w.t6), fma(x1_5, vec2f(w.t5), a5)))));
    let b6 = fma(x1_10, vec2f(w.t9), fma(x1_9, vec2f(w.t8), fma(x1_8, vec2f(w.t7), fma(x1_7, vec2f(w.t6), fma(x1_6, vec2f(w.t5), a6)))));
    let c0 = fma(x2_4, vec2f(w.t14), fma(x2_3, vec2f(w.t13), fma(x2_2, vec2f(w.t12), fma(x2_1, vec2f(w.t11), fma(x2_0, vec2f(w.t10), b0)))));
    let c1 = fma(x2_5, vec2f(w.t14), fma(x2_4, vec2f(w.t13), fma(x2_3, vec2f(w.t12), fma(x2_2, vec2f(w.t11), fma(x2_1, vec2f(w.t10), b1)))));
    let c2 = fma(x2_6, vec2f(w.t14), fma(x2_5, vec2f(w.t13), fma(x2_4, vec2f(w.t12), fma(x2_3, vec2f(w.t11), fma(x2_2, vec2f(w.t10), b2)))));
    let c3 = fma(x2_7, vec2f(w.t14), fma(x2_6, vec2f(w.t13), fma(x2_5, vec2f(w.t12), fma(x2_4, vec2f(w.t11), fma(x2_3, vec2f(w.t10), b3)))));
    let c4 = fma(x2_8, vec2f(w.t14), fma(x2_7, vec2f(w.t13), fma(x2_6, vec2f(w.t12), fma(x2_5, vec2f(w.t11), fma(x2_4, vec2f(w.t10), b4)))));
    let c5 = fma(x2_9, vec2f(w.t14), fma(x2_8, vec2f(w.t13), fma(x2_7, vec2f(w.t12), fma(x2_6, vec2f(w.t11), fma(x2_5, vec2f(w.t10), b5)))));
    let c6 = fma(x2_10, vec2f(w.t14), fma(x2_9, vec2f(w.t13), fma(x2_8, vec2f(w.t12), fma(x2_7, vec2f(w.t11), fma(x2_6, vec2f(w.t10), b6)))));
    let d0 = fma(x3_4, vec2f(w.t19), fma(x3_3, vec2f(w.t18), fma(x3_2, vec2f(w.t17), fma(x3_1, vec2f(w.t16), fma(x3_0, vec2f(w.t15), c0)))));
    let d1 = fma(x3_5, vec2f(w.t19), fma(x3_4, vec2f(w.t18), fma(x3_3, vec2f(w.t17), fma(x3_2, vec2f(w.t16), fma(x3_1, vec2f(w.t15), c1)))));
    let d2 = fma(x3_6, vec2f(w.t19), fma(x3_5, vec2f(w.t18), fma(x3_4, vec2f(w.t17), fma(x3_3, vec2f(w.t16), fma(x3_2, vec2f(w.t15), c2)))));
    let d3 = fma(x3_7, vec2f(w.t19), fma(x3_6, vec2f(w.t18), fma(x3_5, vec2f(w.t17), fma(x3_4, vec2f(w.t16), fma(x3_3, vec2f(w.t15), c3)))));
    let d4 = fma(x3_8, vec2f(w.t19), fma(x3_7, vec2f(w.t18), fma(x3_6, vec2f(w.t17), fma(x3_5, vec2f(w.t16), fma(x3_4, vec2f(w.t15), c4)))));
    let d5 = fma(x3_9, vec2f(w.t19), fma(x3_8, vec2f(w.t18), fma(x3_7, vec2f(w.t17), fma(x3_6, vec2f(w.t16), fma(x3_5, vec2f(w.t15), c5)))));
    let d6 = fma(x3_10, vec2f(w.t19), fma(x3_9, vec2f(w.t18), fma(x3_8, vec2f(w.t17), fma(x3_7, vec2f(w.t16), fma(x3_6, vec2f(w.t15), c6)))));
    let e0 = fma(x4_4, vec2f(w.t24), fma(x4_3, vec2f(w.t23), fma(x4_2, vec2f(w.t22), fma(x4_1, vec2f(w.t21), fma(x4_0, vec2f(w.t20), d0)))));
    let e1 = fma(x4_5, vec2f(w.t24), fma(x4_4, vec2f(w.t23), fma(x4_3, vec2f(w.t22), fma(x4_2, vec2f(w.t21), fma(x4_1, vec2f(w.t20), d1)))));
    let e2 = fma(x4_6, vec2f(w.t24), fma(x4_5, vec2f(w.t23), fma(x4_4, vec2f(w.t22), fma(x4_3, vec2f(w.t21), fma(x4_2, vec2f(w.t20), d2)))));
    let e3 = fma(x4_7, vec2f(w.t24), fma(x4_6, vec2f(w.t23), fma(x4_5, vec2f(w.t22), fma(x4_4, vec2f(w.t21), fma(x4_3, vec2f(w.t20), d3)))));
    let e4 = fma(x4_8, vec2f(w.t24), fma(x4_7, vec2f(w.t23), fma(x4_6, vec2f(w.t22), fma(x4_5, vec2f(w.t21), fma(x4_4, vec2f(w.t20), d4)))));
    let e5 = fma(x4_9, vec2f(w.t24), fma(x4_8, vec2f(w.t23), fma(x4_7, vec2f(w.t22), fma(x4_6, vec2f(w.t21), fma(x4_5, vec2f(w.t20), d5)))));
    let e6 = fma(x4_10, vec2f(w.t24), fma(x4_9, vec2f(w.t23), fma(x4_8, vec2f(w.t22), fma(x4_7, vec2f(w.t21), fma(x4_6, vec2f(w.t20), d6)))));
    if (whole) {
      output[at] = e0;
      output[at + params.pairs] = e1;
      output[at + 2u * params.pairs] = e2;
      output[at + 3u * params.pairs] = e3;
      output[at + 4u * params.pairs] = e4;
      output[at + 5u * params.pairs] = e5;
      output[at + 6u * params.pairs] = e6;
    } else {
      let sums = array<vec2f, 7>(e0, e1, e2, e3, e4, e5, e6);
      for (var k = 0u; k < pixels; k++) { output[at + k * params.pairs] = sums[k]; }
    }
    at += params.height * row;
  }
}
