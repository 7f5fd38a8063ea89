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

// The place of a parameter that comes less than 256 after the one at `place`: few enough to divide floats. Divisions of integers that
// differ from lane to lane were 15% of this kernel on lavapipe.
fn place_after(layer: Packing, place: Place, parameters: u32) -> Place {
  let o = place.o + parameters;
  let rows = u32((f32(o) + 0.5) / f32(layer.outputs));
  let c = place.c + rows;
  let taps = u32((f32(c) + 0.5) / f32(layer.inputs));
  return Place(place.tap + taps, c - taps * layer.inputs, o - rows * layer.outputs);
}

fn next_place(layer: Packing, place: Place) -> Place {
  let last_o = place.o + 1u == layer.outputs;
  let last_c = last_o & (place.c + 1u == layer.inputs);
  return Place(place.tap + u32(last_c), select(place.c + u32(last_o), 0u, last_c), select(place.o + 1u, 0u, last_o));
}

// The four parameters from `first` on of the `size` that begin at `place`.
fn pack_four(layer: Packing, place: Place, first: u32, size: u32, values: vec4f) {
  let p0 = place_after(layer, place, first);
  let p1 = next_place(layer, p0);
  let p2 = next_place(layer, p1);
  pack(layer, p0, values.x);
  if (first + 1u < size) { pack(layer, p1, values.y); }
  if (first + 2u < size) { pack(layer, p2, values.z); }
  if (first + 3u < size) { pack(layer, next_place(layer, p2), values.w); }
}
