// A 5x5 convolution by tiles in workgroup memory, for GPUs, where an element loaded from global memory should serve many products:
//   output[o][y][x][n] = addend(o, n) + sum over c, ky, kx of input[c][y + ky - 2][x + kx - 2][n] * kernel[5 * ky + kx][c][o].
// Addend, input gradient and the order of tensors: see ../direct/conv2d.wgsl.
// One workgroup: 7 pixels of a row, 32 output channels, 32 images. For every ky and 4 input channels it loads 11 pixels of input and 5 taps
// of weights into workgroup memory; an element of input then serves 32 * 5 products, a weight 7 * 32.
// One invocation: 7 pixels, 4 output channels, 2 images: 11 vec2 and 5 vec4 from workgroup memory make 280 products.
// Grid: x over strips times 16 pairs of images, y over 32 output channels, z over rows.
alias Lane = vec2f;
#import lib/biases.wgsl

struct Params {
  height: u32,
  width: u32, // at least 7
  pairs: u32, // N / 2
  from_channels: u32, // summed over
  to_channels: u32, // computed
  to4: u32, // to_channels padded to 8, in vec4
  biases: u32, // see lib/biases.wgsl
  image_bias_at: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> image_bias: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec2f>;

var<workgroup> inputs: array<vec2f, 704>; // [4 input channels][11 pixels][16 pairs]
var<workgroup> weights: array<vec4f, 160>; // [4 input channels][5 taps][8 times 4 output channels]

// The first pixel of a strip of 7. The last strip of a row is moved left, so that all its pixels are inside the image.
fn strip_start(strip: u32) -> u32 {
  return min(strip * 7u, params.width - 7u);
}

// The first pixel of a strip that the strip before it has not stored, counted from the strip's start.
fn fresh_pixel(strip: u32) -> u32 {
  return strip * 7u - strip_start(strip);
}

// Pair n of pixel x of row `row` of channel c; 0 where x is outside the image.
fn element(c: u32, row: u32, x: i32, n: u32) -> vec2f {
  if (c >= params.from_channels || x < 0 || x >= i32(params.width) || n >= params.pairs) { return vec2f(0); }
  return input[((c * params.height + row) * params.width + u32(x)) * params.pairs + n];
}

fn weight(tap: u32, c: u32, o4: u32) -> vec4f {
  if (c >= params.from_channels || o4 >= params.to4) { return vec4f(0); }
  return kernel[(tap * params.from_channels + c) * params.to4 + o4];
}

// Stores the pixels from `fresh` on of a strip of output channel o and pair n; the index of the strip's first pixel is `at`.
fn store(at: u32, o: u32, n: u32, fresh: u32, p0: vec2f, p1: vec2f, p2: vec2f, p3: vec2f, p4: vec2f, p5: vec2f, p6: vec2f) {
  if (o >= params.to_channels || n >= params.pairs) { return; }
  let more = addend(o, n, params.pairs);
  #each i 7
  if (fresh <= $i) { output[at + $i * params.pairs] = p$i + more; }
  #end
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

  #each o 4
  #each i 7
  var p$i$o = vec2f(0);
  #end
  #end
  var ky = 2u - min(2u, y);
  for (var rows = min(5u, params.height + 2u - y) - ky; rows > 0u; rows--) {
    var c = 0u;
    for (var left = (params.from_channels + 3u) / 4u; left > 0u; left--) {
      for (var k = 0u; k < 6u; k++) {
        let i = index + 128u * k;
        if (i < 704u) { inputs[i] = element(c + i / 176u, y + ky - 2u, i32(x + i / 16u % 11u) - 2, first_pair + i % 16u); }
      }
      for (var k = 0u; k < 2u; k++) {
        let i = index + 128u * k;
        if (i < 160u) { weights[i] = weight(5u * ky + i / 8u % 5u, c + i / 40u, o4 + i % 8u); }
      }
      workgroupBarrier();
      for (var k = 0u; k < 4u; k++) {
        let i = k * 176u + local.x;
        let j = k * 40u + local.y;
        let x = array<vec2f, 11>(
          #each k 11
          inputs[i + 16 * $k],
          #end
        );
        #each k 5
        let w$k = weights[j + 8 * $k];
        #end
        #each o 4
        #each i 7
        p$i$o = p$i$o + x[$i] * w0[$o] + x[$i + 1] * w1[$o] + x[$i + 2] * w2[$o] + x[$i + 3] * w3[$o] + x[$i + 4] * w4[$o];
        #end
        #end
      }
      workgroupBarrier();
      c += 4u;
    }
    ky++;
  }
  let plane = params.height * params.width * params.pairs;
  let first = (o4 + local.y) * 4u;
  let at = first * plane + (y * params.width + x) * params.pairs + n;
  #each o 4
  store(at + $o * plane, first + $o, n, fresh, p0$o, p1$o, p2$o, p3$o, p4$o, p5$o, p6$o);
  #end
}
