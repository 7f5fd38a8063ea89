// Where parameters lie for the kernels that read them. A layer's parameters are kernel [tap][in][out], then bias [out]; packed are
//   forward  [tap][in][outP]                     at 0, unless outP = out: then it is the kernel itself, and not packed,
//   bias     [outP]                              at params.bias_at,
//   backward [taps-1 - tap][out][inP]: flipped and transposed, for the gradient of the input, at params.backward_at,
// with channels innermost rounded up to a multiple of 8 (outP, inP). Padding is never written and stays 0.
// The shader that includes this declares params with taps, inputs, outputs, bias_at and backward_at, and `packed`.

fn round_up(channels: u32) -> u32 {
  return (channels + 7u) / 8u * 8u;
}

// Puts parameter k of the layer where it belongs.
fn pack(k: u32, value: f32) {
  let row = k / params.outputs;
  let o = k - row * params.outputs;
  let tap = row / params.inputs;
  let c = row - tap * params.inputs;
  if (tap < params.taps) {
    if (params.outputs % 8u != 0u) { packed[row * round_up(params.outputs) + o] = value; }
    packed[params.backward_at + ((params.taps - 1u - tap) * params.outputs + o) * round_up(params.inputs) + c] = value;
  } else {
    packed[params.bias_at + o] = value;
  }
}
