// A 5x5 convolution by tiles in workgroup memory, shared by conv2d and conv2d_grad_input; for GPUs, where an element fetched from global
// memory should serve many products:
//   sum over c, ky, kx of input[c][y + ky - 2][x + kx - 2][n] * kernel[5 * ky + kx][c][o].
// The shader that imports this declares
//   params   height, width (at least 7), pairs = N / 2, from_channels (summed over), to_channels (made), to4 = vec4 of weights in a row of
//            the kernel, first_group;
//   input    [from][H][W][pairs], kernel [tap][from][to padded, in vec4], zeros in the padding;
//   addend   what is added to all of an output channel of pair n (loaded once, not per pixel);
//   finish   what happens to a sum that belongs at `at` of [to][H][W][pairs], given that addend.
// One workgroup: 7 pixels of a row, 32 output channels, 32 images. For every ky and 4 input channels it brings 11 pixels of input and 5
// taps of weights into workgroup memory; an element of input then serves 32 * 5 products, a weight 7 * 32.
// One invocation: 7 pixels, 4 output channels, 2 images: 11 vec2 and 5 vec4 from workgroup memory make 280 products.
// Grid: x over strips times 16 pairs of images, y over 32 output channels, z over rows.

var<workgroup> inputs: array<vec2f, 704>; // [4 input channels][11 pixels][16 pairs]
var<workgroup> weights: array<vec4f, 160>; // [4 input channels][5 taps][8 times 4 output channels]

// The first pixel of a strip. A strip has 7; the last one of a row is moved to the left, so that all of them are inside the image.
fn strip_start(strip: u32) -> u32 {
  return min(strip * 7u, params.width - 7u);
}

// The first of its pixels that the strip before it has not stored.
fn fresh_pixel(strip: u32) -> u32 {
  return strip * 7u - strip_start(strip);
}

// Pair n of pixel x of image row `row` of channel c, both counted from outside the image, where it is 0.
fn element(c: u32, row: u32, x: i32, n: u32) -> vec2f {
  if (c >= params.from_channels || x < 0 || x >= i32(params.width) || n >= params.pairs) { return vec2f(0); }
  return input[((c * params.height + row) * params.width + u32(x)) * params.pairs + n];
}

fn weight(tap: u32, c: u32, o4: u32) -> vec4f {
  if (c >= params.from_channels || o4 >= params.to4) { return vec4f(0); }
  return kernel[(tap * params.from_channels + c) * params.to4 + o4];
}

// The pixels from `fresh` on of a strip of output channel o and pair n that starts at `at`.
fn store(at: u32, o: u32, n: u32, fresh: u32, p0: vec2f, p1: vec2f, p2: vec2f, p3: vec2f, p4: vec2f, p5: vec2f, p6: vec2f) {
  if (o >= params.to_channels || n >= params.pairs) { return; }
  let more = addend(o, n);
  if (fresh <= 0u) { finish(at, p0, more); }
  if (fresh <= 1u) { finish(at + params.pairs, p1, more); }
  if (fresh <= 2u) { finish(at + 2u * params.pairs, p2, more); }
  if (fresh <= 3u) { finish(at + 3u * params.pairs, p3, more); }
  if (fresh <= 4u) { finish(at + 4u * params.pairs, p4, more); }
  if (fresh <= 5u) { finish(at + 5u * params.pairs, p5, more); }
  if (fresh <= 6u) { finish(at + 6u * params.pairs, p6, more); }
}

