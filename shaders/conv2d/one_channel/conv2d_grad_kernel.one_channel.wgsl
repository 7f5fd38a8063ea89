// The gradient of a 5x5 kernel with a single channel on one side, any image size: partial sums per slice of image rows and image,
//   partials[slice][n][ky][kx][channel] = sum over y in the slice, x of input[c][y + ky - 2][x + kx - 2][n] * grad[o][y][x][n],
// each followed by the sums of grad[o][y][x][n] for the bias.
// input [C][H][W][N], grad [O][H][W][N]. The tensor that has many channels is "wide"; the other, which has one, is "narrow".
// One invocation: one image, four channels of wide, all taps. Strip by strip of 7 columns it walks down the slice's rows with the 5 x 11
// pixels of narrow around them in registers, rows a to e: as a new e comes, a goes. A row of a strip takes 39 loads and makes 700 products.
// With wide the input the taps come out mirrored and are stored so.
// Grid: x over images, y over groups of four channels, z over slices of params.rows rows.
#import conv2d/one_channel/wide_strip.wgsl

struct Params {
  height: u32,
  width: u32,
  batch: u32,
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  wide_is_input: u32, // 0: wide is the output gradient, narrow the input; 1: the other way round
  pitch: u32, // of a slice of partials
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let n = id.x;
  if (n >= params.batch) {
    return;
  }
  let channels = params.in_channels * params.out_channels;
  let channel = id.y * 4u;
  let slice = group.z + params.first_group;
  let swapped = params.wide_is_input == 1u;
  let row = params.width * params.batch;
  let channel0 = min(channel, channels - 1u);
  let channel1 = min(channel + 1u, channels - 1u);
  let channel2 = min(channel + 2u, channels - 1u);
  let channel3 = min(channel + 3u, channels - 1u);
  let last = i32(params.width) - 1;

  var s0_0 = 0.0; var s0_1 = 0.0; var s0_2 = 0.0; var s0_3 = 0.0; var s0_4 = 0.0;
  var s0_5 = 0.0; var s0_6 = 0.0; var s0_7 = 0.0; var s0_8 = 0.0; var s0_9 = 0.0;
  var s0_10 = 0.0; var s0_11 = 0.0; var s0_12 = 0.0; var s0_13 = 0.0; var s0_14 = 0.0;
  var s0_15 = 0.0; var s0_16 = 0.0; var s0_17 = 0.0; var s0_18 = 0.0; var s0_19 = 0.0;
  var s0_20 = 0.0; var s0_21 = 0.0; var s0_22 = 0.0; var s0_23 = 0.0; var s0_24 = 0.0;
  var s1_0 = 0.0; var s1_1 = 0.0; var s1_2 = 0.0; var s1_3 = 0.0; var s1_4 = 0.0;
  var s1_5 = 0.0; var s1_6 = 0.0; var s1_7 = 0.0; var s1_8 = 0.0; var s1_9 = 0.0;
  var s1_10 = 0.0; var s1_11 = 0.0; var s1_12 = 0.0; var s1_13 = 0.0; var s1_14 = 0.0;
  var s1_15 = 0.0; var s1_16 = 0.0; var s1_17 = 0.0; var s1_18 = 0.0; var s1_19 = 0.0;
  var s1_20 = 0.0; var s1_21 = 0.0; var s1_22 = 0.0; var s1_23 = 0.0; var s1_24 = 0.0;
  var s2_0 = 0.0; var s2_1 = 0.0; var s2_2 = 0.0; var s2_3 = 0.0; var s2_4 = 0.0;
  var s2_5 = 0.0; var s2_6 = 0.0; var s2_7 = 0.0; var s2_8 = 0.0; var s2_9 = 0.0;
  var s2_10 = 0.0; var s2_11 = 0.0; var s2_12 = 0.0; var s2_13 = 0.0; var s2_14 = 0.0;
  var s2_15 = 0.0; var s2_16 = 0.0; var s2_17 = 0.0; var s2_18 = 0.0; var s2_19 = 0.0;
  var s2_20 = 0.0; var s2_21 = 0.0; var s2_22 = 0.0; var s2_23 = 0.0; var s2_24 = 0.0;
  var s3_0 = 0.0; var s3_1 = 0.0; var s3_2 = 0.0; var s3_3 = 0.0; var s3_4 = 0.0;
  var s3_5 = 0.0; var s3_6 = 0.0; var s3_7 = 0.0; var s3_8 = 0.0; var s3_9 = 0.0;
  var s3_10 = 0.0; var s3_11 = 0.0; var s3_12 = 0.0; var s3_13 = 0.0; var s3_14 = 0.0;
  var s3_15 = 0.0; var s3_16 = 0.0; var s3_17 = 0.0; var s3_18 = 0.0; var s3_19 = 0.0;
  var s3_20 = 0.0; var s3_21 = 0.0; var s3_22 = 0.0; var s3_23 = 0.0; var s3_24 = 0.0;
  var bias0 = 0.0; var bias1 = 0.0; var bias2 = 0.0; var bias3 = 0.0;

