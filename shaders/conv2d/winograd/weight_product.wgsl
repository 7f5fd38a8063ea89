// Stores the sums of a weight gradient's product; shared by the product with subgroups and the one without: output dU[f][cin][cout] as
// vec4s, then [cout] bias gradients; added to the contents of output if params.accumulate is 1. The shader that imports this declares
// params, grads and output.

// The products of one input channel with four output channels.
fn dots(v: vec4f, d0: vec4f, d1: vec4f, d2: vec4f, d3: vec4f) -> vec4f {
  return vec4f(dot(v, d0), dot(v, d1), dot(v, d2), dot(v, d3));
}

fn store(at: u32, m: vec4f, n: vec4f) {
  if (params.accumulate == 0u) {
    output[at] = m;
    output[at + 1u] = n;
  } else {
    output[at] += m;
    output[at + 1u] += n;
  }
}

fn store_row(f: u32, c: u32, o: u32, m: vec4f, n: vec4f) {
  if (o < params.cout) { store(((f * params.cin + c) * params.cout + o) / 4u, m, n); }
}

// Sum over p of 8 rows of D: the bias gradients.
fn store_bias(f: u32, o: u32) {
  var sums: array<f32, 8>;
  for (var k = o; k < o + 8u; k++) {
    let first = (f * params.cout + k) * params.pitch;
    for (var i = first; i < first + params.columns; i++) { sums[k - o] += dot(vec4f(1.0), grads[i]); }
  }
  store((params.frequencies * params.cin * params.cout + o) / 4u, vec4f(sums[0], sums[1], sums[2], sums[3]),
    vec4f(sums[4], sums[5], sums[6], sums[7]));
}
