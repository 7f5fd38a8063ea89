// Winograd for GPUs, kernel transform: U[f] = G w G' for every pair of channels.
//   kernel packed w[tap = KERNEL*ky+kx][cin][coutP]  (for the input gradient: [flipped tap][cout][cinP]; the same shader)
//   freqs  U[f = SIDE*fy+fx][cin][coutP]
// One workgroup: 8 Lanes, each of two channel pairs. One invocation: transforms a row of taps (only KERNEL of the SIDE lines of invocations
// have one), then a column of the rows that its workgroup has transformed. There are few channel pairs: a GPU should not wait for one
// invocation to do all of it.
// Dispatch: x = ceil(pairs/8) with pairs = cin*coutP/2.
#import conv2d/winograd/window_gpu.wgsl
#import conv2d/winograd/store_side.wgsl

struct Params {
  pairs: u32, // in Lanes
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kernel: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

@compute @workgroup_size(8, $SIDE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let pair = id.x;
  let line = local.y;
  if (line < KERNEL && pair < params.pairs) {
    let first = KERNEL * line * params.pairs + pair;
    let row = kernel_transform(Taps(
      #each i KERNEL
      kernel[first + $i * params.pairs],
      #end
    ));
    #each i SIDE
    window[ROW * line + 8 * $i + local.x] = row[$i];
    #end
  }
  workgroupBarrier();
  if (pair >= params.pairs) { return; }
  store_side(line * params.pairs + pair, SIDE * params.pairs, kernel_transform(Taps(
    #each r KERNEL
    window[ROW * $r + 8 * line + local.x],
    #end
  )));
}
