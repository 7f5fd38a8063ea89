// Writes parameters to the places where kernels read them. A layer's parameters are kernel [tap][in][out], then bias [out]; their packed copies:
//   forward  [tap][in][outP], only if outP != out: otherwise kernels read the parameters themselves,
//   bias     [outP],
//   backward [taps-1 - tap][out][inP]: flipped and transposed, for the input gradient,
// where the innermost channels are rounded up to a multiple of 8 (outP, inP). The padding is never written and stays 0.
// The shader that imports this declares `packed`.

struct Packing {
  taps: u32,
  inputs: u32,
  outputs: u32,
  forward_at: u32, // where the three copies start in packed
  bias_at: u32,
  backward_at: u32,
}

// The place of a parameter: kernel[tap][c][o], or, where tap = taps and c = 0, bias[o].
struct Place { tap: u32, c: u32, o: u32 }

fn round_up(channels: u32) -> u32 {
  return (channels + 7u) / 8u * 8u;
}

fn pack(layer: Packing, place: Place, value: f32) {
  let is_weight = place.tap < layer.taps;
  let row = (layer.taps - 1u - place.tap) * layer.outputs + place.o;
  packed[select(layer.bias_at + place.o, layer.backward_at + row * round_up(layer.inputs) + place.c, is_weight)] = value;
  // This branch is uniform over a layer and skips the store.
  if (layer.outputs % 8u != 0u) {
    if (is_weight) { packed[layer.forward_at + (place.tap * layer.inputs + place.c) * round_up(layer.outputs) + place.o] = value; }
  }
}

// The place of the parameter that comes `parameters` after the one at `place`: fewer than 256, few enough to divide floats. Integer
// divisions by operands that differ between lanes took 15% of this kernel on lavapipe.
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

// Packs the four parameters from `first` on, of the `size` parameters that begin at `place`.
fn pack_four(layer: Packing, place: Place, first: u32, size: u32, values: vec4f) {
  let p0 = place_after(layer, place, first);
  let p1 = next_place(layer, p0);
  let p2 = next_place(layer, p1);
  pack(layer, p0, values.x);
  if (first + 1u < size) { pack(layer, p1, values.y); }
  if (first + 2u < size) { pack(layer, p2, values.z); }
  if (first + 3u < size) { pack(layer, next_place(layer, p2), values.w); }
}
