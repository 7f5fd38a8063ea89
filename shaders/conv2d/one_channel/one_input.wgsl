// A 5x5 convolution, or with `side3` a 3x3 one, of a single channel, any image size; shared by conv2d, conv2d_grad_input and fused kernels:
//   sum[o][y][x][n] = addend(o, n) + sum over ky, kx of input[y + ky - HALF][x + kx - HALF][n] * kernel[SIDE * ky + kx][o].
// A Lane is the unit that an invocation processes at once: a pair of images, or with `gpu` a single one, which fits the registers of all GPUs. All
// counts of images are counts of Lanes. The shader that imports this declares
//   input    [H][W][images], kernel [tap][padded];
//   addend   returns the initial value of a channel's sums for a Lane of images: see lib/biases.wgsl;
//   finish   stores the sums of a patch or passes them on (../fused/windows.wgsl).
// One invocation: a patch of 2 rows x 4 pixels of a Lane. It holds the 6 x 8 pixels around the patch (4 x 6) in registers while it computes
// one channel after the other, 200 products each (72). No sum is carried from one iteration of that loop to the next.
// Grid: x over patches of two rows times images, z over pairs of rows times groups of params.each channels.
#import conv2d/one_channel/taps.wgsl

#if gpu
alias Lane = f32;
#else
alias Lane = vec2f;
#endif

struct Params {
  height: u32,
  width: u32,
  images: u32, // N, or N / 2
  channels: u32, // output channels
  padded: u32, // channels, rounded up to 8
  each: u32, // channels that an invocation computes
  biases: u32, // see lib/biases.wgsl
  image_bias_at: u32,
  first_group: u32,
}

alias Line = array<Lane, COLUMNS>;
#if side3
const ROWS = 4u; // around a patch
#else
const ROWS = 6u; // around a patch
#endif

// The sums of a patch: a0 to a3 are the upper row, b0 to b3 the lower one.
struct Patch { a0: Lane, a1: Lane, a2: Lane, a3: Lane, b0: Lane, b1: Lane, b2: Lane, b3: Lane }

struct Place {
  x: u32,
  y: u32,
  n: u32, // image
  columns: u32, // of the patch, inside the image
}

// `item` counts patches times images of two rows; a surplus item repeats the last one and has no columns.
fn convolve(item: u32, group_z: u32) {
  let items = (params.width + 3u) / 4u * params.images;
  let n = min(item, items - 1u) % params.images;
  let x = min(item, items - 1u) / params.images * 4u;
  let row_pairs = (params.height + 1u) / 2u;
  let y = group_z % row_pairs * 2u;
  let first = group_z / row_pairs * params.each;
  let place = Place(x, y, n, select(0u, min(4u, params.width - x), item < items));
  let row = params.width * params.images;

  // For a row or a column outside the image, the load is clamped into the image and its value replaced by 0.
  let last = i32(params.width) - 1;
  #each c COLUMNS
  let col$c = i32(x + $c) - i32(HALF); let in$c = col$c >= 0 && col$c <= last; let at$c = u32(clamp(col$c, 0, last)) * params.images;
  #end
#if gpu
  let last_row = i32(params.height) - 1;
  #each r ROWS
  let row$r = i32(y + $r) - i32(HALF); let has$r = row$r >= 0 && row$r <= last_row; let line$r = u32(clamp(row$r, 0, last_row)) * row + n;
  #end
  let pixels = array<Line, ROWS>(
    #each r ROWS
    Line(
      #each c COLUMNS
      select(Lane(0), input[line$r + at$c], has$r && in$c),
      #end
    ),
    #end
  );
#else
  // Processors take a third of the time to compile this as a loop, which its unknown first row keeps.
  var pixels: array<Line, ROWS>;
  for (var r = max(y, HALF) - y; r < min(ROWS, params.height + HALF - y); r++) {
    let line = (y + r - HALF) * row + n;
    pixels[r] = Line(
      #each c COLUMNS
      select(Lane(0), input[line + at$c], in$c),
      #end
    );
  }
#endif

  for (var o = first; o < min(first + params.each, params.channels); o++) {
    let w = taps_at(o, params.padded);
    let begin = addend(o, n, params.images);
    #each c 4
    var a$c = begin;
    var b$c = begin;
    #end
    #each k SIDE
    #each j SIDE
    let w$k$j = Lane(w[SIDE * $k + $j]);
    #each c 4
    a$c = fma(pixels[$k][$c + $j], w$k$j, a$c);
    b$c = fma(pixels[$k + 1][$c + $j], w$k$j, b$c);
    #end
    #end
    #end
    finish(place, o, Patch(a0, a1, a2, a3, b0, b1, b2, b3));
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
#if gpu
@compute @workgroup_size(64)
#else
@compute @workgroup_size(32)
#endif
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes do nothing.
  if (id.x < (params.width + 3u) / 4u * params.images) { convolve(id.x, group.z + params.first_group); }
}
#endif
