// A 5x5 convolution of a single channel, any image size; shared by conv2d, conv2d_grad_input and what is fused with them:
//   sum[o][y][x][n] = start(o, n) + sum over ky, kx of input[y + ky - 2][x + kx - 2][n] * kernel[5 * ky + kx][o].
// A Lane is what an invocation does at once: a pair of images, or with `gpu` a single one, which fits the registers of all GPUs. All
// counts of images are counts of Lanes. The shader that imports this declares
//   input    [H][W][images], kernel [tap][padded];
//   start    what the sums of a channel begin with for the nth Lane of images, an f32 or a Lane;
// and imports one_input_store or ../fused/windows, which have
//   finish   what becomes of the sums of a patch.
// One invocation: a patch of 2 rows x 4 pixels of a Lane: the 6 x 8 pixels around it stay in registers while it makes one channel after
// the other, 200 products each. Nothing is summed up from one turn of the loop to the next.
// Grid: x over patches of two rows times images, z over pairs of rows times groups of params.each channels.
#import conv2d/one_channel/taps.wgsl

#if gpu
alias Lane = f32;
#else
alias Lane = vec2f;
#endif

struct Params {
  height: u32,
  width: u32,
  images: u32, // N, or N / 2
  channels: u32, // made
  padded: u32, // channels, rounded up to 8
  each: u32, // channels that an invocation makes
#if image_bias
  image_bias_at: u32, // row of image_bias for channel 0
#endif
  first_group: u32,
}

// The sums of a patch: a0 to a3 are the upper row, b0 to b3 the lower one.
struct Patch { a0: Lane, a1: Lane, a2: Lane, a3: Lane, b0: Lane, b1: Lane, b2: Lane, b3: Lane }

struct Place {
  x: u32,
  y: u32,
  n: u32, // image
  columns: u32, // of the patch, inside the image
}