@compute @workgroup_size(16, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32) {
  let strips = (params.width + 6u) / 7u;
  let strip = group.x % strips;
  let first_pair = group.x / strips * 16u;
  let x = strip_start(strip);
  let y = group.z + params.first_group;
  let n = first_pair + local.x;
  let o4 = group.y * 8u;
  let fresh = fresh_pixel(strip);

  var p0_0 = vec2f(0); var p1_0 = vec2f(0); var p2_0 = vec2f(0); var p3_0 = vec2f(0); var p4_0 = vec2f(0); var p5_0 = vec2f(0); var p6_0 = vec2f(0);
  var p0_1 = vec2f(0); var p1_1 = vec2f(0); var p2_1 = vec2f(0); var p3_1 = vec2f(0); var p4_1 = vec2f(0); var p5_1 = vec2f(0); var p6_1 = vec2f(0);
  var p0_2 = vec2f(0); var p1_2 = vec2f(0); var p2_2 = vec2f(0); var p3_2 = vec2f(0); var p4_2 = vec2f(0); var p5_2 = vec2f(0); var p6_2 = vec2f(0);
  var p0_3 = vec2f(0); var p1_3 = vec2f(0); var p2_3 = vec2f(0); var p3_3 = vec2f(0); var p4_3 = vec2f(0); var p5_3 = vec2f(0); var p6_3 = vec2f(0);
  for (var ky = 2u - min(2u, y); ky < min(5u, params.height + 2u - y); ky++) {
    for (var c = 0u; c < params.from_channels; c += 4u) {
      for (var i = index; i < 704u; i += 128u) {
        inputs[i] = element(c + i / 176u, y + ky - 2u, i32(x + i / 16u % 11u) - 2, first_pair + i % 16u);
      }
      for (var i = index; i < 160u; i += 128u) {
        weights[i] = weight(5u * ky + i / 8u % 5u, c + i / 40u, o4 + i % 8u);
      }
      workgroupBarrier();
      for (var k = 0u; k < 4u; k++) {
        let i = k * 176u + local.x;
        let j = k * 40u + local.y;
        let x0 = inputs[i];
        let x1 = inputs[i + 16u];
        let x2 = inputs[i + 32u];
        let x3 = inputs[i + 48u];
        let x4 = inputs[i + 64u];
        let x5 = inputs[i + 80u];
        let x6 = inputs[i + 96u];
        let x7 = inputs[i + 112u];
        let x8 = inputs[i + 128u];
        let x9 = inputs[i + 144u];
        let x10 = inputs[i + 160u];
        let w0 = weights[j];
        let w1 = weights[j + 8u];
        let w2 = weights[j + 16u];
        let w3 = weights[j + 24u];
        let w4 = weights[j + 32u];
        p0_0 = p0_0 + x0 * w0.x + x1 * w1.x + x2 * w2.x + x3 * w3.x + x4 * w4.x;
        p1_0 = p1_0 + x1 * w0.x + x2 * w1.x + x3 * w2.x + x4 * w3.x + x5 * w4.x;
        p2_0 = p2_0 + x2 * w0.x + x3 * w1.x + x4 * w2.x + x5 * w3.x + x6 * w4.x;
        p3_0 = p3_0 + x3 * w0.x + x4 * w1.x + x5 * w2.x + x6 * w3.x + x7 * w4.x;
        p4_0 = p4_0 + x4 * w0.x + x5 * w1.x + x6 * w2.x + x7 * w3.x + x8 * w4.x;
        p5_0 = p5_0 + x5 * w0.x + x6 * w1.x + x7 * w2.x + x8 * w3.x + x9 * w4.x;
        p6_0 = p6_0 + x6 * w0.x + x7 * w1.x + x8 * w2.x + x9 * w3.x + x10 * w4.x;
        p0_1 = p0_1 + x0 * w0.y + x1 * w1.y + x2 * w2.y + x3 * w3.y + x4 * w4.y;
        p1_1 = p1_1 + x1 * w0.y + x2 * w1.y + x3 * w2.y + x4 * w3.y + x5 * w4.y;
        p2_1 = p2_1 + x2 * w0.y + x3 * w1.y + x4 * w2.y + x5 * w3.y + x6 * w4.y;
        p3_1 = p3_1 + x3 * w0.y + x4 * w1.y + x5 * w2.y + x6 * w3.y + x7 * w4.y;
        p4_1 = p4_1 + x4 * w0.y + x5 * w1.y + x6 * w2.y + x7 * w3.y + x8 * w4.y;
        p5_1 = p5_1 + x5 * w0.y + x6 * w1.y + x7 * w2.y + x8 * w3.y + x9 * w4.y;
        p6_1 = p6_1 + x6 * w0.y + x7 * w1.y + x8 * w2.y + x9 * w3.y + x10 * w4.y;
        p0_2 = p0_2 + x0 * w0.z + x1 * w1.z + x2 * w2.z + x3 * w3.z + x4 * w4.z;
        p1_2 = p1_2 + x1 * w0.z + x2 * w1.z + x3 * w2.z + x4 * w3.z + x5 * w4.z;
        p2_2 = p2_2 + x2 * w0.z + x3 * w1.z + x4 * w2.z + x5 * w3.z + x6 * w4.z;
        p3_2 = p3_2 + x3 * w0.z + x4 * w1.z + x5 * w2.z + x6 * w3.z + x7 * w4.z;
        p4_2 = p4_2 + x4 * w0.z + x5 * w1.z + x6 * w2.z + x7 * w3.z + x8 * w4.z;
        p5_2 = p5_2 + x5 * w0.z + x6 * w1.z + x7 * w2.z + x8 * w3.z + x9 * w4.z;
        p6_2 = p6_2 + x6 * w0.z + x7 * w1.z + x8 * w2.z + x9 * w3.z + x10 * w4.z;
        p0_3 = p0_3 + x0 * w0.w + x1 * w1.w + x2 * w2.w + x3 * w3.w + x4 * w4.w;
        p1_3 = p1_3 + x1 * w0.w + x2 * w1.w + x3 * w2.w + x4 * w3.w + x5 * w4.w;
        p2_3 = p2_3 + x2 * w0.w + x3 * w1.w + x4 * w2.w + x5 * w3.w + x6 * w4.w;
        p3_3 = p3_3 + x3 * w0.w + x4 * w1.w + x5 * w2.w + x6 * w3.w + x7 * w4.w;
        p4_3 = p4_3 + x4 * w0.w + x5 * w1.w + x6 * w2.w + x7 * w3.w + x8 * w4.w;
        p5_3 = p5_3 + x5 * w0.w + x6 * w1.w + x7 * w2.w + x8 * w3.w + x9 * w4.w;
        p6_3 = p6_3 + x6 * w0.w + x7 * w1.w + x8 * w2.w + x9 * w3.w + x10 * w4.w;
      }
      workgroupBarrier();
    }
  }
  let plane = params.height * params.width * params.pairs;
  let first = (o4 + local.y) * 4u;
  let at = first * plane + (y * params.width + x) * params.pairs + n;
  store(at, first, n, fresh, p0_0, p1_0, p2_0, p3_0, p4_0, p5_0, p6_0);
  store(at + plane, first + 1u, n, fresh, p0_1, p1_1, p2_1, p3_1, p4_1, p5_1, p6_1);
  store(at + 2u * plane, first + 2u, n, fresh, p0_2, p1_2, p2_2, p3_2, p4_2, p5_2, p6_2);
  store(at + 3u * plane, first + 3u, n, fresh, p0_3, p1_3, p2_3, p3_3, p4_3, p5_3, p6_3);
}
