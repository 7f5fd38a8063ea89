// A direct convolution, shared by conv2d and conv2d_grad_input:
//   sum over c, ky, kx of input[c][y + ky - r][x + kx - r][n] * kernel[ky * kernel_size + kx][c][o], r = kernel_size / 2.
// The shader that imports this declares
//   params   height, width, n4 = N / 4, from_channels (summed over), to_channels (computed), kernel_size, tiles = to_channels / 8 rounded
//            up, first_group;
//   input    [from][H][W][N/4] and kernel [tap][from][to padded to 8, in vec4], zeros in the padding;
//   finish   stores the sum of output channel `channel` and the nth vec4 of images, whose index in [to][H][W][N/4] is `at`.
// One workgroup: one pixel and 8 output channels, so all its kernel reads are uniform and it skips taps outside the image without
// divergence. One invocation: 2 vec4 of n times 8 output channels in registers.
// Grid: x over n, y over image columns, z over image rows times tiles of 8 output channels.

fn store(channel: u32, y: u32, x: u32, p_at: u32, q_at: u32, owns_q: bool, p: vec4f, q: vec4f) {
  if (channel >= params.to_channels) {
    return;
  }
  let at = ((channel * params.height + y) * params.width + x) * params.n4;
  finish(at + p_at, channel, p_at, p);
  if (owns_q) {
    finish(at + q_at, channel, q_at, q);
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.z + params.first_group;
  let tile = row % params.tiles;
  let y = row / params.tiles;
  let x = group.y;
  // Two vec4 per lane, `reach` apart; a small batch needs fewer lanes. If the second one lies beyond the batch, the lane computes the last
  // vec4 of the batch once more, and leaves it to the lane that owns it.
  let reach = min(32u, (params.n4 + 1u) / 2u);
  let p_at = group.x * 64u + lane;
  if (lane >= reach || p_at >= params.n4) {
    return;
  }
  let owns_q = p_at + reach < params.n4;
  let q_at = min(p_at + reach, params.n4 - 1u);

  // Taps outside the image would multiply zeros: skip them. The loop bounds are uniform across the workgroup.
  let radius = params.kernel_size / 2u;
  let ky_first = radius - min(radius, y);
  let ky_end = min(params.kernel_size, params.height + radius - y);
  let kx_first = radius - min(radius, x);
  let kx_end = min(params.kernel_size, params.width + radius - x);
  let plane = params.height * params.width * params.n4;
  let w_step = params.tiles * 2u;

  #each o 4
  var pu$o = vec4f(); var qu$o = vec4f(); var pv$o = vec4f(); var qv$o = vec4f();
  #end
  for (var ky = ky_first; ky < ky_end; ky++) {
    for (var kx = kx_first; kx < kx_end; kx++) {
      let pixel = ((y + ky - radius) * params.width + x + kx - radius) * params.n4;
      let tap = (ky * params.kernel_size + kx) * params.from_channels;
      for (var c = 0u; c < params.from_channels; c++) {
        let p = input[c * plane + pixel + p_at];
        let q = input[c * plane + pixel + q_at];
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
  #each o 4
  store(tile * 8 + $o, y, x, p_at, q_at, owns_q, pu$o, qu$o);
  store(tile * 8 + 4 + $o, y, x, p_at, q_at, owns_q, pv$o, qv$o);
  #end
}
