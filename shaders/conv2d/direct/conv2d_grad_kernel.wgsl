// The weight and bias gradients of a convolution, as one partial sum per slice of image rows:
// partials[slice][ky][kx][c][o] = sum over y in the slice, x, n of input[c][y + ky - r][x + kx - r][n] * grad[o][y][x][n],
// followed by partials[slice][o] = sum of grad[o][y][x][n]. r = kernel_size / 2; slice s covers rows [s * rows, (s + 1) * rows).
// input [C][H][W][N], grad [O][H][W][N].
// One invocation: one tap, 4 input times 4 output channels, summed over the slice's pixels and the batch in vec4 accumulators.
// Grid: x over tiles of 4 x 4 channels, y over taps, z over slices.

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  in_channels: u32,
  out_channels: u32,
  kernel_size: u32,
  rows: u32, // of a slice
  pitch: u32, // of a slice of partials
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> grad: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

fn sum4(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

// The first of these sums is of output channel `o`.
fn store(at: u32, o: u32, sums: vec4f) {
  for (var i = o; i < min(o + 4u, params.out_channels); i++) { partials[at + i] = sums[i - o]; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let slice = group.z + params.first_group;
  let o_tiles = (params.out_channels + 3u) / 4u;
  let c_tiles = (params.in_channels + 3u) / 4u;
  let tile = group.x * 64u + lane;
  if (tile >= o_tiles * c_tiles) {
    return;
  }
  let c = tile / o_tiles * 4u;
  let o = tile % o_tiles * 4u;
  let tap = group.y;
  let ky = tap / params.kernel_size;
  let kx = tap % params.kernel_size;
  let radius = params.kernel_size / 2u;

  // Output pixels whose input pixel y + ky - r, x + kx - r lies inside the image.
  let y_first = max(slice * params.rows, radius - min(radius, ky));
  let y_end = min(min((slice + 1u) * params.rows, params.height), params.height + radius - min(params.height + radius, ky));
  let x_first = radius - min(radius, kx);
  let x_end = min(params.width, params.width + radius - min(params.width + radius, kx));

  // Channels beyond the last are computed as copies of the last and not stored.
  let row = params.width * params.n4;
  let plane = params.height * row;
  #each i 4
  let c$i = min(c + $i, params.in_channels - 1u) * plane;
  let o$i = min(o + $i, params.out_channels - 1u) * plane;
  #end

  #each i 4
  #each j 4
  var s$i$j = vec4f();
  #end
  #end
  for (var y = y_first; y < y_end; y++) {
    let target_at = y * row;
    let source_at = (y + ky - radius) * row + (kx - radius) * params.n4;
    // A row's pixels and their images follow each other in memory.
    for (var i = x_first * params.n4; i < x_end * params.n4; i++) {
      #each i 4
      let x$i = input[c$i + source_at + i];
      let g$i = grad[o$i + target_at + i];
      #end
      #each i 4
      #each j 4
      s$i$j += x$i * g$j;
      #end
      #end
    }
  }
  let taps = params.kernel_size * params.kernel_size;
  let size = taps * params.in_channels * params.out_channels;
  let base = slice * params.pitch;
  let at = base + tap * params.in_channels * params.out_channels;
  let sums = array<vec4f, 4>(
    #each i 4
    vec4f(sum4(s${i}0), sum4(s${i}1), sum4(s${i}2), sum4(s${i}3)),
    #end
  );
  for (var i = c; i < min(c + 4u, params.in_channels); i++) { store(at + i * params.out_channels, o, sums[i - c]); }

  // The bias gradient: once per output channel, by the invocations of the first tap and the first input channels.
  if (tap != 0u || c != 0u) {
    return;
  }
  var g0 = vec4f();
  var g1 = vec4f();
  var g2 = vec4f();
  var g3 = vec4f();
  let first = slice * params.rows * params.width * params.n4;
  let end = min((slice + 1u) * params.rows, params.height) * params.width * params.n4;
  for (var i = first; i < end; i++) {
    g0 += grad[o0 + i];
    g1 += grad[o1 + i];
    g2 += grad[o2 + i];
    g3 += grad[o3 + i];
  }
  store(base + size, o, vec4f(sum4(g0), sum4(g1), sum4(g2), sum4(g3)));
}
