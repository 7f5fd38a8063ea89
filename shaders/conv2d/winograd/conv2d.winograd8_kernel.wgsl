// Winograd F(8x8, 5x5), kernel transform: U[f] = G w G' for every channel pair, once per training step.
//   kernel packed w[tap = 5*ky+kx][cin][coutP]  (for the input gradient: [flipped tap][cout][cinP]; same shader)
//   freqs  U[f = 12*fy+fx][cin][coutP]
// One invocation: one (cin, cout) pair. Dispatch: x = ceil(pairs/64) with pairs = cin*coutP. Precondition: 5x5 kernel.

#import conv2d/winograd/winograd8.wgsl

alias Lane = f32;

struct Params {
  pairs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kernel: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn kernel_row(first: u32) -> Twelve {
  let step = params.pairs;
  return kernel_transform(Five(kernel[first], kernel[first + step], kernel[first + 2u * step], kernel[first + 3u * step],
    kernel[first + 4u * step]));
}

fn store_column(first: u32, v: Twelve) {
  let step = 12u * params.pairs;
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pair = id.x;
  let step = params.pairs;
  if (pair >= step) { return; }
  var rows: array<f32, 60>; // [ky][fx]
  // Loops whose ends are not known when the shader is compiled: written out, this takes lavapipe several times as long to compile.
  for (var ky = 0u; ky < min(5u, 5u * step); ky++) {
    let v = kernel_row(pair + 5u * ky * step);
    let at = 12u * ky;
    rows[at] = v.a; rows[at + 1u] = v.b; rows[at + 2u] = v.c; rows[at + 3u] = v.d;
    rows[at + 4u] = v.e; rows[at + 5u] = v.f; rows[at + 6u] = v.g; rows[at + 7u] = v.h;
    rows[at + 8u] = v.i; rows[at + 9u] = v.j; rows[at + 10u] = v.k; rows[at + 11u] = v.l;
  }
  for (var c = 0u; c < min(12u, 12u * step); c++) {
    store_column(pair + c * step, kernel_transform(Five(rows[c], rows[12u + c], rows[24u + c], rows[36u + c], rows[48u + c])));
  }
}
