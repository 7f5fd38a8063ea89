// The gradient of a 5x5 kernel with a single channel on one side, any image size; for GPUs, which want many invocations and few partial
// sums:
//   partials[slice][ky][kx][channel] = sum over 32 images n, y in some rows, x of input[c][y + ky - 2][x + kx - 2][n] * grad[o][y][x][n],
// each followed by the sums of grad[o][y][x][n] for the bias. A slice is 32 images of a slice of rows: the first slices are those of the
// first rows.
// input [C][H][W][N], grad [O][H][W][N]. The tensor that has many channels is "wide"; the other, which has one, is "narrow".
// One invocation: one image, one channel of wide, all taps. Strip by strip of 4 columns it walks down the rows with 4 pixels of 5 rows of wide in
// registers, s0 to s4 from below: as a row of narrow comes, 8 pixels around the strip, each row of taps has its products with one of them.
// So 12 loads make 100 products, and 60 numbers or so are all that an invocation holds. What the 32 images of a
// workgroup have summed up meets in workgroup memory.
// With wide the input the taps come out mirrored and are stored so.
// Grid: x over images, y over pairs of channels of wide, z over slices of params.rows rows.
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

// [2 channels][32 images][26 sums: 25 taps and the bias; 27 apart, an odd number, so that lanes do not meet in a bank]
var<workgroup> sums: array<f32, 1728>;

struct Row { a: f32, b: f32, c: f32, d: f32, e: f32, f: f32, g: f32, h: f32 }
struct Five { v: f32, w: f32, x: f32, y: f32, z: f32 }

// Pixel x of the image row that starts at `row`, 0 outside; then some other one is loaded and does not count.
fn narrow_pixel(row: u32, x: i32) -> f32 {
  let last = i32(params.width) - 1;
  return select(0.0, narrow[row + u32(clamp(x, 0, last)) * params.batch], x >= 0 && x <= last);
}

// The sums of a row of taps, with a strip's products added.
fn more(sum: Five, r: Row, s: vec4f) -> Five {
  return Five(
    fma(r.d, s.w, fma(r.c, s.z, fma(r.b, s.y, fma(r.a, s.x, sum.v)))),
    fma(r.e, s.w, fma(r.d, s.z, fma(r.c, s.y, fma(r.b, s.x, sum.w)))),
    fma(r.f, s.w, fma(r.e, s.z, fma(r.d, s.y, fma(r.c, s.x, sum.x)))),
    fma(r.g, s.w, fma(r.f, s.z, fma(r.e, s.y, fma(r.d, s.x, sum.y)))),
    fma(r.h, s.w, fma(r.g, s.z, fma(r.f, s.y, fma(r.e, s.x, sum.z)))));
}

@compute @workgroup_size(32, 2)
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
  let y_first = slice * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  var t0 = Five(); var t1 = Five(); var t2 = Five(); var t3 = Five(); var t4 = Five();
  var bias = 0.0;
  for (var x = 0i; x < i32(params.width); x += 4i) {
    var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f(); var s4 = vec4f();
    // Row y of wide comes with row y - 2 of narrow, which is the upper one of the five rows around it.
    for (var y = y_first; y < y_end + 4u; y++) {
      s4 = s3; s3 = s2; s2 = s1; s1 = s0; s0 = vec4f();
      if (y < y_end) {
        s0 = wide_four(channel, y, u32(x), n);
        if (!swapped) { bias += s0.x + s0.y + s0.z + s0.w; }
      }
      if (y >= 2u && y - 2u < params.height) {
        let row = (y - 2u) * line + n;
        let r = Row(narrow_pixel(row, x - 2), narrow_pixel(row, x - 1), narrow_pixel(row, x), narrow_pixel(row, x + 1),
          narrow_pixel(row, x + 2), narrow_pixel(row, x + 3), narrow_pixel(row, x + 4), narrow_pixel(row, x + 5));
        if (y < y_end) { t0 = more(t0, r, s0); }
        if (y >= y_first + 1u && y < y_end + 1u) { t1 = more(t1, r, s1); }
        if (y >= y_first + 2u && y < y_end + 2u) {
          t2 = more(t2, r, s2);
          if (swapped) { bias += r.c + r.d + r.e + r.f; }
        }
        if (y >= y_first + 3u && y < y_end + 3u) { t3 = more(t3, r, s3); }
        if (y >= y_first + 4u) { t4 = more(t4, r, s4); }
      }
    }
  }

  let own = array<f32, 26>(t0.v, t0.w, t0.x, t0.y, t0.z, t1.v, t1.w, t1.x, t1.y, t1.z, t2.v, t2.w, t2.x, t2.y, t2.z,
    t3.v, t3.w, t3.x, t3.y, t3.z, t4.v, t4.w, t4.x, t4.y, t4.z, bias);
  let first = 864u * local.y;
  for (var i = 0u; i < 26u; i++) { sums[first + 27u * local.x + i] = select(0.0, own[i], kept); }
  workgroupBarrier();
  let tap = local.x;
  if (tap >= 26u || id.y >= channels) { return; }
  var sum = 0.0;
  for (var i = 0u; i < 32u; i++) { sum += sums[first + 27u * i + tap]; }
  let at = (slice * groups.x + group.x) * params.pitch;
  if (tap < 25u) {
    partials[at + select(tap, 24u - tap, swapped) * channels + channel] = sum;
  } else if (channel < params.out_channels) {
    partials[at + 25u * channels + channel] = sum;
  }
}