// `item` counts patches times images of two rows; a surplus one repeats the last and has no columns.
fn convolve(item: u32, group_z: u32) {
  let items = (params.width + 3u) / 4u * params.images;
  let n = min(item, items - 1u) % params.images;
  let x = min(item, items - 1u) / params.images * 4u;
  let row_pairs = (params.height + 1u) / 2u;
  let y = group_z % row_pairs * 2u;
  let first = group_z / row_pairs * params.each;
  let place = Place(x, y, n, select(0u, min(4u, params.width - x), item < items));
  let row = params.width * params.images;

  // A row or a column may lie outside the image; then some other element is loaded and counts as 0.
  let last = i32(params.width) - 1;
  let last_row = i32(params.height) - 1;
  let row0 = i32(y) + 0 - 2; let has0 = row0 >= 0 && row0 <= last_row; let line0 = u32(clamp(row0, 0, last_row)) * row + n;
  let row1 = i32(y) + 1 - 2; let has1 = row1 >= 0 && row1 <= last_row; let line1 = u32(clamp(row1, 0, last_row)) * row + n;
  let row2 = i32(y) + 2 - 2; let has2 = row2 >= 0 && row2 <= last_row; let line2 = u32(clamp(row2, 0, last_row)) * row + n;
  let row3 = i32(y) + 3 - 2; let has3 = row3 >= 0 && row3 <= last_row; let line3 = u32(clamp(row3, 0, last_row)) * row + n;
  let row4 = i32(y) + 4 - 2; let has4 = row4 >= 0 && row4 <= last_row; let line4 = u32(clamp(row4, 0, last_row)) * row + n;
  let row5 = i32(y) + 5 - 2; let has5 = row5 >= 0 && row5 <= last_row; let line5 = u32(clamp(row5, 0, last_row)) * row + n;
  let col0 = i32(x) + 0 - 2; let in0 = col0 >= 0 && col0 <= last; let at0 = u32(clamp(col0, 0, last)) * params.images;
  let col1 = i32(x) + 1 - 2; let in1 = col1 >= 0 && col1 <= last; let at1 = u32(clamp(col1, 0, last)) * params.images;
  let col2 = i32(x) + 2 - 2; let in2 = col2 >= 0 && col2 <= last; let at2 = u32(clamp(col2, 0, last)) * params.images;
  let col3 = i32(x) + 3 - 2; let in3 = col3 >= 0 && col3 <= last; let at3 = u32(clamp(col3, 0, last)) * params.images;
  let col4 = i32(x) + 4 - 2; let in4 = col4 >= 0 && col4 <= last; let at4 = u32(clamp(col4, 0, last)) * params.images;
  let col5 = i32(x) + 5 - 2; let in5 = col5 >= 0 && col5 <= last; let at5 = u32(clamp(col5, 0, last)) * params.images;
  let col6 = i32(x) + 6 - 2; let in6 = col6 >= 0 && col6 <= last; let at6 = u32(clamp(col6, 0, last)) * params.images;
  let col7 = i32(x) + 7 - 2; let in7 = col7 >= 0 && col7 <= last; let at7 = u32(clamp(col7, 0, last)) * params.images;
  let x0_0 = select(Lane(0), input[line0 + at0], has0 && in0);
  let x0_1 = select(Lane(0), input[line0 + at1], has0 && in1);
  let x0_2 = select(Lane(0), input[line0 + at2], has0 && in2);
  let x0_3 = select(Lane(0), input[line0 + at3], has0 && in3);
  let x0_4 = select(Lane(0), input[line0 + at4], has0 && in4);
  let x0_5 = select(Lane(0), input[line0 + at5], has0 && in5);
  let x0_6 = select(Lane(0), input[line0 + at6], has0 && in6);
  let x0_7 = select(Lane(0), input[line0 + at7], has0 && in7);
  let x1_0 = select(Lane(0), input[line1 + at0], has1 && in0);
  let x1_1 = select(Lane(0), input[line1 + at1], has1 && in1);
  let x1_2 = select(Lane(0), input[line1 + at2], has1 && in2);
  let x1_3 = select(Lane(0), input[line1 + at3], has1 && in3);
  let x1_4 = select(Lane(0), input[line1 + at4], has1 && in4);
  let x1_5 = select(Lane(0), input[line1 + at5], has1 && in5);
  let x1_6 = select(Lane(0), input[line1 + at6], has1 && in6);
  let x1_7 = select(Lane(0), input[line1 + at7], has1 && in7);
  let x2_0 = select(Lane(0), input[line2 + at0], has2 && in0);
  let x2_1 = select(Lane(0), input[line2 + at1], has2 && in1);
  let x2_2 = select(Lane(0), input[line2 + at2], has2 && in2);
  let x2_3 = select(Lane(0), input[line2 + at3], has2 && in3);
  let x2_4 = select(Lane(0), input[line2 + at4], has2 && in4);
  let x2_5 = select(Lane(0), input[line2 + at5], has2 && in5);
  let x2_6 = select(Lane(0), input[line2 + at6], has2 && in6);
  let x2_7 = select(Lane(0), input[line2 + at7], has2 && in7);
  let x3_0 = select(Lane(0), input[line3 + at0], has3 && in0);
  let x3_1 = select(Lane(0), input[line3 + at1], has3 && in1);
  let x3_2 = select(Lane(0), input[line3 + at2], has3 && in2);
  let x3_3 = select(Lane(0), input[line3 + at3], has3 && in3);
  let x3_4 = select(Lane(0), input[line3 + at4], has3 && in4);
  let x3_5 = select(Lane(0), input[line3 + at5], has3 && in5);
  let x3_6 = select(Lane(0), input[line3 + at6], has3 && in6);
  let x3_7 = select(Lane(0), input[line3 + at7], has3 && in7);
  let x4_0 = select(Lane(0), input[line4 + at0], has4 && in0);
  let x4_1 = select(Lane(0), input[line4 + at1], has4 && in1);
  let x4_2 = select(Lane(0), input[line4 + at2], has4 && in2);
  let x4_3 = select(Lane(0), input[line4 + at3], has4 && in3);
  let x4_4 = select(Lane(0), input[line4 + at4], has4 && in4);
  let x4_5 = select(Lane(0), input[line4 + at5], has4 && in5);
  let x4_6 = select(Lane(0), input[line4 + at6], has4 && in6);
  let x4_7 = select(Lane(0), input[line4 + at7], has4 && in7);
  let x5_0 = select(Lane(0), input[line5 + at0], has5 && in0);
  let x5_1 = select(Lane(0), input[line5 + at1], has5 && in1);
  let x5_2 = select(Lane(0), input[line5 + at2], has5 && in2);
  let x5_3 = select(Lane(0), input[line5 + at3], has5 && in3);
  let x5_4 = select(Lane(0), input[line5 + at4], has5 && in4);
  let x5_5 = select(Lane(0), input[line5 + at5], has5 && in5);
  let x5_6 = select(Lane(0), input[line5 + at6], has5 && in6);
  let x5_7 = select(Lane(0), input[line5 + at7], has5 && in7);

  for (var o = first; o < min(first + params.each, params.channels); o++) {
    let w = taps_at(o, params.padded);
    let begin = Lane(start(o, n));
    let a0_0 = fma(x0_4, Lane(w.t4), fma(x0_3, Lane(w.t3), fma(x0_2, Lane(w.t2), fma(x0_1, Lane(w.t1), fma(x0_0, Lane(w.t0), begin)))));
    let a0_1 = fma(x0_5, Lane(w.t4), fma(x0_4, Lane(w.t3), fma(x0_3, Lane(w.t2), fma(x0_2, Lane(w.t1), fma(x0_1, Lane(w.t0), begin)))));
    let a0_2 = fma(x0_6, Lane(w.t4), fma(x0_5, Lane(w.t3), fma(x0_4, Lane(w.t2), fma(x0_3, Lane(w.t1), fma(x0_2, Lane(w.t0), begin)))));
    let a0_3 = fma(x0_7, Lane(w.t4), fma(x0_6, Lane(w.t3), fma(x0_5, Lane(w.t2), fma(x0_4, Lane(w.t1), fma(x0_3, Lane(w.t0), begin)))));
    let b0_0 = fma(x1_4, Lane(w.t4), fma(x1_3, Lane(w.t3), fma(x1_2, Lane(w.t2), fma(x1_1, Lane(w.t1), fma(x1_0, Lane(w.t0), begin)))));
    let b0_1 = fma(x1_5, Lane(w.t4), fma(x1_4, Lane(w.t3), fma(x1_3, Lane(w.t2), fma(x1_2, Lane(w.t1), fma(x1_1, Lane(w.t0), begin)))));
    let b0_2 = fma(x1_6, Lane(w.t4), fma(x1_5, Lane(w.t3), fma(x1_4, Lane(w.t2), fma(x1_3, Lane(w.t1), fma(x1_2, Lane(w.t0), begin)))));
    let b0_3 = fma(x1_7, Lane(w.t4), fma(x1_6, Lane(w.t3), fma(x1_5, Lane(w.t2), fma(x1_4, Lane(w.t1), fma(x1_3, Lane(w.t0), begin)))));
    let a1_0 = fma(x1_4, Lane(w.t9), fma(x1_3, Lane(w.t8), fma(x1_2, Lane(w.t7), fma(x1_1, Lane(w.t6), fma(x1_0, Lane(w.t5), a0_0)))));
    let a1_1 = fma(x1_5, Lane(w.t9), fma(x1_4, Lane(w.t8), fma(x1_3, Lane(w.t7), fma(x1_2, Lane(w.t6), fma(x1_1, Lane(w.t5), a0_1)))));
    let a1_2 = fma(x1_6, Lane(w.t9), fma(x1_5, Lane(w.t8), fma(x1_4, Lane(w.t7), fma(x1_3, Lane(w.t6), fma(x1_2, Lane(w.t5), a0_2)))));
    let a1_3 = fma(x1_7, Lane(w.t9), fma(x1_6, Lane(w.t8), fma(x1_5, Lane(w.t7), fma(x1_4, Lane(w.t6), fma(x1_3, Lane(w.t5), a0_3)))));
    let b1_0 = fma(x2_4, Lane(w.t9), fma(x2_3, Lane(w.t8), fma(x2_2, Lane(w.t7), fma(x2_1, Lane(w.t6), fma(x2_0, Lane(w.t5), b0_0)))));
    let b1_1 = fma(x2_5, Lane(w.t9), fma(x2_4, Lane(w.t8), fma(x2_3, Lane(w.t7), fma(x2_2, Lane(w.t6), fma(x2_1, Lane(w.t5), b0_1)))));
    let b1_2 = fma(x2_6, Lane(w.t9), fma(x2_5, Lane(w.t8), fma(x2_4, Lane(w.t7), fma(x2_3, Lane(w.t6), fma(x2_2, Lane(w.t5), b0_2)))));
    let b1_3 = fma(x2_7, Lane(w.t9), fma(x2_6, Lane(w.t8), fma(x2_5, Lane(w.t7), fma(x2_4, Lane(w.t6), fma(x2_3, Lane(w.t5), b0_3)))));
    let a2_0 = fma(x2_4, Lane(w.t14), fma(x2_3, Lane(w.t13), fma(x2_2, Lane(w.t12), fma(x2_1, Lane(w.t11), fma(x2_0, Lane(w.t10), a1_0)))));
    let a2_1 = fma(x2_5, Lane(w.t14), fma(x2_4, Lane(w.t13), fma(x2_3, Lane(w.t12), fma(x2_2, Lane(w.t11), fma(x2_1, Lane(w.t10), a1_1)))));
    let a2_2 = fma(x2_6, Lane(w.t14), fma(x2_5, Lane(w.t13), fma(x2_4, Lane(w.t12), fma(x2_3, Lane(w.t11), fma(x2_2, Lane(w.t10), a1_2)))));
    let a2_3 = fma(x2_7, Lane(w.t14), fma(x2_6, Lane(w.t13), fma(x2_5, Lane(w.t12), fma(x2_4, Lane(w.t11), fma(x2_3, Lane(w.t10), a1_3)))));
    let b2_0 = fma(x3_4, Lane(w.t14), fma(x3_3, Lane(w.t13), fma(x3_2, Lane(w.t12), fma(x3_1, Lane(w.t11), fma(x3_0, Lane(w.t10), b1_0)))));
    let b2_1 = fma(x3_5, Lane(w.t14), fma(x3_4, Lane(w.t13), fma(x3_3, Lane(w.t12), fma(x3_2, Lane(w.t11), fma(x3_1, Lane(w.t10), b1_1)))));
    let b2_2 = fma(x3_6, Lane(w.t14), fma(x3_5, Lane(w.t13), fma(x3_4, Lane(w.t12), fma(x3_3, Lane(w.t11), fma(x3_2, Lane(w.t10), b1_2)))));
    let b2_3 = fma(x3_7, Lane(w.t14), fma(x3_6, Lane(w.t13), fma(x3_5, Lane(w.t12), fma(x3_4, Lane(w.t11), fma(x3_3, Lane(w.t10), b1_3)))));
    let a3_0 = fma(x3_4, Lane(w.t19), fma(x3_3, Lane(w.t18), fma(x3_2, Lane(w.t17), fma(x3_1, Lane(w.t16), fma(x3_0, Lane(w.t15), a2_0)))));
    let a3_1 = fma(x3_5, Lane(w.t19), fma(x3_4, Lane(w.t18), fma(x3_3, Lane(w.t17), fma(x3_2, Lane(w.t16), fma(x3_1, Lane(w.t15), a2_1)))));
    let a3_2 = fma(x3_6, Lane(w.t19), fma(x3_5, Lane(w.t18), fma(x3_4, Lane(w.t17), fma(x3_3, Lane(w.t16), fma(x3_2, Lane(w.t15), a2_2)))));
    let a3_3 = fma(x3_7, Lane(w.t19), fma(x3_6, Lane(w.t18), fma(x3_5, Lane(w.t17), fma(x3_4, Lane(w.t16), fma(x3_3, Lane(w.t15), a2_3)))));
    let b3_0 = fma(x4_4, Lane(w.t19), fma(x4_3, Lane(w.t18), fma(x4_2, Lane(w.t17), fma(x4_1, Lane(w.t16), fma(x4_0, Lane(w.t15), b2_0)))));
    let b3_1 = fma(x4_5, Lane(w.t19), fma(x4_4, Lane(w.t18), fma(x4_3, Lane(w.t17), fma(x4_2, Lane(w.t16), fma(x4_1, Lane(w.t15), b2_1)))));
    let b3_2 = fma(x4_6, Lane(w.t19), fma(x4_5, Lane(w.t18), fma(x4_4, Lane(w.t17), fma(x4_3, Lane(w.t16), fma(x4_2, Lane(w.t15), b2_2)))));
    let b3_3 = fma(x4_7, Lane(w.t19), fma(x4_6, Lane(w.t18), fma(x4_5, Lane(w.t17), fma(x4_4, Lane(w.t16), fma(x4_3, Lane(w.t15), b2_3)))));
    let a4_0 = fma(x4_4, Lane(w.t24), fma(x4_3, Lane(w.t23), fma(x4_2, Lane(w.t22), fma(x4_1, Lane(w.t21), fma(x4_0, Lane(w.t20), a3_0)))));
    let a4_1 = fma(x4_5, Lane(w.t24), fma(x4_4, Lane(w.t23), fma(x4_3, Lane(w.t22), fma(x4_2, Lane(w.t21), fma(x4_1, Lane(w.t20), a3_1)))));
    let a4_2 = fma(x4_6, Lane(w.t24), fma(x4_5, Lane(w.t23), fma(x4_4, Lane(w.t22), fma(x4_3, Lane(w.t21), fma(x4_2, Lane(w.t20), a3_2)))));
    let a4_3 = fma(x4_7, Lane(w.t24), fma(x4_6, Lane(w.t23), fma(x4_5, Lane(w.t22), fma(x4_4, Lane(w.t21), fma(x4_3, Lane(w.t20), a3_3)))));
    let b4_0 = fma(x5_4, Lane(w.t24), fma(x5_3, Lane(w.t23), fma(x5_2, Lane(w.t22), fma(x5_1, Lane(w.t21), fma(x5_0, Lane(w.t20), b3_0)))));
    let b4_1 = fma(x5_5, Lane(w.t24), fma(x5_4, Lane(w.t23), fma(x5_3, Lane(w.t22), fma(x5_2, Lane(w.t21), fma(x5_1, Lane(w.t20), b3_1)))));
    let b4_2 = fma(x5_6, Lane(w.t24), fma(x5_5, Lane(w.t23), fma(x5_4, Lane(w.t22), fma(x5_3, Lane(w.t21), fma(x5_2, Lane(w.t20), b3_2)))));
    let b4_3 = fma(x5_7, Lane(w.t24), fma(x5_6, Lane(w.t23), fma(x5_5, Lane(w.t22), fma(x5_4, Lane(w.t21), fma(x5_3, Lane(w.t20), b3_3)))));
    finish(place, o, Patch(a4_0, a4_1, a4_2, a4_3, b4_0, b4_1, b4_2, b4_3));
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
#if gpu
@compute @workgroup_size(64)
#else
@compute @workgroup_size(32)
#endif
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes have nothing to do.
  if (id.x < (params.width + 3u) / 4u * params.images) { convolve(id.x, group.z + params.first_group); }
}
#endif
