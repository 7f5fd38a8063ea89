// The gradient of a 5x5 kernel, or with `side3` a 3x3 one, with a single channel on one side, any image size; for GPUs:
//   partials[slice][ky][kx][channel] = sum over y, n in the slice, x of input[c][y + ky - HALF][x + kx - HALF][n] * grad[o][y][x][n],
// each followed by the sums of grad[o][y][x][n] for the bias. A slice is 16 images of a strip of 4 columns and params.rows rows; slices of
// the first rows come first.
// input [C][H][W][N], grad [O][H][W][N]. The tensor that has many channels is "wide"; the other, which has one, is "narrow".
// One invocation: one image, one channel of wide, all taps. It walks down the rows of its strip and holds 4 pixels of 5 (3) rows of wide
// in registers, s0, s1, … from below. When it loads a row of narrow, 8 (6) pixels around the strip, each row of taps
// multiplies that row by one of them. So 12 loads make 100 products (10, 36), and an invocation holds only about 60 numbers. Workgroup
// memory adds up 16 images.
// If wide is the input, the sums belong to mirrored taps, and the store mirrors them back.
// Grid: x over images, y over groups of four channels of wide, z over strips of params.rows rows.
#import conv2d/one_channel/side.wgsl
#import conv2d/one_channel/wide_strip.wgsl

struct Params {
  height: u32,
  width: u32,
  batch: u32,
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  strips: u32, // of 4 columns
  wide_is_input: u32, // 0: wide is the output gradient, narrow the input; 1: the reverse
  pitch: u32, // of a slice of partials
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

const APART = TAPS + 2u;
// [4 channels][16 images][the taps and the bias, padded to APART, an odd number, so that lanes access different banks]
var<workgroup> sums: array<f32, 64 * APART>;

alias Row = array<f32, COLUMNS>;
alias RowOfTaps = array<f32, SIDE>;

// Pixel x of the image row that starts at `row`; 0 outside, where the load is clamped into the row and its value not used.
fn narrow_pixel(row: u32, x: i32) -> f32 {
  let last = i32(params.width) - 1;
  return select(0.0, narrow[row + u32(clamp(x, 0, last)) * params.batch], x >= 0 && x <= last);
}

// Adds the products of a row of narrow and a strip to the sums of a row of taps.
fn more(sum: RowOfTaps, r: Row, s: vec4f) -> RowOfTaps {
  return RowOfTaps(
    #each k SIDE
    fma(r[$k + 3], s.w, fma(r[$k + 2], s.z, fma(r[$k + 1], s.y, fma(r[$k], s.x, sum[$k])))),
    #end
  );
}

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(num_workgroups) groups: vec3u) {
  let channels = params.in_channels * params.out_channels;
  let slice = group.z + params.first_group;
  let swapped = params.wide_is_input == 1u;
  let line = params.width * params.batch;
  // A surplus lane works on the last image or channel, and its sums are left out.
  let kept = id.x < params.batch;
  let n = min(id.x, params.batch - 1u);
  let channel = min(id.y, channels - 1u);
  let y_first = slice / params.strips * params.rows;
  let x = 4i * i32(slice % params.strips);
  let y_end = min(y_first + params.rows, params.height);
  #each k SIDE
  var t$k = RowOfTaps();
  var s$k = vec4f();
  #end
  var bias = 0.0;
  // Row y of wide is loaded together with row y - HALF of narrow, the uppermost of the SIDE rows around it.
  var y = y_first;
  for (var left = y_end + LAST - y_first; left > 0u; left--) {
#if side3
    s2 = s1; s1 = s0; s0 = vec4f();
#else
    s4 = s3; s3 = s2; s2 = s1; s1 = s0; s0 = vec4f();
#endif
    if (y < y_end) {
      s0 = wide_four(channel, y, u32(x), n);
      if (!swapped) { bias += s0.x + s0.y + s0.z + s0.w; }
    }
    if (y >= HALF && y - HALF < params.height) {
      let row = (y - HALF) * line + n;
      let r = Row(
        #each c COLUMNS
        narrow_pixel(row, x + $c - i32(HALF)),
        #end
      );
      #each k SIDE
      if (y >= y_first + $k && y < y_end + $k) { t$k = more(t$k, r, s$k); }
      #end
      if (swapped && y >= y_first + HALF && y < y_end + HALF) { bias += r[HALF] + r[HALF + 1] + r[HALF + 2] + r[HALF + 3]; }
    }
    y++;
  }

  let own = array<f32, TAPS + 1>(
    #each k SIDE
    #each j SIDE
    t$k[$j],
    #end
    #end
    bias);
  let first = 16u * APART * local.y;
  for (var i = 0u; i <= TAPS; i++) { sums[first + APART * local.x + i] = select(0.0, own[i], kept); }
  workgroupBarrier();
  if (id.y >= channels) { return; }
  let at = (slice * groups.x + group.x) * params.pitch;
  for (var tap = local.x; tap <= TAPS; tap += 16u) {
    var sum = 0.0;
    for (var i = 0u; i < 16u; i++) { sum += sums[first + APART * i + tap]; }
    if (tap < TAPS) {
      partials[at + select(tap, TAPS - 1u - tap, swapped) * channels + channel] = sum;
    } else if (channel < params.out_channels) {
      partials[at + TAPS * channels + channel] = sum;
    }
  }
}
