// A 5x5 convolution by strips, shared by conv2d and conv2d_grad_input; for layers with few channels on one side, whose outputs are many
// for the products they take:
//   sum over c, ky, kx of input[c][y + ky - 2][x + kx - 2][n] * kernel[5 * ky + kx][c][o].
// The shader that includes this declares
//   params       height, width (at least 7), pairs = N / 2, from_channels (summed over), to_channels (made), tiles = to_channels / 8
//                rounded up, first_group;
//   input        [from][H][W][pairs], kernel [tap][from][to padded to 8, in vec4], zeros in the padding;
//   finish       what happens to a sum of output channel `channel` that belongs at `at` of [to][H][W][pairs];
// and includes one of conv2d_strip_plain and conv2d_strip_subgroups, which have
//   row_weights  the weights of five taps of a row and 8 output channels, `at` those of the first tap;
//   main         a workgroup of 32 lanes, or of 8 with subgroups, each of which calls convolve.
// One invocation: 7 pixels of a row, 8 output channels, 2 images: 11 loads and 40 weights make 560 products, per input channel and ky.
// Grid: x over strips times pairs of images, z over rows times tiles of 8 output channels.
#import lib/strip.wgsl

// a0 to a4: output channels 0 to 3 of taps 0 to 4; b0 to b4: channels 4 to 7.
struct RowWeights {
  a0: vec4f, b0: vec4f, a1: vec4f, b1: vec4f, a2: vec4f, b2: vec4f, a3: vec4f, b3: vec4f, a4: vec4f, b4: vec4f,
}

