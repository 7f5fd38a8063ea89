// Winograd, last step of the weight gradient: dw = G' dU G for every pair of channels, once per training step.
//   freqs    dU[f = SIDE*fy+fx][cin][cout], then [cout] bias gradients (see conv2d_grad_kernel.winograd_product.wgsl)
//   gradient dw[tap = KERNEL*ky+kx][cin][cout], then [cout] bias gradients
// One invocation: one pair (cin, cout). Dispatch: x = ceil(pairs/64) with pairs = cin*cout.
alias Lane = f32;
#import conv2d/winograd/$form.wgsl

struct Params {
  pairs: u32,
  cout: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Lane>;

fn freq_row(first: u32) -> Taps {
  return kernel_gradient_transform(Side(
    #each i SIDE
    freqs[first + $i * params.pairs],
    #end
  ));
}

fn store_column(first: u32, v: Taps) {
  #each i KERNEL
  gradient[first + $i * KERNEL * params.pairs] = v[$i];
  #end
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pair = id.x;
  let step = params.pairs;
  if (pair >= step) { return; }
  if (pair < params.cout) { gradient[KERNEL * KERNEL * step + pair] = freqs[SIDE * SIDE * step + pair]; }
  var rows: array<Taps, SIDE>;
  // With a bound that is not a compile-time constant the loop stays a loop: unrolled, it takes lavapipe five times as long to compile.
  for (var r = 0u; r < min(SIDE, SIDE * step); r++) { rows[r] = freq_row(pair + SIDE * r * step); }
  #each c KERNEL
  store_column(pair + $c * step, kernel_gradient_transform(Side(
    #each r SIDE
    rows[$r][$c],
    #end
  )));
  #end
}
