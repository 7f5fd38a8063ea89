// A direct convolution, shared by conv2d and conv2d_grad_input:
//   sum over c, ky, kx of input[c][y + ky - r][x + kx - r][n] * kernel[ky * kernel_size + kx][c][o], r = kernel_size / 2.
// The shader that imports this declares
//   params   height, width, n4 = N / 4, from_channels (summed over), to_channels (made), kernel_size, tiles = to_channels / 8
//            rounded up, first_group;
//   input    [from][H][W][N/4] and kernel [tap][from][to padded to 8, in vec4], zeros in the padding;
//   finish   what happens to a sum of output channel `channel` and the nth vec4 of images that belongs at `at` of [to][H][W][N/4].
// One workgroup: one pixel and 8 output channels, so all its kernel reads are uniform and taps outside the image are skipped
// without divergence. One invocation: 2 vec4 of n times 8 output channels in registers.
// Grid: x over n, y over image columns, z over image rows times tiles of 8 output channels.

fn store(channel: u32, y: u32, x: u32, p_at: u32, q_at: u32, p: vec4f, q: vec4f) {
  if (channel >= params.to_channels) {
    return;
  }
  let at = ((channel * params.height + y) * params.width + x) * params.n4;
  finish(at + p_at, channel, p_at, p);
  if (q_at > p_at) {
    finish(at + q_at, channel, q_at, q);
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.z + params.first_group;
  let tile = row % params.tiles;
  let y = row / params.tiles;
  let x = group.y;
  // Two vec4 per lane, half a workgroup's reach apart; a small batch needs fewer lanes. The second one may lie beyond the batch:
  // then the last is computed once more and not stored.
  let reach = min(32u, (params.n4 + 1u) / 2u);
  let p_at = group.x * 64u + lane;
  if (lane >= reach || p_at >= params.n4) {
    return;
  }
  let q_at = min(p_at + reach, params.n4 - 1u);

  // Taps outside the image multiply zeros: leave them out. The bounds are the same for the whole workgroup.
  let radius = params.kernel_size / 2u;
  let ky_first = radius - min(radius, y);
  let ky_end = min(params.kernel_size, params.height + radius - y);
  let kx_first = radius - min(radius, x);
  let kx_end = min(params.kernel_size, params.width + radius - x);
  let plane = params.height * params.width * params.n4;
  let w_step = params.tiles * 2u;

  var a0 = vec4f();
  var b0 = vec4f();
  var a1 = vec4f();
  var b1 = vec4f();
  var a2 = vec4f();
  var b2 = vec4f();
  var a3 = vec4f();
  var b3 = vec4f();
  var a4 = vec4f();
  var b4 = vec4f();
  var a5 = vec4f();
  var b5 = vec4f();
  var a6 = vec4f();
  var b6 = vec4f();
  var a7 = vec4f();
  var b7 = vec4f();
  for (var ky = ky_first; ky < ky_end; ky++) {
    for (var kx = kx_first; kx < kx_end; kx++) {
      let pixel = ((y + ky - radius) * params.width + x + kx - radius) * params.n4;
      let tap = (ky * params.kernel_size + kx) * params.from_channels;
      for (var c = 0u; c < params.from_channels; c++) {
        let p = input[c * plane + pixel + p_at];
        let q = input[c * plane + pixel + q_at];
        let u = kernel[(tap + c) * w_step + tile * 2u];
        let v = kernel[(tap + c) * w_step + tile * 2u + 1u];
        a0 += p * u.x;
        b0 += q * u.x;
        a1 += p * u.y;
        b1 += q * u.y;
        a2 += p * u.z;
        b2 += q * u.z;
        a3 += p * u.w;
        b3 += q * u.w;
        a4 += p * v.x;
        b4 += q * v.x;
        a5 += p * v.y;
        b5 += q * v.y;
        a6 += p * v.z;
        b6 += q * v.z;
        a7 += p * v.w;
        b7 += q * v.w;
      }
    }
  }
  store(tile * 8u + 0u, y, x, p_at, q_at, a0, b0);
  store(tile * 8u + 1u, y, x, p_at, q_at, a1, b1);
  store(tile * 8u + 2u, y, x, p_at, q_at, a2, b2);
  store(tile * 8u + 3u, y, x, p_at, q_at, a3, b3);
  store(tile * 8u + 4u, y, x, p_at, q_at, a4, b4);
  store(tile * 8u + 5u, y, x, p_at, q_at, a5, b5);
  store(tile * 8u + 6u, y, x, p_at, q_at, a6, b6);
  store(tile * 8u + 7u, y, x, p_at, q_at, a7, b7);
}
