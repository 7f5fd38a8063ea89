// Winograd F(4x4, 5x5), kernel transform: U[f] = G w G' for every channel pair, once per training step.
//   kernel packed w[tap = 5*ky+kx][cin][coutP]  (for the input gradient: [flipped tap][cout][cinP]; same shader)
//   freqs  U[f = 8*fy+fx][cin][coutP]
// One invocation: one (cin, cout) pair. Dispatch: x = ceil(pairs/64) with pairs = cin*coutP. Precondition: 5x5 kernel.

#import conv2d/winograd/winograd4.wgsl

alias Lane = f32;

struct Params {
  pairs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kernel: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn kernel_row(first: u32) -> Eight {
  let step = params.pairs;
  return kernel_transform(Five(kernel[first], kernel[first + step], kernel[first + 2u * step], kernel[first + 3u * step],
    kernel[first + 4u * step]));
}

fn store_column(first: u32, v: Eight) {
  let step = 8u * params.pairs;
  freqs[first] = v.a;
  freqs[first + step] = v.b;
  freqs[first + 2u * step] = v.c;
  freqs[first + 3u * step] = v.d;
  freqs[first + 4u * step] = v.e;
  freqs[first + 5u * step] = v.f;
  freqs[first + 6u * step] = v.g;
  freqs[first + 7u * step] = v.h;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pair = id.x;
  let step = params.pairs;
  if (pair >= step) { return; }
  let r0 = kernel_row(pair);
  let r1 = kernel_row(pair + 5u * step);
  let r2 = kernel_row(pair + 10u * step);
  let r3 = kernel_row(pair + 15u * step);
  let r4 = kernel_row(pair + 20u * step);
  store_column(pair, kernel_transform(Five(r0.a, r1.a, r2.a, r3.a, r4.a)));
  store_column(pair + step, kernel_transform(Five(r0.b, r1.b, r2.b, r3.b, r4.b)));
  store_column(pair + 2u * step, kernel_transform(Five(r0.c, r1.c, r2.c, r3.c, r4.c)));
  store_column(pair + 3u * step, kernel_transform(Five(r0.d, r1.d, r2.d, r3.d, r4.d)));
  store_column(pair + 4u * step, kernel_transform(Five(r0.e, r1.e, r2.e, r3.e, r4.e)));
  store_column(pair + 5u * step, kernel_transform(Five(r0.f, r1.f, r2.f, r3.f, r4.f)));
  store_column(pair + 6u * step, kernel_transform(Five(r0.g, r1.g, r2.g, r3.g, r4.g)));
  store_column(pair + 7u * step, kernel_transform(Five(r0.h, r1.h, r2.h, r3.h, r4.h)));
}
