// A direct convolution:
//   output[o][y][x][n] = addend(o, n) + sum over c, ky, kx of input[c][y + ky - r][x + kx - r][n] * kernel[ky][kx][c][o], r = kernel_size / 2,
// zero outside the image. The addend is the bias, and where the network is conditioned the image's bias: see lib/biases.wgsl.
// The input gradient is a convolution, too: of the output's gradient, with flipped taps, without biases.
// input [from][H][W][N], output [to][H][W][N]; kernel [ky * kernel_size + kx][from][to padded to 8], zeros in the padding.
// A row is the [W][N/4] vec4s of one channel of an image row. One workgroup: 64 vec4s of a row and 8 output channels, so all its kernel reads
// are uniform, and its lanes have work also with few images. One invocation: 2 of these vec4s times 8 output channels in registers.
// Grid: x over a row's vec4s, z over image rows times tiles of 8 output channels.
alias Lane = vec4f;
#import lib/biases.wgsl

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  from_channels: u32, // summed over
  to_channels: u32, // computed
  kernel_size: u32,
  tiles: u32, // to_channels / 8, rounded up
  biases: u32, // see lib/biases.wgsl
  image_bias_at: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> image_bias: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row_and_tile = group.z + params.first_group;
  let tile = row_and_tile % params.tiles;
  let y = row_and_tile / params.tiles;
  // Two neighbouring vec4s, or twice the last one of a row.
  let row = params.width * params.n4;
  let p_at = group.x * 64u + 2u * lane;
  if (p_at >= row) {
    return;
  }
  let q_at = min(p_at + 1u, row - 1u);

  // Taps outside the image would be multiplied by zeros: skip them.
  let radius = params.kernel_size / 2u;
  let ky_first = radius - min(radius, y);
  let ky_end = min(params.kernel_size, params.height + radius - y);
  let plane = params.height * row;
  let w_step = params.tiles * 2u;

  #each o 4
  var pu$o = vec4f(); var qu$o = vec4f(); var pv$o = vec4f(); var qv$o = vec4f();
  #end
  for (var ky = ky_first; ky < ky_end; ky++) {
    for (var kx = 0u; kx < params.kernel_size; kx++) {
      // Below zero it wraps to more than a row.
      let shift = (kx - radius) * params.n4;
      let has_p = p_at + shift < row;
      let has_q = q_at + shift < row;
      if (!has_p && !has_q) {
        continue;
      }
      let p_from = (y + ky - radius) * row + min(p_at + shift, row - 1u);
      let q_from = (y + ky - radius) * row + min(q_at + shift, row - 1u);
      let tap = (ky * params.kernel_size + kx) * params.from_channels;
      for (var c = 0u; c < params.from_channels; c++) {
        let p = select(vec4f(), input[c * plane + p_from], has_p);
        let q = select(vec4f(), input[c * plane + q_from], has_q);
        let u = kernel[(tap + c) * w_step + tile * 2u];
        let v = kernel[(tap + c) * w_step + tile * 2u + 1u];
        #each o 4
        pu$o += p * u[$o];
        qu$o += q * u[$o];
        pv$o += p * v[$o];
        qv$o += q * v[$o];
        #end
      }
    }
  }
  let sums = array<vec4f, 16>(pu0, qu0, pu1, qu1, pu2, qu2, pu3, qu3, pv0, qv0, pv1, qv1, pv2, qv2, pv3, qv3);
  let p_image = p_at % params.n4;
  let q_image = q_at % params.n4;
  // A loop from a number that is no compile-time constant stays a loop: unrolled, lavapipe takes twice as long to compile.
  for (var o = 8u * tile; o < min(8u * tile + 8u, params.to_channels); o++) {
    let at = (o * params.height + y) * row;
    output[at + p_at] = sums[2u * (o - 8u * tile)] + addend(o, p_image, params.n4);
    output[at + q_at] = sums[2u * (o - 8u * tile) + 1u] + addend(o, q_image, params.n4);
  }
}
