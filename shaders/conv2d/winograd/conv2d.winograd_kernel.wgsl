// Winograd, kernel transform: U[f] = G w G' for every pair of channels, once per training step.
//   kernel packed w[tap = KERNEL*ky+kx][cin][coutP]  (for the input gradient: [flipped tap][cout][cinP]; the same shader)
//   freqs  U[f = SIDE*fy+fx][cin][coutP]
// One invocation: one pair (cin, cout). Dispatch: x = ceil(pairs/64) with pairs = cin*coutP.
alias Lane = f32;
#import conv2d/winograd/$form.wgsl
#import conv2d/winograd/store_side.wgsl

struct Params {
  pairs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kernel: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn kernel_row(first: u32) -> Side {
  return kernel_transform(Taps(
    #each i KERNEL
    kernel[first + $i * params.pairs],
    #end
  ));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pair = id.x;
  let step = params.pairs;
  if (pair >= step) { return; }
  var rows: array<Side, KERNEL>;
  // With bounds that are not compile-time constants the loops stay: unrolled, they take lavapipe four times as long to compile.
  for (var ky = 0u; ky < min(KERNEL, KERNEL * step); ky++) { rows[ky] = kernel_row(pair + KERNEL * ky * step); }
  for (var c = 0u; c < min(SIDE, SIDE * step); c++) {
    store_side(pair + c * step, SIDE * step, kernel_transform(Taps(
      #each ky KERNEL
      rows[$ky][c],
      #end
    )));
  }
}
