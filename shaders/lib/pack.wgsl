// Where parameters lie for the kernels that read them. A layer's parameters are kernel [tap][in][out], then bias [out]; packed are
//   forward  [tap][in][outP]: unless outP = out, as then it is the kernel itself,
//   bias     [outP],
//   backward [taps-1 - tap][out][inP]: flipped and transposed, for the gradient of the input,
// with channels innermost rounded up to a multiple of 8 (outP, inP). Padding is never written and stays 0.
// The shader that imports this declares `packed`.

struct Packing {
  taps: u32,
  inputs: u32,
  outputs: u32,
  forward_at: u32, // where the three start in packed
  bias_at: u32,
  backward_at: u32,
}

// Of a parameter: kernel[tap][c][o], or, where tap = taps and c = 0, bias[o].
struct Place { tap: u32, c: u32, o: u32 }

fn round_up(channels: u32) -> u32 {
  return (channels + 7u) / 8u * 8u;
}

fn pack(layer: Packing, place: Place, value: f32) {
  let is_weight = place.tap < layer.taps;
  let row = (layer.taps - 1u - place.tap) * layer.outputs + place.o;
  packed[select(layer.bias_at + place.o, layer.backward_at + row * round_up(layer.inputs) + place.c, is_weight)] = value;
  // A branch that a whole layer takes alike goes round the store.
  if (layer.outputs % 8u != 0u) {
    if (is_weight) { packed[layer.forward_at + (place.tap * layer.inputs + place.c) * round_up(layer.outputs) + place.o] = value; }
  }
}
