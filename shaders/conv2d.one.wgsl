// conv2d for one output channel and a 5x5 kernel; any image size and number of input channels.
// output[y][x][n] = bias + sum over c, ky, kx of input[c][y + ky - 2][x + kx - 2][n] * kernel[ky][kx][c].
// input [C][H][W][N], output [H][W][N]; kernel [tap][C][padded], of which the first channel of the padding is the one.
// One invocation: a strip of 7 columns, walked down a block of rows, for 2 images. Each input row is loaded once and added to the five
// output rows that it touches: p0_* is the oldest, complete after this row; then all move up by one.
// Grid: x over images times strips, z over blocks of params.rows rows.

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  in_channels: u32,
  out_padded: u32, // distance between the weights of two input channels
  rows: u32, // output rows of a block, which loads four rows more
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

fn store(at: u32, x: u32, sum: vec2f) {
  if (x < params.width) {
    output[at + x * params.n4 * 2u] = sum + bias[0];
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let batch = params.n4 * 2u; // in pairs of images
  let row = params.width * batch;
  let plane = params.height * row;
  let strips = (params.width + 6u) / 7u;
  let n = (group.x / strips) * 32u + lane;
  if (n >= batch) { return; }
  let x = (group.x % strips) * 7u;
  let y_first = (group.z + params.first_group) * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  let tap = params.in_channels * params.out_padded;
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
      let w = c * params.out_padded;
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
      let w0 = kernel[w + 0u * tap]; let w1 = kernel[w + tap]; let w2 = kernel[w + 2u * tap]; let w3 = kernel[w + 3u * tap]; let w4 = kernel[w + 4u * tap];
      let w5 = kernel[w + 5u * tap]; let w6 = kernel[w + 6u * tap]; let w7 = kernel[w + 7u * tap]; let w8 = kernel[w + 8u * tap]; let w9 = kernel[w + 9u * tap];
      let w10 = kernel[w + 10u * tap]; let w11 = kernel[w + 11u * tap]; let w12 = kernel[w + 12u * tap]; let w13 = kernel[w + 13u * tap]; let w14 = kernel[w + 14u * tap];
      let w15 = kernel[w + 15u * tap]; let w16 = kernel[w + 16u * tap]; let w17 = kernel[w + 17u * tap]; let w18 = kernel[w + 18u * tap]; let w19 = kernel[w + 19u * tap];
      let w20 = kernel[w + 20u * tap]; let w21 = kernel[w + 21u * tap]; let w22 = kernel[w + 22u * tap]; let w23 = kernel[w + 23u * tap]; let w24 = kernel[w + 24u * tap];
      p0_0 += x0 * w20 + x1 * w21 + x2 * w22 + x3 * w23 + x4 * w24;
      p0_1 += x1 * w20 + x2 * w21 + x3 * w22 + x4 * w23 + x5 * w24;
      p0_2 += x2 * w20 + x3 * w21 + x4 * w22 + x5 * w23 + x6 * w24;
      p0_3 += x3 * w20 + x4 * w21 + x5 * w22 + x6 * w23 + x7 * w24;
      p0_4 += x4 * w20 + x5 * w21 + x6 * w22 + x7 * w23 + x8 * w24;
      p0_5 += x5 * w20 + x6 * w21 + x7 * w22 + x8 * w23 + x9 * w24;
      p0_6 += x6 * w20 + x7 * w21 + x8 * w22 + x9 * w23 + x10 * w24;
      p1_0 += x0 * w15 + x1 * w16 + x2 * w17 + x3 * w18 + x4 * w19;
      p1_1 += x1 * w15 + x2 * w16 + x3 * w17 + x4 * w18 + x5 * w19;
      p1_2 += x2 * w15 + x3 * w16 + x4 * w17 + x5 * w18 + x6 * w19;
      p1_3 += x3 * w15 + x4 * w16 + x5 * w17 + x6 * w18 + x7 * w19;
      p1_4 += x4 * w15 + x5 * w16 + x6 * w17 + x7 * w18 + x8 * w19;
      p1_5 += x5 * w15 + x6 * w16 + x7 * w17 + x8 * w18 + x9 * w19;
      p1_6 += x6 * w15 + x7 * w16 + x8 * w17 + x9 * w18 + x10 * w19;
      p2_0 += x0 * w10 + x1 * w11 + x2 * w12 + x3 * w13 + x4 * w14;
      p2_1 += x1 * w10 + x2 * w11 + x3 * w12 + x4 * w13 + x5 * w14;
      p2_2 += x2 * w10 + x3 * w11 + x4 * w12 + x5 * w13 + x6 * w14;
      p2_3 += x3 * w10 + x4 * w11 + x5 * w12 + x6 * w13 + x7 * w14;
      p2_4 += x4 * w10 + x5 * w11 + x6 * w12 + x7 * w13 + x8 * w14;
      p2_5 += x5 * w10 + x6 * w11 + x7 * w12 + x8 * w13 + x9 * w14;
      p2_6 += x6 * w10 + x7 * w11 + x8 * w12 + x9 * w13 + x10 * w14;
      p3_0 += x0 * w5 + x1 * w6 + x2 * w7 + x3 * w8 + x4 * w9;
      p3_1 += x1 * w5 + x2 * w6 + x3 * w7 + x4 * w8 + x5 * w9;
      p3_2 += x2 * w5 + x3 * w6 + x4 * w7 + x5 * w8 + x6 * w9;
      p3_3 += x3 * w5 + x4 * w6 + x5 * w7 + x6 * w8 + x7 * w9;
      p3_4 += x4 * w5 + x5 * w6 + x6 * w7 + x7 * w8 + x8 * w9;
      p3_5 += x5 * w5 + x6 * w6 + x7 * w7 + x8 * w8 + x9 * w9;
      p3_6 += x6 * w5 + x7 * w6 + x8 * w7 + x9 * w8 + x10 * w9;
      p4_0 += x0 * w0 + x1 * w1 + x2 * w2 + x3 * w3 + x4 * w4;
      p4_1 += x1 * w0 + x2 * w1 + x3 * w2 + x4 * w3 + x5 * w4;
      p4_2 += x2 * w0 + x3 * w1 + x4 * w2 + x5 * w3 + x6 * w4;
      p4_3 += x3 * w0 + x4 * w1 + x5 * w2 + x6 * w3 + x7 * w4;
      p4_4 += x4 * w0 + x5 * w1 + x6 * w2 + x7 * w3 + x8 * w4;
      p4_5 += x5 * w0 + x6 * w1 + x7 * w2 + x8 * w3 + x9 * w4;
      p4_6 += x6 * w0 + x7 * w1 + x8 * w2 + x9 * w3 + x10 * w4;
    }
    if (r >= y_first + 2u) {
      let at = (r - 2u) * row + n;
      store(at, x + 0u, p0_0);
      store(at, x + 1u, p0_1);
      store(at, x + 2u, p0_2);
      store(at, x + 3u, p0_3);
      store(at, x + 4u, p0_4);
      store(at, x + 5u, p0_5);
      store(at, x + 6u, p0_6);
    }
    p0_0 = p1_0; p0_1 = p1_1; p0_2 = p1_2; p0_3 = p1_3; p0_4 = p1_4; p0_5 = p1_5; p0_6 = p1_6;
    p1_0 = p2_0; p1_1 = p2_1; p1_2 = p2_2; p1_3 = p2_3; p1_4 = p2_4; p1_5 = p2_5; p1_6 = p2_6;
    p2_0 = p3_0; p2_1 = p3_1; p2_2 = p3_2; p2_3 = p3_3; p2_4 = p3_4; p2_5 = p3_5; p2_6 = p3_6;
    p3_0 = p4_0; p3_1 = p4_1; p3_2 = p4_2; p3_3 = p4_3; p3_4 = p4_4; p3_5 = p4_5; p3_6 = p4_6;
    p4_0 = vec2f(0); p4_1 = vec2f(0); p4_2 = vec2f(0); p4_3 = vec2f(0); p4_4 = vec2f(0); p4_5 = vec2f(0); p4_6 = vec2f(0);
  }
}
