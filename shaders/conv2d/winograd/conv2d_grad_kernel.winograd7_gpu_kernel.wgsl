// Winograd F(7x7, 5x5), last step of the weight gradient by rows, for GPUs: dw = G' dU G for every channel pair, with dU the sum of slices.
//   freqs  dU[f = 11*fy+fx][cin][cout], then [cout] bias gradients, once per slice (see conv2d_grad_kernel.winograd_rows_product.wgsl)
//   gradient dw[tap = 5*ky+kx][cin][cout], then [cout] bias gradients
// One workgroup: 8 Lanes of channel pairs, two each. One invocation: a row of frequencies, 11 loads a slice, then a column of 5 taps of what its
// workgroup has made of the rows; the sixth columns, which there are not, have the bias.
// Dispatch: x = ceil(pairs/8) with pairs = cin*cout/2. Precondition: 5x5 kernel.
alias Lane = vec2f;
#import conv2d/winograd/winograd7_gpu.wgsl

struct Params {
  pairs: u32, // in Lanes
  cout: u32, // in Lanes
  slices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Lane>;

fn freq_row(first: u32) -> Eleven {
  let step = params.pairs;
  return Eleven(freqs[first], freqs[first + step], freqs[first + 2u * step], freqs[first + 3u * step],
    freqs[first + 4u * step], freqs[first + 5u * step], freqs[first + 6u * step], freqs[first + 7u * step],
    freqs[first + 8u * step], freqs[first + 9u * step], freqs[first + 10u * step]);
}

fn plus(x: Eleven, y: Eleven) -> Eleven {
  return Eleven(x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d, x.e + y.e, x.f + y.f, x.g + y.g, x.h + y.h, x.i + y.i,
    x.j + y.j, x.k + y.k);
}

fn keep_taps(lane: u32, row: u32, v: Five) {
  let at = 88u * row + lane;
  window[at] = v.a;
  window[at + 8u] = v.b;
  window[at + 16u] = v.c;
  window[at + 24u] = v.d;
  window[at + 32u] = v.e;
}

fn store_column(first: u32, v: Five) {
  let step = 5u * params.pairs;
  gradient[first] = v.a;
  gradient[first + step] = v.b;
  gradient[first + 2u * step] = v.c;
  gradient[first + 3u * step] = v.d;
  gradient[first + 4u * step] = v.e;
}

@compute @workgroup_size(8, 11)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let pair = id.x;
  let line = local.y;
  let slice = SIDE * SIDE * params.pairs + params.cout; // elements
  if (pair < params.pairs) {
    let first = SIDE * line * params.pairs + pair;
    var row = Eleven();
    for (var s = 0u; s < params.slices; s++) { row = plus(row, freq_row(s * slice + first)); }
    keep_taps(local.x, line, kernel_gradient_transform(row));
  }
  workgroupBarrier();
  if (pair >= params.pairs) { return; }
  if (line < 5u) { store_column(line * params.pairs + pair, kernel_gradient_transform(kept_column(local.x, line))); }
  if (line == 5u && pair < params.cout) {
    var bias = Lane();
    for (var s = 0u; s < params.slices; s++) { bias += freqs[s * slice + SIDE * SIDE * params.pairs + pair]; }
    gradient[25u * params.pairs + pair] = bias;
  }
}
