// Winograd for GPUs, last step of the weight gradient: dw = G' dU G for every pair of channels, with dU the sum of slices.
//   freqs    dU[f = SIDE*fy+fx][cin][cout], then [cout] bias gradients, once per slice (see conv2d_grad_kernel.winograd_gpu_product.wgsl)
//   gradient dw[tap = KERNEL*ky+kx][cin][cout], then [cout] bias gradients
// One workgroup: 8 Lanes, each of two channel pairs. One invocation: transforms a row of frequencies (SIDE loads a slice), then a column of
// the rows that its workgroup has transformed, to a column of taps; the invocations of line KERNEL, which have no column, add up the bias.
// Dispatch: x = ceil(pairs/8) with pairs = cin*cout/2.
#import conv2d/winograd/window_gpu.wgsl

struct Params {
  pairs: u32, // in Lanes
  cout: u32, // in Lanes
  slices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Lane>;

@compute @workgroup_size(8, $SIDE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let pair = id.x;
  let line = local.y;
  let slice = SIDE * SIDE * params.pairs + params.cout; // elements
  if (pair < params.pairs) {
    var row = Side();
    for (var s = 0u; s < params.slices; s++) {
      let first = s * slice + SIDE * line * params.pairs + pair;
      #each i SIDE
      row[$i] += freqs[first + $i * params.pairs];
      #end
    }
    let taps = kernel_gradient_transform(row);
    #each i KERNEL
    window[ROW * line + 8 * $i + local.x] = taps[$i];
    #end
  }
  workgroupBarrier();
  if (pair >= params.pairs) { return; }
  if (line < KERNEL) {
    let taps = kernel_gradient_transform(Side(
      #each r SIDE
      window[ROW * $r + 8 * line + local.x],
      #end
    ));
    #each i KERNEL
    gradient[($i * KERNEL + line) * params.pairs + pair] = taps[$i];
    #end
  }
  if (line == KERNEL && pair < params.cout) {
    var bias = Lane();
    for (var s = 0u; s < params.slices; s++) { bias += freqs[s * slice + SIDE * SIDE * params.pairs + pair]; }
    gradient[KERNEL * KERNEL * params.pairs + pair] = bias;
  }
}
