// conv2d for one output channel and a 5x5 kernel, or with `side3` a 3x3 one, any image size and number of input channels; for GPUs, which
// need many invocations:
//   output[y][x][n] = bias + sum over c, ky, kx of input[c][y + ky - HALF][x + kx - HALF][n] * kernel[SIDE * ky + kx][c][o = 0].
// input [C][H][W][N/2], kernel [tap][C][padded], whose first padded channel is the output channel, output [H][W][N/2].
// One workgroup: 16 items, each a strip of 7 pixels of 2 images, times eight groups of input channels, whose sums it adds up in workgroup
// memory.
// One invocation: every eighth input channel of a strip; 11 pixels and 5 weights of a row make 35 products for each of 2 images (with
// `side3` 9, 3, 21).
// Grid: x over strips times pairs of images, 16 to a workgroup, z over rows.
#import conv2d/one_channel/side.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  in_channels: u32,
  out_padded: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

var<workgroup> sums: array<vec2f, 896>; // [7 pixels][8 groups of channels][16 items]

// Pixel x of the image row that starts at `row`; 0 outside, where the load is clamped into the row and its value not used.
fn pixel(row: u32, x: i32) -> vec2f {
  let last = i32(params.width) - 1;
  return select(vec2f(0), input[row + u32(clamp(x, 0, last)) * params.pairs], x >= 0 && x <= last);
}

@compute @workgroup_size(16, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32) {
  // A surplus item repeats the last one and stores nothing.
  let items = (params.width + 6u) / 7u * params.pairs;
  let item = min(group.x * 16u + local.x, items - 1u);
  let n = item % params.pairs;
  let x = i32(item / params.pairs * 7u) - i32(HALF);
  let y = group.z + params.first_group;
  let line = params.width * params.pairs;
  #each i 7
  var s$i = vec2f(0);
  #end
  let ky_first = HALF - min(y, HALF);
  let rows = min(SIDE, params.height + HALF - y) - ky_first;
  var c = local.y;
  // Of few input channels some invocations have none.
  for (var eights = (max(params.in_channels, c) - c + 7u) / 8u; eights > 0u; eights--) {
    var ky = ky_first;
    for (var left = rows; left > 0u; left--) {
      let row = (c * params.height + y + ky - HALF) * line + n;
      let pixels = array<vec2f, WINDOW>(
        #each i WINDOW
        pixel(row, x + $i),
        #end
      );
      let tap = (SIDE * ky * params.in_channels + c) * params.out_padded;
      let step = params.in_channels * params.out_padded;
      #each j SIDE
      let w$j = vec2f(kernel[tap + $j * step]);
      #each i 7
      s$i = fma(pixels[$i + $j], w$j, s$i);
      #end
      #end
      ky++;
    }
    c += 8u;
  }
  #each i 7
  sums[128 * $i + index] = s$i;
  #end
  workgroupBarrier();

  // From here on a lane has one of the strip's seven pixels: local.y.
  let at = u32(x + i32(HALF)) + local.y;
  if (local.y == 7u || at >= params.width || group.x * 16u + local.x >= items) {
    return;
  }
  var sum = vec2f(bias[0]);
  for (var g = 0u; g < 8u; g++) { sum += sums[128u * local.y + 16u * g + local.x]; }
  output[(y * params.width + at) * params.pairs + n] = sum;
}
