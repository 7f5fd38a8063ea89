// conv2d_grad_kernel for a 5x5 kernel with a single channel on one side, any image size; for GPUs, which want many invocations and few partial
// sums:
//   partials[slice][ky][kx][channel] = sum over 32 images n, y in some rows, x of input[c][y + ky - 2][x + kx - 2][n] * grad[o][y][x][n],
// each followed by the sums of grad[o][y][x][n] for the bias. A slice is 32 images of a slice of rows: the first slices are those of the
// first rows.
// input [C][H][W][N], grad [O][H][W][N]. The tensor that has many channels is "wide"; the other, which has one, is "narrow".
// One invocation: one image, one channel of wide, all taps. Strip by strip of 7 columns it walks down the rows with the 5 x 11 pixels of
// narrow around them in registers, rows a to e: as a new e comes, a goes. A row of a strip takes 18 loads and makes 175 products. What the 32
// images of a workgroup have summed up meets in workgroup memory.
// With wide the input the taps come out mirrored and are stored so.
// Grid: x over images, y over channels of wide, z over slices of params.rows rows.

struct Params {
  height: u32,
  width: u32,
  batch: u32,
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  wide_is_input: u32, // 0: wide is the output gradient, narrow the input; 1: the other way round
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

// [32 images][26 sums: 25 taps and the bias; 27 apart, an odd number, so that lanes do not meet in a bank]
var<workgroup> sums: array<f32, 864>;

struct Strip { p0: f32, p1: f32, p2: f32, p3: f32, p4: f32, p5: f32, p6: f32 }
struct Row { a: f32, b: f32, c: f32, d: f32, e: f32, f: f32, g: f32, h: f32, i: f32, j: f32, k: f32 }
struct Five { v: f32, w: f32, x: f32, y: f32, z: f32 }

// Pixel x of the image row that starts at `row`, 0 outside; then some other one is loaded and does not count.
fn wide_pixel(row: u32, x: i32) -> f32 {
  let last = i32(params.width) - 1;
  return select(0.0, wide[row + u32(clamp(x, 0, last)) * params.batch], x <= last);
}

fn narrow_pixel(row: u32, x: i32, inside: bool) -> f32 {
  let last = i32(params.width) - 1;
  return select(0.0, narrow[row + u32(clamp(x, 0, last)) * params.batch], inside && x >= 0 && x <= last);
}

// The sums of a row of taps, with a strip's products added.
fn more(sum: Five, r: Row, s: Strip) -> Five {
  return Five(
    fma(r.g, s.p6, fma(r.f, s.p5, fma(r.e, s.p4, fma(r.d, s.p3, fma(r.c, s.p2, fma(r.b, s.p1, fma(r.a, s.p0, sum.v))))))),
    fma(r.h, s.p6, fma(r.g, s.p5, fma(r.f, s.p4, fma(r.e, s.p3, fma(r.d, s.p2, fma(r.c, s.p1, fma(r.b, s.p0, sum.w))))))),
    fma(r.i, s.p6, fma(r.h, s.p5, fma(r.g, s.p4, fma(r.f, s.p3, fma(r.e, s.p2, fma(r.d, s.p1, fma(r.c, s.p0, sum.x))))))),
    fma(r.j, s.p6, fma(r.i, s.p5, fma(r.h, s.p4, fma(r.g, s.p3, fma(r.f, s.p2, fma(r.e, s.p1, fma(r.d, s.p0, sum.y))))))),
    fma(r.k, s.p6, fma(r.j, s.p5, fma(r.i, s.p4, fma(r.h, s.p3, fma(r.g, s.p2, fma(r.f, s.p1, fma(r.e, s.p0, sum.z))))))));
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(num_workgroups) groups: vec3u) {
  let channels = params.in_channels * params.out_channels;
  let channel = group.y;
  let slice = group.z + params.first_group;
  let swapped = params.wide_is_input == 1u;
  let line = params.width * params.batch;
  // A surplus lane works on the last image, and its sums are left out.
  let kept = id.x < params.batch;
  let n = min(id.x, params.batch - 1u);
  let y_first = slice * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  var t0 = Five(); var t1 = Five(); var t2 = Five(); var t3 = Five(); var t4 = Five();
  var bias = 0.0;
  for (var x = 0i; x < i32(params.width); x += 7i) {
    var a = Row(); var b = Row(); var c = Row(); var d = Row();
    for (var r = max(y_first, 2u) - 2u; r < y_end + 2u; r++) {
      let row = min(r, params.height - 1u) * line + n;
      let is_row = r < params.height;
      let e = Row(narrow_pixel(row, x - 2, is_row), narrow_pixel(row, x - 1, is_row), narrow_pixel(row, x, is_row),
        narrow_pixel(row, x + 1, is_row), narrow_pixel(row, x + 2, is_row), narrow_pixel(row, x + 3, is_row),
        narrow_pixel(row, x + 4, is_row), narrow_pixel(row, x + 5, is_row), narrow_pixel(row, x + 6, is_row),
        narrow_pixel(row, x + 7, is_row), narrow_pixel(row, x + 8, is_row));
      if (r >= y_first + 2u) {
        let at = (channel * params.height + r - 2u) * line + n;
        let s = Strip(wide_pixel(at, x), wide_pixel(at, x + 1), wide_pixel(at, x + 2), wide_pixel(at, x + 3), wide_pixel(at, x + 4),
          wide_pixel(at, x + 5), wide_pixel(at, x + 6));
        t0 = more(t0, a, s);
        t1 = more(t1, b, s);
        t2 = more(t2, c, s);
        t3 = more(t3, d, s);
        t4 = more(t4, e, s);
        bias += select(s.p0 + s.p1 + s.p2 + s.p3 + s.p4 + s.p5 + s.p6, c.c + c.d + c.e + c.f + c.g + c.h + c.i, swapped);
      }
      a = b; b = c; c = d; d = e;
    }
  }

  let own = array<f32, 26>(t0.v, t0.w, t0.x, t0.y, t0.z, t1.v, t1.w, t1.x, t1.y, t1.z, t2.v, t2.w, t2.x, t2.y, t2.z,
    t3.v, t3.w, t3.x, t3.y, t3.z, t4.v, t4.w, t4.x, t4.y, t4.z, bias);
  for (var i = 0u; i < 26u; i++) { sums[27u * local.x + i] = select(0.0, own[i], kept); }
  workgroupBarrier();
  let tap = local.x;
  if (tap >= 26u) { return; }
  var sum = 0.0;
  for (var i = 0u; i < 32u; i++) { sum += sums[27u * i + tap]; }
  let at = (slice * groups.x + group.x) * (25u * channels + params.out_channels);
  if (tap < 25u) {
    partials[at + select(tap, 24u - tap, swapped) * channels + channel] = sum;
  } else if (channel < params.out_channels) {
    partials[at + 25u * channels + channel] = sum;
  }
}