// `item` counts strips times pairs of a row; a surplus one repeats the last and stores nothing.
fn convolve(item: u32, group_z: u32) {
  let items = (params.width + 6u) / 7u * params.pairs;
  let tile = group_z % params.tiles;
  let y = group_z / params.tiles;
  let n = min(item, items - 1u) % params.pairs;
  let index = min(item, items - 1u) / params.pairs;
  let x = strip_start(index);
  let fresh = select(fresh_pixel(index), 7u, item >= items);

  // The two columns on each side may lie outside the image; then some other element is loaded and counts as 0.
  let in0 = x >= 2u; let in1 = x >= 1u; let in9 = x + 7u < params.width; let in10 = x + 8u < params.width;
  let to0 = select(0u, 2u * params.pairs, in0);
  let to1 = select(0u, params.pairs, in1);
  let to9 = select(0u, 7u * params.pairs, in9);
  let to10 = select(0u, 8u * params.pairs, in10);

  var p0_0 = vec2f(0); var p1_0 = vec2f(0); var p2_0 = vec2f(0); var p3_0 = vec2f(0); var p4_0 = vec2f(0); var p5_0 = vec2f(0); var p6_0 = vec2f(0);
  var p0_1 = vec2f(0); var p1_1 = vec2f(0); var p2_1 = vec2f(0); var p3_1 = vec2f(0); var p4_1 = vec2f(0); var p5_1 = vec2f(0); var p6_1 = vec2f(0);
  var p0_2 = vec2f(0); var p1_2 = vec2f(0); var p2_2 = vec2f(0); var p3_2 = vec2f(0); var p4_2 = vec2f(0); var p5_2 = vec2f(0); var p6_2 = vec2f(0);
  var p0_3 = vec2f(0); var p1_3 = vec2f(0); var p2_3 = vec2f(0); var p3_3 = vec2f(0); var p4_3 = vec2f(0); var p5_3 = vec2f(0); var p6_3 = vec2f(0);
  var p0_4 = vec2f(0); var p1_4 = vec2f(0); var p2_4 = vec2f(0); var p3_4 = vec2f(0); var p4_4 = vec2f(0); var p5_4 = vec2f(0); var p6_4 = vec2f(0);
  var p0_5 = vec2f(0); var p1_5 = vec2f(0); var p2_5 = vec2f(0); var p3_5 = vec2f(0); var p4_5 = vec2f(0); var p5_5 = vec2f(0); var p6_5 = vec2f(0);
  var p0_6 = vec2f(0); var p1_6 = vec2f(0); var p2_6 = vec2f(0); var p3_6 = vec2f(0); var p4_6 = vec2f(0); var p5_6 = vec2f(0); var p6_6 = vec2f(0);
  var p0_7 = vec2f(0); var p1_7 = vec2f(0); var p2_7 = vec2f(0); var p3_7 = vec2f(0); var p4_7 = vec2f(0); var p5_7 = vec2f(0); var p6_7 = vec2f(0);
  // Rows of taps inside the image, times input channels, in one loop: a loop within a loop costs lavapipe 1.4x where the inner one
  // is short, since all sums pass through both loops' masks.
  let end = min(5u, params.height + 2u - y) * params.from_channels;
  for (var step = (2u - min(2u, y)) * params.from_channels; step < end; step++) {
    let ky = step / params.from_channels;
    let c = step % params.from_channels;
    let i = ((c * params.height + y + ky - 2u) * params.width + x) * params.pairs + n;
    let x0 = select(vec2f(0), input[i - to0], in0);
    let x1 = select(vec2f(0), input[i - to1], in1);
    let x2 = input[i];
    let x3 = input[i + params.pairs];
    let x4 = input[i + 2u * params.pairs];
    let x5 = input[i + 3u * params.pairs];
    let x6 = input[i + 4u * params.pairs];
    let x7 = input[i + 5u * params.pairs];
    let x8 = input[i + 6u * params.pairs];
    let x9 = select(vec2f(0), input[i + to9], in9);
    let x10 = select(vec2f(0), input[i + to10], in10);
    let w = row_weights((ky * 5u * params.from_channels + c) * 2u * params.tiles + 2u * tile);
    p0_0 += x0 * w.a0.x + x1 * w.a1.x + x2 * w.a2.x + x3 * w.a3.x + x4 * w.a4.x;
    p1_0 += x1 * w.a0.x + x2 * w.a1.x + x3 * w.a2.x + x4 * w.a3.x + x5 * w.a4.x;
    p2_0 += x2 * w.a0.x + x3 * w.a1.x + x4 * w.a2.x + x5 * w.a3.x + x6 * w.a4.x;
    p3_0 += x3 * w.a0.x + x4 * w.a1.x + x5 * w.a2.x + x6 * w.a3.x + x7 * w.a4.x;
    p4_0 += x4 * w.a0.x + x5 * w.a1.x + x6 * w.a2.x + x7 * w.a3.x + x8 * w.a4.x;
    p5_0 += x5 * w.a0.x + x6 * w.a1.x + x7 * w.a2.x + x8 * w.a3.x + x9 * w.a4.x;
    p6_0 += x6 * w.a0.x + x7 * w.a1.x + x8 * w.a2.x + x9 * w.a3.x + x10 * w.a4.x;
    p0_1 += x0 * w.a0.y + x1 * w.a1.y + x2 * w.a2.y + x3 * w.a3.y + x4 * w.a4.y;
    p1_1 += x1 * w.a0.y + x2 * w.a1.y + x3 * w.a2.y + x4 * w.a3.y + x5 * w.a4.y;
    p2_1 += x2 * w.a0.y + x3 * w.a1.y + x4 * w.a2.y + x5 * w.a3.y + x6 * w.a4.y;
    p3_1 += x3 * w.a0.y + x4 * w.a1.y + x5 * w.a2.y + x6 * w.a3.y + x7 * w.a4.y;
    p4_1 += x4 * w.a0.y + x5 * w.a1.y + x6 * w.a2.y + x7 * w.a3.y + x8 * w.a4.y;
    p5_1 += x5 * w.a0.y + x6 * w.a1.y + x7 * w.a2.y + x8 * w.a3.y + x9 * w.a4.y;
    p6_1 += x6 * w.a0.y + x7 * w.a1.y + x8 * w.a2.y + x9 * w.a3.y + x10 * w.a4.y;
    p0_2 += x0 * w.a0.z + x1 * w.a1.z + x2 * w.a2.z + x3 * w.a3.z + x4 * w.a4.z;
    p1_2 += x1 * w.a0.z + x2 * w.a1.z + x3 * w.a2.z + x4 * w.a3.z + x5 * w.a4.z;
    p2_2 += x2 * w.a0.z + x3 * w.a1.z + x4 * w.a2.z + x5 * w.a3.z + x6 * w.a4.z;
    p3_2 += x3 * w.a0.z + x4 * w.a1.z + x5 * w.a2.z + x6 * w.a3.z + x7 * w.a4.z;
    p4_2 += x4 * w.a0.z + x5 * w.a1.z + x6 * w.a2.z + x7 * w.a3.z + x8 * w.a4.z;
    p5_2 += x5 * w.a0.z + x6 * w.a1.z + x7 * w.a2.z + x8 * w.a3.z + x9 * w.a4.z;
    p6_2 += x6 * w.a0.z + x7 * w.a1.z + x8 * w.a2.z + x9 * w.a3.z + x10 * w.a4.z;
    p0_3 += x0 * w.a0.w + x1 * w.a1.w + x2 * w.a2.w + x3 * w.a3.w + x4 * w.a4.w;
    p1_3 += x1 * w.a0.w + x2 * w.a1.w + x3 * w.a2.w + x4 * w.a3.w + x5 * w.a4.w;
    p2_3 += x2 * w.a0.w + x3 * w.a1.w + x4 * w.a2.w + x5 * w.a3.w + x6 * w.a4.w;
    p3_3 += x3 * w.a0.w + x4 * w.a1.w + x5 * w.a2.w + x6 * w.a3.w + x7 * w.a4.w;
    p4_3 += x4 * w.a0.w + x5 * w.a1.w + x6 * w.a2.w + x7 * w.a3.w + x8 * w.a4.w;
    p5_3 += x5 * w.a0.w + x6 * w.a1.w + x7 * w.a2.w + x8 * w.a3.w + x9 * w.a4.w;
    p6_3 += x6 * w.a0.w + x7 * w.a1.w + x8 * w.a2.w + x9 * w.a3.w + x10 * w.a4.w;
    p0_4 += x0 * w.b0.x + x1 * w.b1.x + x2 * w.b2.x + x3 * w.b3.x + x4 * w.b4.x;
    p1_4 += x1 * w.b0.x + x2 * w.b1.x + x3 * w.b2.x + x4 * w.b3.x + x5 * w.b4.x;
    p2_4 += x2 * w.b0.x + x3 * w.b1.x + x4 * w.b2.x + x5 * w.b3.x + x6 * w.b4.x;
    p3_4 += x3 * w.b0.x + x4 * w.b1.x + x5 * w.b2.x + x6 * w.b3.x + x7 * w.b4.x;
    p4_4 += x4 * w.b0.x + x5 * w.b1.x + x6 * w.b2.x + x7 * w.b3.x + x8 * w.b4.x;
    p5_4 += x5 * w.b0.x + x6 * w.b1.x + x7 * w.b2.x + x8 * w.b3.x + x9 * w.b4.x;
    p6_4 += x6 * w.b0.x + x7 * w.b1.x + x8 * w.b2.x + x9 * w.b3.x + x10 * w.b4.x;
    p0_5 += x0 * w.b0.y + x1 * w.b1.y + x2 * w.b2.y + x3 * w.b3.y + x4 * w.b4.y;
    p1_5 += x1 * w.b0.y + x2 * w.b1.y + x3 * w.b2.y + x4 * w.b3.y + x5 * w.b4.y;
    p2_5 += x2 * w.b0.y + x3 * w.b1.y + x4 * w.b2.y + x5 * w.b3.y + x6 * w.b4.y;
    p3_5 += x3 * w.b0.y + x4 * w.b1.y + x5 * w.b2.y + x6 * w.b3.y + x7 * w.b4.y;
    p4_5 += x4 * w.b0.y + x5 * w.b1.y + x6 * w.b2.y + x7 * w.b3.y + x8 * w.b4.y;
    p5_5 += x5 * w.b0.y + x6 * w.b1.y + x7 * w.b2.y + x8 * w.b3.y + x9 * w.b4.y;
    p6_5 += x6 * w.b0.y + x7 * w.b1.y + x8 * w.b2.y + x9 * w.b3.y + x10 * w.b4.y;
    p0_6 += x0 * w.b0.z + x1 * w.b1.z + x2 * w.b2.z + x3 * w.b3.z + x4 * w.b4.z;
    p1_6 += x1 * w.b0.z + x2 * w.b1.z + x3 * w.b2.z + x4 * w.b3.z + x5 * w.b4.z;
    p2_6 += x2 * w.b0.z + x3 * w.b1.z + x4 * w.b2.z + x5 * w.b3.z + x6 * w.b4.z;
    p3_6 += x3 * w.b0.z + x4 * w.b1.z + x5 * w.b2.z + x6 * w.b3.z + x7 * w.b4.z;
    p4_6 += x4 * w.b0.z + x5 * w.b1.z + x6 * w.b2.z + x7 * w.b3.z + x8 * w.b4.z;
    p5_6 += x5 * w.b0.z + x6 * w.b1.z + x7 * w.b2.z + x8 * w.b3.z + x9 * w.b4.z;
    p6_6 += x6 * w.b0.z + x7 * w.b1.z + x8 * w.b2.z + x9 * w.b3.z + x10 * w.b4.z;
    p0_7 += x0 * w.b0.w + x1 * w.b1.w + x2 * w.b2.w + x3 * w.b3.w + x4 * w.b4.w;
    p1_7 += x1 * w.b0.w + x2 * w.b1.w + x3 * w.b2.w + x4 * w.b3.w + x5 * w.b4.w;
    p2_7 += x2 * w.b0.w + x3 * w.b1.w + x4 * w.b2.w + x5 * w.b3.w + x6 * w.b4.w;
    p3_7 += x3 * w.b0.w + x4 * w.b1.w + x5 * w.b2.w + x6 * w.b3.w + x7 * w.b4.w;
    p4_7 += x4 * w.b0.w + x5 * w.b1.w + x6 * w.b2.w + x7 * w.b3.w + x8 * w.b4.w;
    p5_7 += x5 * w.b0.w + x6 * w.b1.w + x7 * w.b2.w + x8 * w.b3.w + x9 * w.b4.w;
    p6_7 += x6 * w.b0.w + x7 * w.b1.w + x8 * w.b2.w + x9 * w.b3.w + x10 * w.b4.w;
  }
  let at = (y * params.width + x) * params.pairs + n;
  let plane = params.height * params.width * params.pairs;
  let first = tile * 8u;
  var sums = array<vec2f, 56>(
    p0_0, p1_0, p2_0, p3_0, p4_0, p5_0, p6_0,
    p0_1, p1_1, p2_1, p3_1, p4_1, p5_1, p6_1,
    p0_2, p1_2, p2_2, p3_2, p4_2, p5_2, p6_2,
    p0_3, p1_3, p2_3, p3_3, p4_3, p5_3, p6_3,
    p0_4, p1_4, p2_4, p3_4, p4_4, p5_4, p6_4,
    p0_5, p1_5, p2_5, p3_5, p4_5, p5_5, p6_5,
    p0_6, p1_6, p2_6, p3_6, p4_6, p5_6, p6_6,
    p0_7, p1_7, p2_7, p3_7, p4_7, p5_7, p6_7);
  // Loops with ends that are not known when the shader is compiled stay loops, which compile faster.
  for (var o = first; o < min(first + 8u, params.to_channels); o++) {
    for (var k = fresh; k < 7u; k++) { finish(at + o * plane + k * params.pairs, o, sums[7u * (o - first) + k]); }
  }
}
