// conv2d for one output channel and a 5x5 kernel, or with `side3` a 3x3 one; any image size and number of input channels.
//   output[y][x][n] = bias + sum over c, ky, kx of input[c][y + ky - HALF][x + kx - HALF][n] * kernel[ky][kx][c].
// input [C][H][W][N/2], kernel [tap][C][padded], whose first padded channel is the output channel, output [H][W][N/2].
// One invocation: walks a strip of 7 columns down a block of rows, for 2 images. It loads each input row once and adds it to the SIDE
// output rows that it touches: p0_* is the oldest, complete after this row; then all move up by one.
// Grid: x over strips times pairs of images, z over blocks of params.rows rows.
#import conv2d/one_channel/taps.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  in_channels: u32,
  out_padded: u32, // distance between the weights of two input channels
  rows: u32, // output rows of a block, which loads SIDE - 1 more rows of input
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec2f>;

fn store(at: u32, kept: bool, x: u32, sum: vec2f) {
  if (kept && x < params.width) {
    output[at + x * params.pairs] = sum + bias[0];
  }
}

// `item` counts strips times pairs of a row; a surplus item repeats the last one and stores nothing.
fn convolve(item: u32, group_z: u32) {
  let items = (params.width + 6u) / 7u * params.pairs;
  let kept = item < items;
  let n = min(item, items - 1u) % params.pairs;
  let x = min(item, items - 1u) / params.pairs * 7u;
  let y_first = group_z * params.rows;
  let row = params.width * params.pairs;
  let plane = params.height * row;
  let y_end = min(y_first + params.rows, params.height);
  let last = i32(params.width) - 1;
  #each i WINDOW
  let col$i = i32(x + $i) - i32(HALF); let in$i = col$i >= 0 && col$i <= last; let at$i = u32(clamp(col$i, 0, last)) * params.pairs + n;
  #end
  #each k SIDE
  #each i 7
  var p$k$i = vec2f(0);
  #end
  #end

  for (var r = max(y_first, HALF) - HALF; r < y_end + HALF; r++) {
    let channels = select(0u, params.in_channels, r < params.height);
    for (var c = 0u; c < channels; c++) {
      let i = c * plane + r * row;
      let x = array<vec2f, WINDOW>(
        #each i WINDOW
        select(vec2f(0), input[i + at$i], in$i),
        #end
      );
      let w = taps_at(c * params.out_padded, params.in_channels * params.out_padded);
      #each k SIDE
      #each j SIDE
      let w$k$j = vec2f(w[SIDE * (LAST - $k) + $j]);
      #each i 7
      p$k$i = fma(x[$i + $j], w$k$j, p$k$i);
      #end
      #end
      #end
    }
    if (r >= y_first + HALF) {
      let at = (r - HALF) * row + n;
      #each i 7
      store(at, kept, x + $i, p0$i);
      #end
    }
    #each i 7
#if side3
    p0$i = p1$i; p1$i = p2$i; p2$i = vec2f(0);
#else
    p0$i = p1$i; p1$i = p2$i; p2$i = p3$i; p3$i = p4$i; p4$i = vec2f(0);
#endif
    #end
  }
}

#if subgroups
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  slot = subgroup_lane % 4u;
  convolve(id.x, group.z + params.first_group);
}
#else
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes do nothing.
  if (id.x < (params.width + 6u) / 7u * params.pairs) { convolve(id.x, group.z + params.first_group); }
}
#endif
