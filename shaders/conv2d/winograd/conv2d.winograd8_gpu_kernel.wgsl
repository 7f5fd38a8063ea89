// Winograd F(8x8, 5x5), kernel transform by rows, for GPUs: U[f] = G w G' for every channel pair.
//   kernel packed w[tap = 5*ky+kx][cin][coutP]  (for the input gradient: [flipped tap][cout][cinP]; same shader)
//   freqs  U[f = 12*fy+fx][cin][coutP]
// One workgroup: 8 Lanes of channel pairs, two each. One invocation: a row of 5 taps (7 rows of invocations have none), then a column of
// what its workgroup has made of the rows. There are only few channel pairs: a GPU should not wait for one invocation to do all of it.
// Dispatch: x = ceil(pairs/8) with pairs = cin*coutP/2. Precondition: 5x5 kernel.
alias Lane = vec2f;
#import conv2d/winograd/winograd8_gpu.wgsl

struct Params {
  pairs: u32, // in Lanes
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kernel: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn kernel_row(first: u32) -> Twelve {
  let step = params.pairs;
  return kernel_transform(Five(kernel[first], kernel[first + step], kernel[first + 2u * step], kernel[first + 3u * step],
    kernel[first + 4u * step]));
}

fn kept_taps(lane: u32, column: u32) -> Five {
  let at = 8u * column + lane;
  return Five(window[at], window[at + 96u], window[at + 192u], window[at + 288u], window[at + 384u]);
}

fn store_column(first: u32, v: Twelve) {
  let step = SIDE * params.pairs;
  freqs[first] = v.a;
  freqs[first + step] = v.b;
  freqs[first + 2u * step] = v.c;
  freqs[first + 3u * step] = v.d;
  freqs[first + 4u * step] = v.e;
  freqs[first + 5u * step] = v.f;
  freqs[first + 6u * step] = v.g;
  freqs[first + 7u * step] = v.h;
  freqs[first + 8u * step] = v.i;
  freqs[first + 9u * step] = v.j;
  freqs[first + 10u * step] = v.k;
  freqs[first + 11u * step] = v.l;
}

@compute @workgroup_size(8, 12)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let pair = id.x;
  let line = local.y;
  if (line < 5u && pair < params.pairs) { keep_row(local.x, line, kernel_row(5u * line * params.pairs + pair)); }
  workgroupBarrier();
  if (pair >= params.pairs) { return; }
  store_column(line * params.pairs + pair, kernel_transform(kept_taps(local.x, line)));
}