  let y_first = slice * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  for (var x = 0u; x < params.width; x += 7u) {
    let col0 = i32(x) - 2; let in0 = col0 >= 0 && col0 <= last; let at0 = u32(clamp(col0, 0, last)) * params.batch;
    let col1 = i32(x) + 1 - 2; let in1 = col1 >= 0 && col1 <= last; let at1 = u32(clamp(col1, 0, last)) * params.batch;
    let col2 = i32(x) + 2 - 2; let in2 = col2 >= 0 && col2 <= last; let at2 = u32(clamp(col2, 0, last)) * params.batch;
    let col3 = i32(x) + 3 - 2; let in3 = col3 >= 0 && col3 <= last; let at3 = u32(clamp(col3, 0, last)) * params.batch;
    let col4 = i32(x) + 4 - 2; let in4 = col4 >= 0 && col4 <= last; let at4 = u32(clamp(col4, 0, last)) * params.batch;
    let col5 = i32(x) + 5 - 2; let in5 = col5 >= 0 && col5 <= last; let at5 = u32(clamp(col5, 0, last)) * params.batch;
    let col6 = i32(x) + 6 - 2; let in6 = col6 >= 0 && col6 <= last; let at6 = u32(clamp(col6, 0, last)) * params.batch;
    let col7 = i32(x) + 7 - 2; let in7 = col7 >= 0 && col7 <= last; let at7 = u32(clamp(col7, 0, last)) * params.batch;
    let col8 = i32(x) + 8 - 2; let in8 = col8 >= 0 && col8 <= last; let at8 = u32(clamp(col8, 0, last)) * params.batch;
    let col9 = i32(x) + 9 - 2; let in9 = col9 >= 0 && col9 <= last; let at9 = u32(clamp(col9, 0, last)) * params.batch;
    let col10 = i32(x) + 10 - 2; let in10 = col10 >= 0 && col10 <= last; let at10 = u32(clamp(col10, 0, last)) * params.batch;
    var a0 = 0.0; var a1 = 0.0; var a2 = 0.0; var a3 = 0.0; var a4 = 0.0; var a5 = 0.0;
    var a6 = 0.0; var a7 = 0.0; var a8 = 0.0; var a9 = 0.0; var a10 = 0.0;
    var b0 = 0.0; var b1 = 0.0; var b2 = 0.0; var b3 = 0.0; var b4 = 0.0; var b5 = 0.0;
    var b6 = 0.0; var b7 = 0.0; var b8 = 0.0; var b9 = 0.0; var b10 = 0.0;
    var c0 = 0.0; var c1 = 0.0; var c2 = 0.0; var c3 = 0.0; var c4 = 0.0; var c5 = 0.0;
    var c6 = 0.0; var c7 = 0.0; var c8 = 0.0; var c9 = 0.0; var c10 = 0.0;
    var d0 = 0.0; var d1 = 0.0; var d2 = 0.0; var d3 = 0.0; var d4 = 0.0; var d5 = 0.0;
    var d6 = 0.0; var d7 = 0.0; var d8 = 0.0; var d9 = 0.0; var d10 = 0.0;
    for (var r = max(y_first, 2u) - 2u; r < y_end + 2u; r++) {
      let has_e = r < params.height;
      let line_e = min(r, params.height - 1u) * row + n;
      let e0 = select(0.0, narrow[line_e + at0], has_e && in0);
      let e1 = select(0.0, narrow[line_e + at1], has_e && in1);
      let e2 = select(0.0, narrow[line_e + at2], has_e && in2);
      let e3 = select(0.0, narrow[line_e + at3], has_e && in3);
      let e4 = select(0.0, narrow[line_e + at4], has_e && in4);
      let e5 = select(0.0, narrow[line_e + at5], has_e && in5);
      let e6 = select(0.0, narrow[line_e + at6], has_e && in6);
      let e7 = select(0.0, narrow[line_e + at7], has_e && in7);
      let e8 = select(0.0, narrow[line_e + at8], has_e && in8);
      let e9 = select(0.0, narrow[line_e + at9], has_e && in9);
      let e10 = select(0.0, narrow[line_e + at10], has_e && in10);
      if (r >= y_first + 2u) {
        let p0 = wide_strip(channel0, r - 2u, x, n);
        let p1 = wide_strip(channel1, r - 2u, x, n);
        let p2 = wide_strip(channel2, r - 2u, x, n);
        let p3 = wide_strip(channel3, r - 2u, x, n);
        s0_0 = fma(a6, p0.p6, fma(a5, p0.p5, fma(a4, p0.p4, fma(a3, p0.p3, fma(a2, p0.p2, fma(a1, p0.p1, fma(a0, p0.p0, s0_0)))))));
        s0_1 = fma(a7, p0.p6, fma(a6, p0.p5, fma(a5, p0.p4, fma(a4, p0.p3, fma(a3, p0.p2, fma(a2, p0.p1, fma(a1, p0.p0, s0_1)))))));
        s0_2 = fma(a8, p0.p6, fma(a7, p0.p5, fma(a6, p0.p4, fma(a5, p0.p3, fma(a4, p0.p2, fma(a3, p0.p1, fma(a2, p0.p0, s0_2)))))));
        s0_3 = fma(a9, p0.p6, fma(a8, p0.p5, fma(a7, p0.p4, fma(a6, p0.p3, fma(a5, p0.p2, fma(a4, p0.p1, fma(a3, p0.p0, s0_3)))))));
        s0_4 = fma(a10, p0.p6, fma(a9, p0.p5, fma(a8, p0.p4, fma(a7, p0.p3, fma(a6, p0.p2, fma(a5, p0.p1, fma(a4, p0.p0, s0_4)))))));
        s0_5 = fma(b6, p0.p6, fma(b5, p0.p5, fma(b4, p0.p4, fma(b3, p0.p3, fma(b2, p0.p2, fma(b1, p0.p1, fma(b0, p0.p0, s0_5)))))));
        s0_6 = fma(b7, p0.p6, fma(b6, p0.p5, fma(b5, p0.p4, fma(b4, p0.p3, fma(b3, p0.p2, fma(b2, p0.p1, fma(b1, p0.p0, s0_6)))))));
        s0_7 = fma(b8, p0.p6, fma(b7, p0.p5, fma(b6, p0.p4, fma(b5, p0.p3, fma(b4, p0.p2, fma(b3, p0.p1, fma(b2, p0.p0, s0_7)))))));
        s0_8 = fma(b9, p0.p6, fma(b8, p0.p5, fma(b7, p0.p4, fma(b6, p0.p3, fma(b5, p0.p2, fma(b4, p0.p1, fma(b3, p0.p0, s0_8)))))));
        s0_9 = fma(b10, p0.p6, fma(b9, p0.p5, fma(b8, p0.p4, fma(b7, p0.p3, fma(b6, p0.p2, fma(b5, p0.p1, fma(b4, p0.p0, s0_9)))))));
        s0_10 = fma(c6, p0.p6, fma(c5, p0.p5, fma(c4, p0.p4, fma(c3, p0.p3, fma(c2, p0.p2, fma(c1, p0.p1, fma(c0, p0.p0, s0_10)))))));
        s0_11 = fma(c7, p0.p6, fma(c6, p0.p5, fma(c5, p0.p4, fma(c4, p0.p3, fma(c3, p0.p2, fma(c2, p0.p1, fma(c1, p0.p0, s0_11)))))));
        s0_12 = fma(c8, p0.p6, fma(c7, p0.p5, fma(c6, p0.p4, fma(c5, p0.p3, fma(c4, p0.p2, fma(c3, p0.p1, fma(c2, p0.p0, s0_12)))))));
        s0_13 = fma(c9, p0.p6, fma(c8, p0.p5, fma(c7, p0.p4, fma(c6, p0.p3, fma(c5, p0.p2, fma(c4, p0.p1, fma(c3, p0.p0, s0_13)))))));
        s0_14 = fma(c10, p0.p6, fma(c9, p0.p5, fma(c8, p0.p4, fma(c7, p0.p3, fma(c6, p0.p2, fma(c5, p0.p1, fma(c4, p0.p0, s0_14)))))));
        s0_15 = fma(d6, p0.p6, fma(d5, p0.p5, fma(d4, p0.p4, fma(d3, p0.p3, fma(d2, p0.p2, fma(d1, p0.p1, fma(d0, p0.p0, s0_15)))))));
        s0_16 = fma(d7, p0.p6, fma(d6, p0.p5, fma(d5, p0.p4, fma(d4, p0.p3, fma(d3, p0.p2, fma(d2, p0.p1, fma(d1, p0.p0, s0_16)))))));
        s0_17 = fma(d8, p0.p6, fma(d7, p0.p5, fma(d6, p0.p4, fma(d5, p0.p3, fma(d4, p0.p2, fma(d3, p0.p1, fma(d2, p0.p0, s0_17)))))));
        s0_18 = fma(d9, p0.p6, fma(d8, p0.p5, fma(d7, p0.p4, fma(d6, p0.p3, fma(d5, p0.p2, fma(d4, p0.p1, fma(d3, p0.p0, s0_18)))))));
        s0_19 = fma(d10, p0.p6, fma(d9, p0.p5, fma(d8, p0.p4, fma(d7, p0.p3, fma(d6, p0.p2, fma(d5, p0.p1, fma(d4, p0.p0, s0_19)))))));
        s0_20 = fma(e6, p0.p6, fma(e5, p0.p5, fma(e4, p0.p4, fma(e3, p0.p3, fma(e2, p0.p2, fma(e1, p0.p1, fma(e0, p0.p0, s0_20)))))));
        s0_21 = fma(e7, p0.p6, fma(e6, p0.p5, fma(e5, p0.p4, fma(e4, p0.p3, fma(e3, p0.p2, fma(e2, p0.p1, fma(e1, p0.p0, s0_21)))))));
        s0_22 = fma(e8, p0.p6, fma(e7, p0.p5, fma(e6, p0.p4, fma(e5, p0.p3, fma(e4, p0.p2, fma(e3, p0.p1, fma(e2, p0.p0, s0_22)))))));
        s0_23 = fma(e9, p0.p6, fma(e8, p0.p5, fma(e7, p0.p4, fma(e6, p0.p3, fma(e5, p0.p2, fma(e4, p0.p1, fma(e3, p0.p0, s0_23)))))));
        s0_24 = fma(e10, p0.p6, fma(e9, p0.p5, fma(e8, p0.p4, fma(e7, p0.p3, fma(e6, p0.p2, fma(e5, p0.p1, fma(e4, p0.p0, s0_24)))))));
        s1_0 = fma(a6, p1.p6, fma(a5, p1.p5, fma(a4, p1.p4, fma(a3, p1.p3, fma(a2, p1.p2, fma(a1, p1.p1, fma(a0, p1.p0, s1_0)))))));
        s1_1 = fma(a7, p1.p6, fma(a6, p1.p5, fma(a5, p1.p4, fma(a4, p1.p3, fma(a3, p1.p2, fma(a2, p1.p1, fma(a1, p1.p0, s1_1)))))));
        s1_2 = fma(a8, p1.p6, fma(a7, p1.p5, fma(a6, p1.p4, fma(a5, p1.p3, fma(a4, p1.p2, fma(a3, p1.p1, fma(a2, p1.p0, s1_2)))))));
        s1_3 = fma(a9, p1.p6, fma(a8, p1.p5, fma(a7, p1.p4, fma(a6, p1.p3, fma(a5, p1.p2, fma(a4, p1.p1, fma(a3, p1.p0, s1_3)))))));
        s1_4 = fma(a10, p1.p6, fma(a9, p1.p5, fma(a8, p1.p4, fma(a7, p1.p3, fma(a6, p1.p2, fma(a5, p1.p1, fma(a4, p1.p0, s1_4)))))));
        s1_5 = fma(b6, p1.p6, fma(b5, p1.p5, fma(b4, p1.p4, fma(b3, p1.p3, fma(b2, p1.p2, fma(b1, p1.p1, fma(b0, p1.p0, s1_5)))))));
        s1_6 = fma(b7, p1.p6, fma(b6, p1.p5, fma(b5, p1.p4, fma(b4, p1.p3, fma(b3, p1.p2, fma(b2, p1.p1, fma(b1, p1.p0, s1_6)))))));
        s1_7 = fma(b8, p1.p6, fma(b7, p1.p5, fma(b6, p1.p4, fma(b5, p1.p3, fma(b4, p1.p2, fma(b3, p1.p1, fma(b2, p1.p0, s1_7)))))));
        s1_8 = fma(b9, p1.p6, fma(b8, p1.p5, fma(b7, p1.p4, fma(b6, p1.p3, fma(b5, p1.p2, fma(b4, p1.p1, fma(b3, p1.p0, s1_8)))))));
        s1_9 = fma(b10, p1.p6, fma(b9, p1.p5, fma(b8, p1.p4, fma(b7, p1.p3, fma(b6, p1.p2, fma(b5, p1.p1, fma(b4, p1.p0, s1_9)))))));
        s1_10 = fma(c6, p1.p6, fma(c5, p1.p5, fma(c4, p1.p4, fma(c3, p1.p3, fma(c2, p1.p2, fma(c1, p1.p1, fma(c0, p1.p0, s1_10)))))));
        s1_11 = fma(c7, p1.p6, fma(c6, p1.p5, fma(c5, p1.p4, fma(c4, p1.p3, fma(c3, p1.p2, fma(c2, p1.p1, fma(c1, p1.p0, s1_11)))))));
        s1_12 = fma(c8, p1.p6, fma(c7, p1.p5, fma(c6, p1.p4, fma(c5, p1.p3, fma(c4, p1.p2, fma(c3, p1.p1, fma(c2, p1.p0, s1_12)))))));
        s1_13 = fma(c9, p1.p6, fma(c8, p1.p5, fma(c7, p1.p4, fma(c6, p1.p3, fma(c5, p1.p2, fma(c4, p1.p1, fma(c3, p1.p0, s1_13)))))));
        s1_14 = fma(c10, p1.p6, fma(c9, p1.p5, fma(c8, p1.p4, fma(c7, p1.p3, fma(c6, p1.p2, fma(c5, p1.p1, fma(c4, p1.p0, s1_14)))))));
        s1_15 = fma(d6, p1.p6, fma(d5, p1.p5, fma(d4, p1.p4, fma(d3, p1.p3, fma(d2, p1.p2, fma(d1, p1.p1, fma(d0, p1.p0, s1_15)))))));
        s1_16 = fma(d7, p1.p6, fma(d6, p1.p5, fma(d5, p1.p4, fma(d4, p1.p3, fma(d3, p1.p2, fma(d2, p1.p1, fma(d1, p1.p0, s1_16)))))));
        s1_17 = fma(d8, p1.p6, fma(d7, p1.p5, fma(d6, p1.p4, fma(d5, p1.p3, fma(d4, p1.p2, fma(d3, p1.p1, fma(d2, p1.p0, s1_17)))))));
        s1_18 = fma(d9, p1.p6, fma(d8, p1.p5, fma(d7, p1.p4, fma(d6, p1.p3, fma(d5, p1.p2, fma(d4, p1.p1, fma(d3, p1.p0, s1_18)))))));
        s1_19 = fma(d10, p1.p6, fma(d9, p1.p5, fma(d8, p1.p4, fma(d7, p1.p3, fma(d6, p1.p2, fma(d5, p1.p1, fma(d4, p1.p0, s1_19)))))));
        s1_20 = fma(e6, p1.p6, fma(e5, p1.p5, fma(e4, p1.p4, fma(e3, p1.p3, fma(e2, p1.p2, fma(e1, p1.p1, fma(e0, p1.p0, s1_20)))))));
        s1_21 = fma(e7, p1.p6, fma(e6, p1.p5, fma(e5, p1.p4, fma(e4, p1.p3, fma(e3, p1.p2, fma(e2, p1.p1, fma(e1, p1.p0, s1_21)))))));
        s1_22 = fma(e8, p1.p6, fma(e7, p1.p5, fma(e6, p1.p4, fma(e5, p1.p3, fma(e4, p1.p2, fma(e3, p1.p1, fma(e2, p1.p0, s1_22)))))));
        s1_23 = fma(e9, p1.p6, fma(e8, p1.p5, fma(e7, p1.p4, fma(e6, p1.p3, fma(e5, p1.p2, fma(e4, p1.p1, fma(e3, p1.p0, s1_23)))))));
        s1_24 = fma(e10, p1.p6, fma(e9, p1.p5, fma(e8, p1.p4, fma(e7, p1.p3, fma(e6, p1.p2, fma(e5, p1.p1, fma(e4, p1.p0, s1_24)))))));
        s2_0 = fma(a6, p2.p6, fma(a5, p2.p5, fma(a4, p2.p4, fma(a3, p2.p3, fma(a2, p2.p2, fma(a1, p2.p1, fma(a0, p2.p0, s2_0)))))));
        s2_1 = fma(a7, p2.p6, fma(a6, p2.p5, fma(a5, p2.p4, fma(a4, p2.p3, fma(a3, p2.p2, fma(a2, p2.p1, fma(a1, p2.p0, s2_1)))))));
        s2_2 = fma(a8, p2.p6, fma(a7, p2.p5, fma(a6, p2.p4, fma(a5, p2.p3, fma(a4, p2.p2, fma(a3, p2.p1, fma(a2, p2.p0, s2_2)))))));
        s2_3 = fma(a9, p2.p6, fma(a8, p2.p5, fma(a7, p2.p4, fma(a6, p2.p3, fma(a5, p2.p2, fma(a4, p2.p1, fma(a3, p2.p0, s2_3)))))));
        s2_4 = fma(a10, p2.p6, fma(a9, p2.p5, fma(a8, p2.p4, fma(a7, p2.p3, fma(a6, p2.p2, fma(a5, p2.p1, fma(a4, p2.p0, s2_4)))))));
        s2_5 = fma(b6, p2.p6, fma(b5, p2.p5, fma(b4, p2.p4, fma(b3, p2.p3, fma(b2, p2.p2, fma(b1, p2.p1, fma(b0, p2.p0, s2_5)))))));
        s2_6 = fma(b7, p2.p6, fma(b6, p2.p5, fma(b5, p2.p4, fma(b4, p2.p3, fma(b3, p2.p2, fma(b2, p2.p1, fma(b1, p2.p0, s2_6)))))));
        s2_7 = fma(b8, p2.p6, fma(b7, p2.p5, fma(b6, p2.p4, fma(b5, p2.p3, fma(b4, p2.p2, fma(b3, p2.p1, fma(b2, p2.p0, s2_7)))))));
        s2_8 = fma(b9, p2.p6, fma(b8, p2.p5, fma(b7, p2.p4, fma(b6, p2.p3, fma(b5, p2.p2, fma(b4, p2.p1, fma(b3, p2.p0, s2_8)))))));
        s2_9 = fma(b10, p2.p6, fma(b9, p2.p5, fma(b8, p2.p4, fma(b7, p2.p3, fma(b6, p2.p2, fma(b5, p2.p1, fma(b4, p2.p0, s2_9)))))));
        s2_10 = fma(c6, p2.p6, fma(c5, p2.p5, fma(c4, p2.p4, fma(c3, p2.p3, fma(c2, p2.p2, fma(c1, p2.p1, fma(c0, p2.p0, s2_10)))))));
        s2_11 = fma(c7, p2.p6, fma(c6, p2.p5, fma(c5, p2.p4, fma(c4, p2.p3, fma(c3, p2.p2, fma(c2, p2.p1, fma(c1, p2.p0, s2_11)))))));
        s2_12 = fma(c8, p2.p6, fma(c7, p2.p5, fma(c6, p2.p4, fma(c5, p2.p3, fma(c4, p2.p2, fma(c3, p2.p1, fma(c2, p2.p0, s2_12)))))));
        s2_13 = fma(c9, p2.p6, fma(c8, p2.p5, fma(c7, p2.p4, fma(c6, p2.p3, fma(c5, p2.p2, fma(c4, p2.p1, fma(c3, p2.p0, s2_13)))))));
        s2_14 = fma(c10, p2.p6, fma(c9, p2.p5, fma(c8, p2.p4, fma(c7, p2.p3, fma(c6, p2.p2, fma(c5, p2.p1, fma(c4, p2.p0, s2_14)))))));
        s2_15 = fma(d6, p2.p6, fma(d5, p2.p5, fma(d4, p2.p4, fma(d3, p2.p3, fma(d2, p2.p2, fma(d1, p2.p1, fma(d0, p2.p0, s2_15)))))));
        s2_16 = fma(d7, p2.p6, fma(d6, p2.p5, fma(d5, p2.p4, fma(d4, p2.p3, fma(d3, p2.p2, fma(d2, p2.p1, fma(d1, p2.p0, s2_16)))))));
        s2_17 = fma(d8, p2.p6, fma(d7, p2.p5, fma(d6, p2.p4, fma(d5, p2.p3, fma(d4, p2.p2, fma(d3, p2.p1, fma(d2, p2.p0, s2_17)))))));
        s2_18 = fma(d9, p2.p6, fma(d8, p2.p5, fma(d7, p2.p4, fma(d6, p2.p3, fma(d5, p2.p2, fma(d4, p2.p1, fma(d3, p2.p0, s2_18)))))));
        s2_19 = fma(d10, p2.p6, fma(d9, p2.p5, fma(d8, p2.p4, fma(d7, p2.p3, fma(d6, p2.p2, fma(d5, p2.p1, fma(d4, p2.p0, s2_19)))))));
        s2_20 = fma(e6, p2.p6, fma(e5, p2.p5, fma(e4, p2.p4, fma(e3, p2.p3, fma(e2, p2.p2, fma(e1, p2.p1, fma(e0, p2.p0, s2_20)))))));
        s2_21 = fma(e7, p2.p6, fma(e6, p2.p5, fma(e5, p2.p4, fma(e4, p2.p3, fma(e3, p2.p2, fma(e2, p2.p1, fma(e1, p2.p0, s2_21)))))));
        s2_22 = fma(e8, p2.p6, fma(e7, p2.p5, fma(e6, p2.p4, fma(e5, p2.p3, fma(e4, p2.p2, fma(e3, p2.p1, fma(e2, p2.p0, s2_22)))))));
        s2_23 = fma(e9, p2.p6, fma(e8, p2.p5, fma(e7, p2.p4, fma(e6, p2.p3, fma(e5, p2.p2, fma(e4, p2.p1, fma(e3, p2.p0, s2_23)))))));
        s2_24 = fma(e10, p2.p6, fma(e9, p2.p5, fma(e8, p2.p4, fma(e7, p2.p3, fma(e6, p2.p2, fma(e5, p2.p1, fma(e4, p2.p0, s2_24)))))));
        s3_0 = fma(a6, p3.p6, fma(a5, p3.p5, fma(a4, p3.p4, fma(a3, p3.p3, fma(a2, p3.p2, fma(a1, p3.p1, fma(a0, p3.p0, s3_0)))))));
        s3_1 = fma(a7, p3.p6, fma(a6, p3.p5, fma(a5, p3.p4, fma(a4, p3.p3, fma(a3, p3.p2, fma(a2, p3.p1, fma(a1, p3.p0, s3_1)))))));
        s3_2 = fma(a8, p3.p6, fma(a7, p3.p5, fma(a6, p3.p4, fma(a5, p3.p3, fma(a4, p3.p2, fma(a3, p3.p1, fma(a2, p3.p0, s3_2)))))));
        s3_3 = fma(a9, p3.p6, fma(a8, p3.p5, fma(a7, p3.p4, fma(a6, p3.p3, fma(a5, p3.p2, fma(a4, p3.p1, fma(a3, p3.p0, s3_3)))))));
        s3_4 = fma(a10, p3.p6, fma(a9, p3.p5, fma(a8, p3.p4, fma(a7, p3.p3, fma(a6, p3.p2, fma(a5, p3.p1, fma(a4, p3.p0, s3_4)))))));
        s3_5 = fma(b6, p3.p6, fma(b5, p3.p5, fma(b4, p3.p4, fma(b3, p3.p3, fma(b2, p3.p2, fma(b1, p3.p1, fma(b0, p3.p0, s3_5)))))));
        s3_6 = fma(b7, p3.p6, fma(b6, p3.p5, fma(b5, p3.p4, fma(b4, p3.p3, fma(b3, p3.p2, fma(b2, p3.p1, fma(b1, p3.p0, s3_6)))))));
        s3_7 = fma(b8, p3.p6, fma(b7, p3.p5, fma(b6, p3.p4, fma(b5, p3.p3, fma(b4, p3.p2, fma(b3, p3.p1, fma(b2, p3.p0, s3_7)))))));
        s3_8 = fma(b9, p3.p6, fma(b8, p3.p5, fma(b7, p3.p4, fma(b6, p3.p3, fma(b5, p3.p2, fma(b4, p3.p1, fma(b3, p3.p0, s3_8)))))));
        s3_9 = fma(b10, p3.p6, fma(b9, p3.p5, fma(b8, p3.p4, fma(b7, p3.p3, fma(b6, p3.p2, fma(b5, p3.p1, fma(b4, p3.p0, s3_9)))))));
        s3_10 = fma(c6, p3.p6, fma(c5, p3.p5, fma(c4, p3.p4, fma(c3, p3.p3, fma(c2, p3.p2, fma(c1, p3.p1, fma(c0, p3.p0, s3_10)))))));
        s3_11 = fma(c7, p3.p6, fma(c6, p3.p5, fma(c5, p3.p4, fma(c4, p3.p3, fma(c3, p3.p2, fma(c2, p3.p1, fma(c1, p3.p0, s3_11)))))));
        s3_12 = fma(c8, p3.p6, fma(c7, p3.p5, fma(c6, p3.p4, fma(c5, p3.p3, fma(c4, p3.p2, fma(c3, p3.p1, fma(c2, p3.p0, s3_12)))))));
        s3_13 = fma(c9, p3.p6, fma(c8, p3.p5, fma(c7, p3.p4, fma(c6, p3.p3, fma(c5, p3.p2, fma(c4, p3.p1, fma(c3, p3.p0, s3_13)))))));
        s3_14 = fma(c10, p3.p6, fma(c9, p3.p5, fma(c8, p3.p4, fma(c7, p3.p3, fma(c6, p3.p2, fma(c5, p3.p1, fma(c4, p3.p0, s3_14)))))));
        s3_15 = fma(d6, p3.p6, fma(d5, p3.p5, fma(d4, p3.p4, fma(d3, p3.p3, fma(d2, p3.p2, fma(d1, p3.p1, fma(d0, p3.p0, s3_15)))))));
        s3_16 = fma(d7, p3.p6, fma(d6, p3.p5, fma(d5, p3.p4, fma(d4, p3.p3, fma(d3, p3.p2, fma(d2, p3.p1, fma(d1, p3.p0, s3_16)))))));
        s3_17 = fma(d8, p3.p6, fma(d7, p3.p5, fma(d6, p3.p4, fma(d5, p3.p3, fma(d4, p3.p2, fma(d3, p3.p1, fma(d2, p3.p0, s3_17)))))));
        s3_18 = fma(d9, p3.p6, fma(d8, p3.p5, fma(d7, p3.p4, fma(d6, p3.p3, fma(d5, p3.p2, fma(d4, p3.p1, fma(d3, p3.p0, s3_18)))))));
        s3_19 = fma(d10, p3.p6, fma(d9, p3.p5, fma(d8, p3.p4, fma(d7, p3.p3, fma(d6, p3.p2, fma(d5, p3.p1, fma(d4, p3.p0, s3_19)))))));
        s3_20 = fma(e6, p3.p6, fma(e5, p3.p5, fma(e4, p3.p4, fma(e3, p3.p3, fma(e2, p3.p2, fma(e1, p3.p1, fma(e0, p3.p0, s3_20)))))));
        s3_21 = fma(e7, p3.p6, fma(e6, p3.p5, fma(e5, p3.p4, fma(e4, p3.p3, fma(e3, p3.p2, fma(e2, p3.p1, fma(e1, p3.p0, s3_21)))))));
        s3_22 = fma(e8, p3.p6, fma(e7, p3.p5, fma(e6, p3.p4, fma(e5, p3.p3, fma(e4, p3.p2, fma(e3, p3.p1, fma(e2, p3.p0, s3_22)))))));
        s3_23 = fma(e9, p3.p6, fma(e8, p3.p5, fma(e7, p3.p4, fma(e6, p3.p3, fma(e5, p3.p2, fma(e4, p3.p1, fma(e3, p3.p0, s3_23)))))));
        s3_24 = fma(e10, p3.p6, fma(e9, p3.p5, fma(e8, p3.p4, fma(e7, p3.p3, fma(e6, p3.p2, fma(e5, p3.p1, fma(e4, p3.p0, s3_24)))))));
        bias0 += select(p0.p0 + p0.p1 + p0.p2 + p0.p3 + p0.p4 + p0.p5 + p0.p6, c2 + c3 + c4 + c5 + c6 + c7 + c8, swapped);
        bias1 += p1.p0 + p1.p1 + p1.p2 + p1.p3 + p1.p4 + p1.p5 + p1.p6;
        bias2 += p2.p0 + p2.p1 + p2.p2 + p2.p3 + p2.p4 + p2.p5 + p2.p6;
        bias3 += p3.p0 + p3.p1 + p3.p2 + p3.p3 + p3.p4 + p3.p5 + p3.p6;
      }
      a0 = b0; a1 = b1; a2 = b2; a3 = b3; a4 = b4; a5 = b5; a6 = b6; a7 = b7; a8 = b8; a9 = b9; a10 = b10;
      b0 = c0; b1 = c1; b2 = c2; b3 = c3; b4 = c4; b5 = c5; b6 = c6; b7 = c7; b8 = c8; b9 = c9; b10 = c10;
      c0 = d0; c1 = d1; c2 = d2; c3 = d3; c4 = d4; c5 = d5; c6 = d6; c7 = d7; c8 = d8; c9 = d9; c10 = d10;
      d0 = e0; d1 = e1; d2 = e2; d3 = e3; d4 = e4; d5 = e5; d6 = e6; d7 = e7; d8 = e8; d9 = e9; d10 = e10;
    }
  }

