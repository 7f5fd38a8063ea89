// Winograd F(4x4, 5x5), last step of the weight gradient: dw = G' dU G for every channel pair, once per training step.
//   freqs  dU[f = 8*fy+fx][cin][cout], then [cout] bias gradients (see conv2d_grad_kernel.winograd_product.wgsl)
//   gradient dw[tap = 5*ky+kx][cin][cout], then [cout] bias gradients
// One invocation: one (cin, cout) pair. Dispatch: x = ceil(pairs/64) with pairs = cin*cout. Precondition: 5x5 kernel.

#import conv2d/winograd/winograd4.wgsl

alias Lane = f32;

struct Params {
  pairs: u32,
  cout: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Lane>;

fn freq_row(first: u32) -> Five {
  let step = params.pairs;
  return kernel_gradient_transform(Eight(freqs[first], freqs[first + step], freqs[first + 2u * step], freqs[first + 3u * step],
    freqs[first + 4u * step], freqs[first + 5u * step], freqs[first + 6u * step], freqs[first + 7u * step]));
}

fn store_column(first: u32, v: Five) {
  let step = 5u * params.pairs;
  gradient[first] = v.a;
  gradient[first + step] = v.b;
  gradient[first + 2u * step] = v.c;
  gradient[first + 3u * step] = v.d;
  gradient[first + 4u * step] = v.e;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pair = id.x;
  let step = params.pairs;
  if (pair >= step) { return; }
  if (pair < params.cout) { gradient[25u * step + pair] = freqs[64u * step + pair]; }
  let r0 = freq_row(pair);
  let r1 = freq_row(pair + 8u * step);
  let r2 = freq_row(pair + 16u * step);
  let r3 = freq_row(pair + 24u * step);
  let r4 = freq_row(pair + 32u * step);
  let r5 = freq_row(pair + 40u * step);
  let r6 = freq_row(pair + 48u * step);
  let r7 = freq_row(pair + 56u * step);
  store_column(pair, kernel_gradient_transform(Eight(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a, r6.a, r7.a)));
  store_column(pair + step, kernel_gradient_transform(Eight(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b, r6.b, r7.b)));
  store_column(pair + 2u * step, kernel_gradient_transform(Eight(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c, r6.c, r7.c)));
  store_column(pair + 3u * step, kernel_gradient_transform(Eight(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d, r6.d, r7.d)));
  store_column(pair + 4u * step, kernel_gradient_transform(Eight(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e, r6.e, r7.e)));
}
