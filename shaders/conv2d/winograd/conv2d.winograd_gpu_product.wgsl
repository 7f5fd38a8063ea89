// Winograd, product of any F(m x m, 5x5), for GPUs: M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   inputs V[f][cin][p], p = tile*chunk + image, and products M[f][coutP][p], rows of `pitch` vec2s
//   weights U[f][cin][coutP]
// One invocation: 16 output channels x 1 vec2 of p, one input channel a step: 32 products of a vec2 that is its own and of 16 weights, which
// are the same for its whole workgroup, and which GPUs load as such. A quarter of the sums of conv2d.winograd_product.wgsl, which fits the
// registers of all GPUs, for four times as many invocations; and they are stored one by one, as an array would not stay in registers.
// Dispatch: x = ceil(coutP/16), y = ceil(columns/64), z = frequencies from first_group on.
// Precondition: coutP a multiple of 4 (weights read past coutP give products that are not stored).

struct Params {
  columns: u32, // vec2s of p in use
  pitch: u32, // vec2s in a row of V and M
  cin: u32,
  cout4: u32, // coutP / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec2f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> products: array<vec2f>;

struct Sixteen { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// The 16 weights of an input channel from vec4 `at` of U on.
fn weights_at(at: u32) -> Sixteen {
  return Sixteen(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
}

fn store(f: u32, row: u32, column: u32, sum: vec2f) {
  if (row < 4u * params.cout4) { products[(f * 4u * params.cout4 + row) * params.pitch + column] = sum; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let f = group.z + params.first_group;
  let row = group.x * 16u;
  let column = group.y * 64u + lane;
  if (column >= params.columns) { return; }
  var input_at = f * params.cin * params.pitch + column;
  var weight_at = f * params.cin * params.cout4 + row / 4u;
  var m0 = vec2f(0.0); var m1 = vec2f(0.0); var m2 = vec2f(0.0); var m3 = vec2f(0.0);
  var m4 = vec2f(0.0); var m5 = vec2f(0.0); var m6 = vec2f(0.0); var m7 = vec2f(0.0);
  var m8 = vec2f(0.0); var m9 = vec2f(0.0); var ma = vec2f(0.0); var mb = vec2f(0.0);
  var mc = vec2f(0.0); var md = vec2f(0.0); var me = vec2f(0.0); var mf = vec2f(0.0);
  for (var c = 0u; c < params.cin; c++) {
    let x = inputs[input_at];
    let w = weights_at(weight_at);
    m0 = fma(x, vec2f(w.a.x), m0);
    m1 = fma(x, vec2f(w.a.y), m1);
    m2 = fma(x, vec2f(w.a.z), m2);
    m3 = fma(x, vec2f(w.a.w), m3);
    m4 = fma(x, vec2f(w.b.x), m4);
    m5 = fma(x, vec2f(w.b.y), m5);
    m6 = fma(x, vec2f(w.b.z), m6);
    m7 = fma(x, vec2f(w.b.w), m7);
    m8 = fma(x, vec2f(w.c.x), m8);
    m9 = fma(x, vec2f(w.c.y), m9);
    ma = fma(x, vec2f(w.c.z), ma);
    mb = fma(x, vec2f(w.c.w), mb);
    mc = fma(x, vec2f(w.d.x), mc);
    md = fma(x, vec2f(w.d.y), md);
    me = fma(x, vec2f(w.d.z), me);
    mf = fma(x, vec2f(w.d.w), mf);
    input_at += params.pitch;
    weight_at += params.cout4;
  }
  store(f, row, column, m0);
  store(f, row + 1u, column, m1);
  store(f, row + 2u, column, m2);
  store(f, row + 3u, column, m3);
  store(f, row + 4u, column, m4);
  store(f, row + 5u, column, m5);
  store(f, row + 6u, column, m6);
  store(f, row + 7u, column, m7);
  store(f, row + 8u, column, m8);
  store(f, row + 9u, column, m9);
  store(f, row + 10u, column, ma);
  store(f, row + 11u, column, mb);
  store(f, row + 12u, column, mc);
  store(f, row + 13u, column, md);
  store(f, row + 14u, column, me);
  store(f, row + 15u, column, mf);
}
