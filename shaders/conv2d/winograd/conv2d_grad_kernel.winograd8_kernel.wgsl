// Winograd F(8x8, 5x5), last step of the weight gradient: dw = G' dU G for every channel pair, once per training step.
//   freqs  dU[f = 12*fy+fx][cin][cout], then [cout] bias gradients (see conv2d_grad_kernel.winograd_product.wgsl)
//   gradient dw[tap = 5*ky+kx][cin][cout], then [cout] bias gradients
// One invocation: one (cin, cout) pair. Dispatch: x = ceil(pairs/64) with pairs = cin*cout. Precondition: 5x5 kernel.

#import conv2d/winograd/winograd8.wgsl

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
  return kernel_gradient_transform(Twelve(freqs[first], freqs[first + step], freqs[first + 2u * step], freqs[first + 3u * step],
    freqs[first + 4u * step], freqs[first + 5u * step], freqs[first + 6u * step], freqs[first + 7u * step],
    freqs[first + 8u * step], freqs[first + 9u * step], freqs[first + 10u * step], freqs[first + 11u * step]));
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
  if (pair < params.cout) { gradient[25u * step + pair] = freqs[144u * step + pair]; }
  var rows: array<Five, 12>;
  // An end that is not known when the shader is compiled: written out, this takes lavapipe several times as long to compile.
  for (var r = 0u; r < min(12u, 12u * step); r++) { rows[r] = freq_row(pair + 12u * r * step); }
  store_column(pair, kernel_gradient_transform(Twelve(rows[0].a, rows[1].a, rows[2].a, rows[3].a, rows[4].a, rows[5].a,
    rows[6].a, rows[7].a, rows[8].a, rows[9].a, rows[10].a, rows[11].a)));
  store_column(pair + step, kernel_gradient_transform(Twelve(rows[0].b, rows[1].b, rows[2].b, rows[3].b, rows[4].b, rows[5].b,
    rows[6].b, rows[7].b, rows[8].b, rows[9].b, rows[10].b, rows[11].b)));
  store_column(pair + 2u * step, kernel_gradient_transform(Twelve(rows[0].c, rows[1].c, rows[2].c, rows[3].c, rows[4].c, rows[5].c,
    rows[6].c, rows[7].c, rows[8].c, rows[9].c, rows[10].c, rows[11].c)));
  store_column(pair + 3u * step, kernel_gradient_transform(Twelve(rows[0].d, rows[1].d, rows[2].d, rows[3].d, rows[4].d, rows[5].d,
    rows[6].d, rows[7].d, rows[8].d, rows[9].d, rows[10].d, rows[11].d)));
  store_column(pair + 4u * step, kernel_gradient_transform(Twelve(rows[0].e, rows[1].e, rows[2].e, rows[3].e, rows[4].e, rows[5].e,
    rows[6].e, rows[7].e, rows[8].e, rows[9].e, rows[10].e, rows[11].e)));
}
