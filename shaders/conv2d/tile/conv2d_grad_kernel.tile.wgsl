// The weight and bias gradients of a 5x5 convolution by tiles in workgroup memory, for GPUs, where an element loaded from global memory
// should serve many products:
//   partials[s][ky][kx][c][o] = sum over y, x, n of slice s of input[c][y + ky - 2][x + kx - 2][n] * grad[o][y][x][n],
// followed in each slice by the sums of grad[o].
// input [C][H][W][N], grad [O][H][W][N]. A slice is params.rows rows of the image for params.blocks blocks of 8 images; slices of the same
// images follow one another.
// One workgroup: one ky and all kx, 16 input and 32 output channels, one slice. For every strip of 7 pixels and 8 images it loads 11 pixels
// of input and 7 of the gradient into workgroup memory.
// One invocation: 5 kx, 2 input channels (8 apart, so that neighbouring invocations read different banks), 4 output channels: 40 sums.
// Grid: x over 16 input channels, y over 32 output channels, z over slices times ky.

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  in_channels: u32,
  out_channels: u32,
  rows: u32, // of a slice
  row_slices: u32, // slices to an image's height
  blocks: u32, // of 8 images, of a slice
  pitch: u32, // of a slice of partials
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> grad: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

const INPUT_ROW = 23u; // vec4 of an input channel: 11 pixels of 8 images, and one of padding, so that rows start in different banks
var<workgroup> inputs: array<vec4f, 368>; // [16 channels][INPUT_ROW]
var<workgroup> grads: array<vec4f, 448>; // [32 channels][7 pixels][8 images]

struct FourGrads { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// The gradients of four output channels, for the same pixel and images.
fn four_grads(at: u32) -> FourGrads {
  return FourGrads(grads[at], grads[at + 14u], grads[at + 28u], grads[at + 42u]);
}

fn dots(v: vec4f, g: FourGrads) -> vec4f {
  return vec4f(dot(v, g.a), dot(v, g.b), dot(v, g.c), dot(v, g.d));
}

// Four images of pixel x of an input row; 0 where x is outside the image.
fn input_element(c: u32, row: u32, x: i32, n4: u32) -> vec4f {
  if (c >= params.in_channels || x < 0 || x >= i32(params.width) || n4 >= params.n4) { return vec4f(0); }
  return input[((c * params.height + row) * params.width + u32(x)) * params.n4 + n4];
}

fn grad_element(o: u32, y: u32, x: u32, n4: u32) -> vec4f {
  if (o >= params.out_channels || x >= params.width || n4 >= params.n4) { return vec4f(0); }
  return grad[((o * params.height + y) * params.width + x) * params.n4 + n4];
}

fn store_four(at: u32, o: u32, sums: vec4f) {
  if (o < params.out_channels) { partials[at + o] = sums.x; }
  if (o + 1u < params.out_channels) { partials[at + o + 1u] = sums.y; }
  if (o + 2u < params.out_channels) { partials[at + o + 2u] = sums.z; }
  if (o + 3u < params.out_channels) { partials[at + o + 3u] = sums.w; }
}

// Stores the taps of row ky between input channel c and four output channels.
fn store_row(slice_at: u32, ky: u32, c: u32, o: u32, s0: vec4f, s1: vec4f, s2: vec4f, s3: vec4f, s4: vec4f) {
  if (c >= params.in_channels) { return; }
  let tap = params.in_channels * params.out_channels;
  let at = slice_at + 5u * ky * tap + c * params.out_channels;
  store_four(at, o, s0);
  store_four(at + tap, o, s1);
  store_four(at + 2u * tap, o, s2);
  store_four(at + 3u * tap, o, s3);
  store_four(at + 4u * tap, o, s4);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32) {
  let z = group.z + params.first_group;
  let ky = z % 5u;
  let slice = z / 5u;
  let y_first = slice % params.row_slices * params.rows;
  let n4_first = slice / params.row_slices * params.blocks * 2u;
  let n4_end = min(n4_first + 2u * params.blocks, params.n4);
  let c = group.x * 16u;
  let o = group.y * 32u;
  let with_bias = ky == 2u && group.x == 0u; // the middle row of taps reads every row of the gradient
  // Rows whose input row is outside the image add nothing.
  let y_start = max(y_first, 2u - min(ky, 2u));
  let y_end = min(min(y_first + params.rows, params.height), max(params.height + 2u, ky) - ky);

  var bias = vec4f(0);
  #each k 5
  var a$k = vec4f(0); var b$k = vec4f(0);
  #end
  let rows = max(y_end, y_start) - y_start; // none, if none of the slice has input
  let twos = (n4_end - n4_first + 1u) / 2u;
  var y = y_start;
  for (var left = rows; left > 0u; left--) {
    var x = 0u;
    for (var strips = (params.width + 6u) / 7u; strips > 0u; strips--) {
      var n4 = n4_first;
      for (var blocks = twos; blocks > 0u; blocks--) {
        for (var part = 0u; part < 6u; part++) {
          let i = index + 64u * part;
          let k = i % 22u;
          if (i < 352u) {
            inputs[i / 22u * INPUT_ROW + k] = input_element(c + i / 22u, y + ky - 2u, i32(x + k / 2u) - 2, n4 + k % 2u);
          }
        }
        for (var part = 0u; part < 7u; part++) {
          let i = index + 64u * part;
          let k = i % 14u;
          grads[i] = grad_element(o + i / 14u, y, x + k / 2u, n4 + k % 2u);
        }
        workgroupBarrier();
        for (var half = 0u; half < 2u; half++) {
          let i = local.x * INPUT_ROW + half;
          let j = i + 8u * INPUT_ROW;
          let at = local.y * 56u + half;
          // A window of five pixels of each channel slides along the strip: holding all eleven would take half as many registers again.
          #each k 4
          var x$k = inputs[i + 2 * $k]; var y$k = inputs[j + 2 * $k];
          #end
          #each p 7
          {
            let x4 = inputs[i + 2 * ($p + 4)]; let y4 = inputs[j + 2 * ($p + 4)];
            let d = four_grads(at + 2 * $p);
            #each k 5
            a$k += dots(x$k, d); b$k += dots(y$k, d);
            #end
            if (with_bias) { bias += dots(vec4f(1), d); }
            x0 = x1; x1 = x2; x2 = x3; x3 = x4;
            y0 = y1; y1 = y2; y2 = y3; y3 = y4;
          }
          #end
        }
        workgroupBarrier();
        n4 += 2u;
      }
      x += 7u;
    }
    y++;
  }
  let at = slice * params.pitch;
  let mine = o + local.y * 4u;
  store_row(at, ky, c + local.x, mine, a0, a1, a2, a3, a4);
  store_row(at, ky, c + local.x + 8u, mine, b0, b1, b2, b3, b4);
  if (with_bias && local.x == 0u) { store_four(at + 25u * params.in_channels * params.out_channels, mine, bias); }
}
