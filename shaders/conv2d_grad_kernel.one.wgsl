// conv2d_grad_kernel for a 5x5 kernel with a single channel on one side, any image size: partial sums per slice of image rows,
// partials[slice][ky][kx][channel] = sum over y in the slice, x, n of input[c][y + ky - 2][x + kx - 2][n] * grad[o][y][x][n],
// each slice followed by room for the bias gradients, which conv2d_grad_kernel.bias writes.
// input [C][H][W][N], grad [O][H][W][N]. The lanes lie over the channels of the tensor that has many, "wide"; the other, "narrow", has
// one, the same for all lanes.
// One invocation: all 25 taps of one channel, summed over the slice and the batch; in a step, one image, a strip of 7 pixels of wide and
// the 5 x 11 pixels of narrow around it give 175 products. With the lanes on the input the taps come out mirrored and are stored so.
// Grid: x over channels, z over slices of params.rows rows.

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  lanes_on_input: u32, // 0: wide is the output gradient, narrow the input; 1: the other way round
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let batch = params.n4 * 4u;
  let row = params.width * batch;
  let channels = params.in_channels * params.out_channels;
  let channel = group.x * 32u + index;
  let slice = group.z + params.first_group;
  let own = min(channel, channels - 1u) * params.height * row;
  let strips = (params.width + 6u) / 7u;
  let last = i32(params.width) - 1;
  let last_row = i32(params.height) - 1;

  var s00 = 0.0; var s01 = 0.0; var s02 = 0.0; var s03 = 0.0; var s04 = 0.0;
  var s10 = 0.0; var s11 = 0.0; var s12 = 0.0; var s13 = 0.0; var s14 = 0.0;
  var s20 = 0.0; var s21 = 0.0; var s22 = 0.0; var s23 = 0.0; var s24 = 0.0;
  var s30 = 0.0; var s31 = 0.0; var s32 = 0.0; var s33 = 0.0; var s34 = 0.0;
  var s40 = 0.0; var s41 = 0.0; var s42 = 0.0; var s43 = 0.0; var s44 = 0.0;

  let y_first = slice * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  for (var y = y_first; y < y_end; y++) {
    let row0 = i32(y) - 2; let has0 = row0 >= 0 && row0 <= last_row; let line0 = u32(clamp(row0, 0, last_row)) * row;
    let row1 = i32(y) + 1 - 2; let has1 = row1 >= 0 && row1 <= last_row; let line1 = u32(clamp(row1, 0, last_row)) * row;
    let row2 = i32(y) + 2 - 2; let has2 = row2 >= 0 && row2 <= last_row; let line2 = u32(clamp(row2, 0, last_row)) * row;
    let row3 = i32(y) + 3 - 2; let has3 = row3 >= 0 && row3 <= last_row; let line3 = u32(clamp(row3, 0, last_row)) * row;
    let row4 = i32(y) + 4 - 2; let has4 = row4 >= 0 && row4 <= last_row; let line4 = u32(clamp(row4, 0, last_row)) * row;
    for (var strip = 0u; strip < strips; strip++) {
      let x = strip * 7u;
      let col0 = i32(x) - 2; let in0 = col0 >= 0 && col0 <= last; let at0 = u32(clamp(col0, 0, last)) * batch;
      let col1 = i32(x) + 1 - 2; let in1 = col1 >= 0 && col1 <= last; let at1 = u32(clamp(col1, 0, last)) * batch;
      let col2 = i32(x) + 2 - 2; let in2 = col2 >= 0 && col2 <= last; let at2 = u32(clamp(col2, 0, last)) * batch;
      let col3 = i32(x) + 3 - 2; let in3 = col3 >= 0 && col3 <= last; let at3 = u32(clamp(col3, 0, last)) * batch;
      let col4 = i32(x) + 4 - 2; let in4 = col4 >= 0 && col4 <= last; let at4 = u32(clamp(col4, 0, last)) * batch;
      let col5 = i32(x) + 5 - 2; let in5 = col5 >= 0 && col5 <= last; let at5 = u32(clamp(col5, 0, last)) * batch;
      let col6 = i32(x) + 6 - 2; let in6 = col6 >= 0 && col6 <= last; let at6 = u32(clamp(col6, 0, last)) * batch;
      let col7 = i32(x) + 7 - 2; let in7 = col7 >= 0 && col7 <= last; let at7 = u32(clamp(col7, 0, last)) * batch;
      let col8 = i32(x) + 8 - 2; let in8 = col8 >= 0 && col8 <= last; let at8 = u32(clamp(col8, 0, last)) * batch;
      let col9 = i32(x) + 9 - 2; let in9 = col9 >= 0 && col9 <= last; let at9 = u32(clamp(col9, 0, last)) * batch;
      let col10 = i32(x) + 10 - 2; let in10 = col10 >= 0 && col10 <= last; let at10 = u32(clamp(col10, 0, last)) * batch;
      let in_p0 = x < params.width; let at_p0 = own + y * row + min(x, params.width - 1u) * batch;
      let in_p1 = x + 1u < params.width; let at_p1 = own + y * row + min(x + 1u, params.width - 1u) * batch;
      let in_p2 = x + 2u < params.width; let at_p2 = own + y * row + min(x + 2u, params.width - 1u) * batch;
      let in_p3 = x + 3u < params.width; let at_p3 = own + y * row + min(x + 3u, params.width - 1u) * batch;
      let in_p4 = x + 4u < params.width; let at_p4 = own + y * row + min(x + 4u, params.width - 1u) * batch;
      let in_p5 = x + 5u < params.width; let at_p5 = own + y * row + min(x + 5u, params.width - 1u) * batch;
      let in_p6 = x + 6u < params.width; let at_p6 = own + y * row + min(x + 6u, params.width - 1u) * batch;
      for (var n = 0u; n < batch; n++) {
        let p0 = select(0.0, wide[at_p0 + n], in_p0);
        let p1 = select(0.0, wide[at_p1 + n], in_p1);
        let p2 = select(0.0, wide[at_p2 + n], in_p2);
        let p3 = select(0.0, wide[at_p3 + n], in_p3);
        let p4 = select(0.0, wide[at_p4 + n], in_p4);
        let p5 = select(0.0, wide[at_p5 + n], in_p5);
        let p6 = select(0.0, wide[at_p6 + n], in_p6);

        let v0_0 = select(0.0, narrow[line0 + at0 + n], in0 && has0); let v0_1 = select(0.0, narrow[line0 + at1 + n], in1 && has0);
        let v0_2 = select(0.0, narrow[line0 + at2 + n], in2 && has0); let v0_3 = select(0.0, narrow[line0 + at3 + n], in3 && has0);
        let v0_4 = select(0.0, narrow[line0 + at4 + n], in4 && has0); let v0_5 = select(0.0, narrow[line0 + at5 + n], in5 && has0);
        let v0_6 = select(0.0, narrow[line0 + at6 + n], in6 && has0); let v0_7 = select(0.0, narrow[line0 + at7 + n], in7 && has0);
        let v0_8 = select(0.0, narrow[line0 + at8 + n], in8 && has0); let v0_9 = select(0.0, narrow[line0 + at9 + n], in9 && has0);
        let v0_10 = select(0.0, narrow[line0 + at10 + n], in10 && has0);
        s00 += v0_0 * p0 + v0_1 * p1 + v0_2 * p2 + v0_3 * p3 + v0_4 * p4 + v0_5 * p5 + v0_6 * p6;
        s01 += v0_1 * p0 + v0_2 * p1 + v0_3 * p2 + v0_4 * p3 + v0_5 * p4 + v0_6 * p5 + v0_7 * p6;
        s02 += v0_2 * p0 + v0_3 * p1 + v0_4 * p2 + v0_5 * p3 + v0_6 * p4 + v0_7 * p5 + v0_8 * p6;
        s03 += v0_3 * p0 + v0_4 * p1 + v0_5 * p2 + v0_6 * p3 + v0_7 * p4 + v0_8 * p5 + v0_9 * p6;
        s04 += v0_4 * p0 + v0_5 * p1 + v0_6 * p2 + v0_7 * p3 + v0_8 * p4 + v0_9 * p5 + v0_10 * p6;

        let v1_0 = select(0.0, narrow[line1 + at0 + n], in0 && has1); let v1_1 = select(0.0, narrow[line1 + at1 + n], in1 && has1);
        let v1_2 = select(0.0, narrow[line1 + at2 + n], in2 && has1); let v1_3 = select(0.0, narrow[line1 + at3 + n], in3 && has1);
        let v1_4 = select(0.0, narrow[line1 + at4 + n], in4 && has1); let v1_5 = select(0.0, narrow[line1 + at5 + n], in5 && has1);
        let v1_6 = select(0.0, narrow[line1 + at6 + n], in6 && has1); let v1_7 = select(0.0, narrow[line1 + at7 + n], in7 && has1);
        let v1_8 = select(0.0, narrow[line1 + at8 + n], in8 && has1); let v1_9 = select(0.0, narrow[line1 + at9 + n], in9 && has1);
        let v1_10 = select(0.0, narrow[line1 + at10 + n], in10 && has1);
        s10 += v1_0 * p0 + v1_1 * p1 + v1_2 * p2 + v1_3 * p3 + v1_4 * p4 + v1_5 * p5 + v1_6 * p6;
        s11 += v1_1 * p0 + v1_2 * p1 + v1_3 * p2 + v1_4 * p3 + v1_5 * p4 + v1_6 * p5 + v1_7 * p6;
        s12 += v1_2 * p0 + v1_3 * p1 + v1_4 * p2 + v1_5 * p3 + v1_6 * p4 + v1_7 * p5 + v1_8 * p6;
        s13 += v1_3 * p0 + v1_4 * p1 + v1_5 * p2 + v1_6 * p3 + v1_7 * p4 + v1_8 * p5 + v1_9 * p6;
        s14 += v1_4 * p0 + v1_5 * p1 + v1_6 * p2 + v1_7 * p3 + v1_8 * p4 + v1_9 * p5 + v1_10 * p6;

        let v2_0 = select(0.0, narrow[line2 + at0 + n], in0 && has2); let v2_1 = select(0.0, narrow[line2 + at1 + n], in1 && has2);
        let v2_2 = select(0.0, narrow[line2 + at2 + n], in2 && has2); let v2_3 = select(0.0, narrow[line2 + at3 + n], in3 && has2);
        let v2_4 = select(0.0, narrow[line2 + at4 + n], in4 && has2); let v2_5 = select(0.0, narrow[line2 + at5 + n], in5 && has2);
        let v2_6 = select(0.0, narrow[line2 + at6 + n], in6 && has2); let v2_7 = select(0.0, narrow[line2 + at7 + n], in7 && has2);
        let v2_8 = select(0.0, narrow[line2 + at8 + n], in8 && has2); let v2_9 = select(0.0, narrow[line2 + at9 + n], in9 && has2);
        let v2_10 = select(0.0, narrow[line2 + at10 + n], in10 && has2);
        s20 += v2_0 * p0 + v2_1 * p1 + v2_2 * p2 + v2_3 * p3 + v2_4 * p4 + v2_5 * p5 + v2_6 * p6;
        s21 += v2_1 * p0 + v2_2 * p1 + v2_3 * p2 + v2_4 * p3 + v2_5 * p4 + v2_6 * p5 + v2_7 * p6;
        s22 += v2_2 * p0 + v2_3 * p1 + v2_4 * p2 + v2_5 * p3 + v2_6 * p4 + v2_7 * p5 + v2_8 * p6;
        s23 += v2_3 * p0 + v2_4 * p1 + v2_5 * p2 + v2_6 * p3 + v2_7 * p4 + v2_8 * p5 + v2_9 * p6;
        s24 += v2_4 * p0 + v2_5 * p1 + v2_6 * p2 + v2_7 * p3 + v2_8 * p4 + v2_9 * p5 + v2_10 * p6;

        let v3_0 = select(0.0, narrow[line3 + at0 + n], in0 && has3); let v3_1 = select(0.0, narrow[line3 + at1 + n], in1 && has3);
        let v3_2 = select(0.0, narrow[line3 + at2 + n], in2 && has3); let v3_3 = select(0.0, narrow[line3 + at3 + n], in3 && has3);
        let v3_4 = select(0.0, narrow[line3 + at4 + n], in4 && has3); let v3_5 = select(0.0, narrow[line3 + at5 + n], in5 && has3);
        let v3_6 = select(0.0, narrow[line3 + at6 + n], in6 && has3); let v3_7 = select(0.0, narrow[line3 + at7 + n], in7 && has3);
        let v3_8 = select(0.0, narrow[line3 + at8 + n], in8 && has3); let v3_9 = select(0.0, narrow[line3 + at9 + n], in9 && has3);
        let v3_10 = select(0.0, narrow[line3 + at10 + n], in10 && has3);
        s30 += v3_0 * p0 + v3_1 * p1 + v3_2 * p2 + v3_3 * p3 + v3_4 * p4 + v3_5 * p5 + v3_6 * p6;
        s31 += v3_1 * p0 + v3_2 * p1 + v3_3 * p2 + v3_4 * p3 + v3_5 * p4 + v3_6 * p5 + v3_7 * p6;
        s32 += v3_2 * p0 + v3_3 * p1 + v3_4 * p2 + v3_5 * p3 + v3_6 * p4 + v3_7 * p5 + v3_8 * p6;
        s33 += v3_3 * p0 + v3_4 * p1 + v3_5 * p2 + v3_6 * p3 + v3_7 * p4 + v3_8 * p5 + v3_9 * p6;
        s34 += v3_4 * p0 + v3_5 * p1 + v3_6 * p2 + v3_7 * p3 + v3_8 * p4 + v3_9 * p5 + v3_10 * p6;

        let v4_0 = select(0.0, narrow[line4 + at0 + n], in0 && has4); let v4_1 = select(0.0, narrow[line4 + at1 + n], in1 && has4);
        let v4_2 = select(0.0, narrow[line4 + at2 + n], in2 && has4); let v4_3 = select(0.0, narrow[line4 + at3 + n], in3 && has4);
        let v4_4 = select(0.0, narrow[line4 + at4 + n], in4 && has4); let v4_5 = select(0.0, narrow[line4 + at5 + n], in5 && has4);
        let v4_6 = select(0.0, narrow[line4 + at6 + n], in6 && has4); let v4_7 = select(0.0, narrow[line4 + at7 + n], in7 && has4);
        let v4_8 = select(0.0, narrow[line4 + at8 + n], in8 && has4); let v4_9 = select(0.0, narrow[line4 + at9 + n], in9 && has4);
        let v4_10 = select(0.0, narrow[line4 + at10 + n], in10 && has4);
        s40 += v4_0 * p0 + v4_1 * p1 + v4_2 * p2 + v4_3 * p3 + v4_4 * p4 + v4_5 * p5 + v4_6 * p6;
        s41 += v4_1 * p0 + v4_2 * p1 + v4_3 * p2 + v4_4 * p3 + v4_5 * p4 + v4_6 * p5 + v4_7 * p6;
        s42 += v4_2 * p0 + v4_3 * p1 + v4_4 * p2 + v4_5 * p3 + v4_6 * p4 + v4_7 * p5 + v4_8 * p6;
        s43 += v4_3 * p0 + v4_4 * p1 + v4_5 * p2 + v4_6 * p3 + v4_7 * p4 + v4_8 * p5 + v4_9 * p6;
        s44 += v4_4 * p0 + v4_5 * p1 + v4_6 * p2 + v4_7 * p3 + v4_8 * p4 + v4_9 * p5 + v4_10 * p6;
      }
    }
  }
  if (channel >= channels) { return; }

  let swapped = params.lanes_on_input == 1u;
  let at = slice * (25u * channels + params.out_channels) + channel + select(0u, 24u * channels, swapped);
  let step = select(channels, 0u - channels, swapped);
  partials[at] = s00; partials[at + step] = s01; partials[at + 2u * step] = s02; partials[at + 3u * step] = s03; partials[at + 4u * step] = s04;
  partials[at + 5u * step] = s10; partials[at + 6u * step] = s11; partials[at + 7u * step] = s12; partials[at + 8u * step] = s13; partials[at + 9u * step] = s14;
  partials[at + 10u * step] = s20; partials[at + 11u * step] = s21; partials[at + 12u * step] = s22; partials[at + 13u * step] = s23; partials[at + 14u * step] = s24;
  partials[at + 15u * step] = s30; partials[at + 16u * step] = s31; partials[at + 17u * step] = s32; partials[at + 18u * step] = s33; partials[at + 19u * step] = s34;
  partials[at + 20u * step] = s40; partials[at + 21u * step] = s41; partials[at + 22u * step] = s42; partials[at + 23u * step] = s43; partials[at + 24u * step] = s44;
}