  let sums = array<f32, 100>(
    s0_0, s0_1, s0_2, s0_3, s0_4,
    s0_5, s0_6, s0_7, s0_8, s0_9,
    s0_10, s0_11, s0_12, s0_13, s0_14,
    s0_15, s0_16, s0_17, s0_18, s0_19,
    s0_20, s0_21, s0_22, s0_23, s0_24,
    s1_0, s1_1, s1_2, s1_3, s1_4,
    s1_5, s1_6, s1_7, s1_8, s1_9,
    s1_10, s1_11, s1_12, s1_13, s1_14,
    s1_15, s1_16, s1_17, s1_18, s1_19,
    s1_20, s1_21, s1_22, s1_23, s1_24,
    s2_0, s2_1, s2_2, s2_3, s2_4,
    s2_5, s2_6, s2_7, s2_8, s2_9,
    s2_10, s2_11, s2_12, s2_13, s2_14,
    s2_15, s2_16, s2_17, s2_18, s2_19,
    s2_20, s2_21, s2_22, s2_23, s2_24,
    s3_0, s3_1, s3_2, s3_3, s3_4,
    s3_5, s3_6, s3_7, s3_8, s3_9,
    s3_10, s3_11, s3_12, s3_13, s3_14,
    s3_15, s3_16, s3_17, s3_18, s3_19,
    s3_20, s3_21, s3_22, s3_23, s3_24);
  let biases = array<f32, 4>(bias0, bias1, bias2, bias3);
  let at = (slice * params.batch + n) * params.pitch;
  for (var c = channel; c < min(channel + 4u, channels); c++) {
    let mine = c - channel;
    for (var tap = 0u; tap < 25u; tap++) {
      let sum = sums[25u * mine + tap];
      partials[at + select(tap, 24u - tap, swapped) * channels + c] = sum;
    }
    if (c < params.out_channels) { partials[at + 25u * channels + c] = biases[mine]; }
  }
}
