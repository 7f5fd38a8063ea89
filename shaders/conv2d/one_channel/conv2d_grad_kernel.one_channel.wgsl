// The gradient of a 5x5 kernel with a single channel on one side, any image size: partial sums per slice of image rows and image,
//   partials[slice][n][ky][kx][channel] = sum over y in the slice, x of input[c][y + ky - 2][x + kx - 2][n] * grad[o][y][x][n],
// each followed by the sums of grad[o][y][x][n] for the bias.
// input [C][H][W][N], grad [O][H][W][N]. The tensor that has many channels is "wide"; the other, which has one, is "narrow".
// One invocation: one image, four channels of wide, all taps. Strip by strip of 7 columns it walks down the slice's rows with the 5 x 11
// pixels of narrow around them in registers, the rows narrow0 to narrow4: as a new one comes, the first one goes. A row of a strip takes 39 loads and makes 700 products.
// With wide the input the taps come out mirrored and are stored so.
// Grid: x over images, y over groups of four channels, z over slices of params.rows rows.
#import conv2d/one_channel/wide_strip.wgsl

struct Params {
  height: u32,
  width: u32,
  batch: u32,
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  wide_is_input: u32, // 0: wide is the output gradient, narrow the input; 1: the other way round
  pitch: u32, // of a slice of partials
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<f32>;
@group(0) @binding(2) var<storage, read> narrow: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

alias Line = array<f32, 11>;

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
  #each ky 5
  #each kx 5
  var s${c}_$ky$kx = 0.0;
  #end
  #end
  #end

  let y_first = slice * params.rows;
  let y_end = min(y_first + params.rows, params.height);
  for (var x = 0u; x < params.width; x += 7u) {
    #each i 11
    let col$i = i32(x) + $i - 2; let in$i = col$i >= 0 && col$i <= last; let at$i = u32(clamp(col$i, 0, last)) * params.batch;
    #end
    #each k 4
    var narrow$k = Line();
    #end
    for (var r = max(y_first, 2u) - 2u; r < y_end + 2u; r++) {
      let inside = r < params.height;
      let line = min(r, params.height - 1u) * row + n;
      let narrow4 = Line(
        #each i 11
        select(0.0, narrow[line + at$i], inside && in$i),
        #end
      );
      if (r >= y_first + 2u) {
        #each c 4
        let p$c = wide_strip(channel$c, r - 2u, x, n);
        #each ky 5
        #each kx 5
        s${c}_$ky$kx = fma(narrow$ky[$kx + 6], p$c[6], fma(narrow$ky[$kx + 5], p$c[5], fma(narrow$ky[$kx + 4], p$c[4], fma(narrow$ky[$kx + 3],
          p$c[3], fma(narrow$ky[$kx + 2], p$c[2], fma(narrow$ky[$kx + 1], p$c[1], fma(narrow$ky[$kx], p$c[0], s${c}_$ky$kx)))))));
        #end
        #end
        #end
        bias0 += select(p0[0] + p0[1] + p0[2] + p0[3] + p0[4] + p0[5] + p0[6], narrow2[2] + narrow2[3] + narrow2[4] + narrow2[5] + narrow2[6] +
          narrow2[7] + narrow2[8], swapped);
        bias1 += p1[0] + p1[1] + p1[2] + p1[3] + p1[4] + p1[5] + p1[6];
        bias2 += p2[0] + p2[1] + p2[2] + p2[3] + p2[4] + p2[5] + p2[6];
        bias3 += p3[0] + p3[1] + p3[2] + p3[3] + p3[4] + p3[5] + p3[6];
      }
      narrow0 = narrow1; narrow1 = narrow2; narrow2 = narrow3; narrow3 = narrow4;
    }
  }

  let sums = array<f32, 100>(
    #each c 4
    #each ky 5
    #each kx 5
    s${c}_$ky$kx,
    #end
    #end
    #end
  );
  let biases = array<f32, 4>(bias0, bias1, bias2, bias3);
  let at = (slice * params.batch + n) * params.pitch;
  for (var c = channel; c < min(channel + 4u, channels); c++) {
    let mine = c - channel;
    for (var tap = 0u; tap < 25u; tap++) {
      let sum = sums[25u * mine + tap];
      partials[at + select(tap, 24u - tap, swapped) * channels + c] = sum;
    }
    if (c < params.out_channels) { partials[at + 25u * channels + c] = biases[mine]; }
  }
}
