// The gradient of a 5x5 kernel, or with `side3` a 3x3 one, with a single channel on one side, any image size: partial sums per image and
// slice of image rows,
//   partials[slice][n][ky][kx][channel] = sum over y in the slice, x of input[c][y + ky - HALF][x + kx - HALF][n] * grad[o][y][x][n],
// each followed by the sums of grad[o][y][x][n] for the bias.
// input [C][H][W][N], grad [O][H][W][N]. The tensor that has many channels is "wide"; the other, which has one, is "narrow".
// One invocation: one image, four channels of wide, all taps. Strip by strip of 7 columns, it walks down the slice's rows and holds the 5 x
// 11 pixels of narrow around them (3 x 9) in registers, the rows narrow0, narrow1, …: a new row replaces the oldest. A row of a strip takes
// 39 loads and makes 700 products (37, 252).
// If wide is the input, the sums belong to mirrored taps, and the store mirrors them back.
// Grid: x over images, y over groups of four channels, z over slices of params.rows rows.
#import conv2d/one_channel/side.wgsl
#import conv2d/one_channel/wide_strip.wgsl

struct Params {
  height: u32,
  width: u32,
  batch: u32,
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  wide_is_input: u32, // 0: wide is the output gradient, narrow the input; 1: the reverse
  pitch: u32, // of a slice of partials
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

alias Line = array<f32, WINDOW>;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let n = id.x;
  if (n >= params.batch) {
    return;
  }
  let channels = params.in_channels * params.out_channels;
  let channel = id.y * 4u;
  let slice = group.z + params.first_group;
  let swapped = params.wide_is_input == 1u;
  let row = params.width * params.batch;
  #each c 4
  let channel$c = min(channel + $c, channels - 1u);
  #end
  let last = i32(params.width) - 1;

  #each c 4
  var bias$c = 0.0;
  #each ky SIDE
  #each kx SIDE
  var s${c}_$ky$kx = 0.0;
  #end
  #end
  #end

  let y_first = slice * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  for (var x = 0u; x < params.width; x += 7u) {
    #each i WINDOW
    let col$i = i32(x + $i) - i32(HALF); let in$i = col$i >= 0 && col$i <= last; let at$i = u32(clamp(col$i, 0, last)) * params.batch;
    #end
    #each k LAST
    var narrow$k = Line();
    #end
    for (var r = max(y_first, HALF) - HALF; r < y_end + HALF; r++) {
      let inside = r < params.height;
      let line = min(r, params.height - 1u) * row + n;
      let narrow$LAST = Line(
        #each i WINDOW
        select(0.0, narrow[line + at$i], inside && in$i),
        #end
      );
      if (r >= y_first + HALF) {
        #each c 4
        let p$c = wide_strip(channel$c, r - HALF, x, n);
        #each ky SIDE
        #each kx SIDE
        #each i 7
        s${c}_$ky$kx = fma(narrow$ky[$kx + $i], p$c[$i], s${c}_$ky$kx);
        #end
        #end
        #end
        #end
        bias0 += select(p0[0] + p0[1] + p0[2] + p0[3] + p0[4] + p0[5] + p0[6], narrow$HALF[HALF] + narrow$HALF[HALF + 1] + narrow$HALF[HALF + 2] +
          narrow$HALF[HALF + 3] + narrow$HALF[HALF + 4] + narrow$HALF[HALF + 5] + narrow$HALF[HALF + 6], swapped);
        bias1 += p1[0] + p1[1] + p1[2] + p1[3] + p1[4] + p1[5] + p1[6];
        bias2 += p2[0] + p2[1] + p2[2] + p2[3] + p2[4] + p2[5] + p2[6];
        bias3 += p3[0] + p3[1] + p3[2] + p3[3] + p3[4] + p3[5] + p3[6];
      }
#if side3
      narrow0 = narrow1; narrow1 = narrow2;
#else
      narrow0 = narrow1; narrow1 = narrow2; narrow2 = narrow3; narrow3 = narrow4;
#endif
    }
  }

  let sums = array<f32, 4 * TAPS>(
    #each c 4
    #each ky SIDE
    #each kx SIDE
    s${c}_$ky$kx,
    #end
    #end
    #end
  );
  let biases = array<f32, 4>(bias0, bias1, bias2, bias3);
  let at = (slice * params.batch + n) * params.pitch;
  for (var c = channel; c < min(channel + 4u, channels); c++) {
    let mine = c - channel;
    for (var tap = 0u; tap < TAPS; tap++) {
      let sum = sums[TAPS * mine + tap];
      partials[at + select(tap, TAPS - 1u - tap, swapped) * channels + c] = sum;
    }
    if (c < params.out_channels) { partials[at + TAPS * channels + c] = biases[mine]; }
  }
}
