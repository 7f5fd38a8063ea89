// Winograd, product of any F(m x m, 5x5): M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   inputs V[f][cin][p], p = tile*chunk + image, and products M[f][coutP][p], rows of `pitch` vec4s
//   weights U[f][cin][coutP]
// One invocation: 16 output channels x 2 vec4s of p, `reach` vec4s apart (32 vec4 accumulators), one input channel a step (two take
// lavapipe 1.3 times as long). All invocations of a workgroup read the same weights.
// Dispatch: x = ceil(coutP/16), y = ceil(columns/64), z = frequencies from first_group on.
// Precondition: coutP a multiple of 4 (weights read past coutP give products that are not stored).

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and M
  cin: u32,
  cout4: u32, // coutP / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> products: array<vec4f>;

struct Sixteen { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// The 16 weights of an input channel from vec4 `at` of U on.
fn weights_at(at: u32) -> Sixteen {
  return Sixteen(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
}

fn store(f: u32, row: u32, column: u32, reach: u32, first: vec4f, second: vec4f) {
  let at = (f * 4u * params.cout4 + row) * params.pitch + column;
  if (column < params.columns) { products[at] = first; }
  if (column + reach < params.columns) { products[at + reach] = second; }
}

fn multiply(f: u32, column: u32, reach: u32, row: u32) {
  var input_at = f * params.cin * params.pitch + column;
  var weight_at = f * params.cin * params.cout4 + row / 4u;
  var m0 = vec4f(0.0); var n0 = vec4f(0.0);
  var m1 = vec4f(0.0); var n1 = vec4f(0.0);
  var m2 = vec4f(0.0); var n2 = vec4f(0.0);
  var m3 = vec4f(0.0); var n3 = vec4f(0.0);
  var m4 = vec4f(0.0); var n4 = vec4f(0.0);
  var m5 = vec4f(0.0); var n5 = vec4f(0.0);
  var m6 = vec4f(0.0); var n6 = vec4f(0.0);
  var m7 = vec4f(0.0); var n7 = vec4f(0.0);
  var m8 = vec4f(0.0); var n8 = vec4f(0.0);
  var m9 = vec4f(0.0); var n9 = vec4f(0.0);
  var ma = vec4f(0.0); var na = vec4f(0.0);
  var mb = vec4f(0.0); var nb = vec4f(0.0);
  var mc = vec4f(0.0); var nc = vec4f(0.0);
  var md = vec4f(0.0); var nd = vec4f(0.0);
  var me = vec4f(0.0); var ne = vec4f(0.0);
  var mf = vec4f(0.0); var nf = vec4f(0.0);
  for (var c = 0u; c < params.cin; c++) {
    let x = inputs[input_at];
    let y = inputs[input_at + reach];
    let w = weights_at(weight_at);
    m0 = fma(x, vec4f(w.a.x), m0); n0 = fma(y, vec4f(w.a.x), n0);
    m1 = fma(x, vec4f(w.a.y), m1); n1 = fma(y, vec4f(w.a.y), n1);
    m2 = fma(x, vec4f(w.a.z), m2); n2 = fma(y, vec4f(w.a.z), n2);
    m3 = fma(x, vec4f(w.a.w), m3); n3 = fma(y, vec4f(w.a.w), n3);
    m4 = fma(x, vec4f(w.b.x), m4); n4 = fma(y, vec4f(w.b.x), n4);
    m5 = fma(x, vec4f(w.b.y), m5); n5 = fma(y, vec4f(w.b.y), n5);
    m6 = fma(x, vec4f(w.b.z), m6); n6 = fma(y, vec4f(w.b.z), n6);
    m7 = fma(x, vec4f(w.b.w), m7); n7 = fma(y, vec4f(w.b.w), n7);
    m8 = fma(x, vec4f(w.c.x), m8); n8 = fma(y, vec4f(w.c.x), n8);
    m9 = fma(x, vec4f(w.c.y), m9); n9 = fma(y, vec4f(w.c.y), n9);
    ma = fma(x, vec4f(w.c.z), ma); na = fma(y, vec4f(w.c.z), na);
    mb = fma(x, vec4f(w.c.w), mb); nb = fma(y, vec4f(w.c.w), nb);
    mc = fma(x, vec4f(w.d.x), mc); nc = fma(y, vec4f(w.d.x), nc);
    md = fma(x, vec4f(w.d.y), md); nd = fma(y, vec4f(w.d.y), nd);
    me = fma(x, vec4f(w.d.z), me); ne = fma(y, vec4f(w.d.z), ne);
    mf = fma(x, vec4f(w.d.w), mf); nf = fma(y, vec4f(w.d.w), nf);
    input_at += params.pitch;
    weight_at += params.cout4;
  }
  var rows = array<vec4f, 32>(
    m0, n0, m1, n1, m2, n2, m3, n3, m4, n4, m5, n5, m6, n6, m7, n7,
    m8, n8, m9, n9, ma, na, mb, nb, mc, nc, md, nd, me, ne, mf, nf);
  // A loop with ends that are not known when the shader is compiled stays a loop: written out, these stores take lavapipe longer to
  // compile than all the rest.
  for (var r = row; r < min(row + 16u, 4u * params.cout4); r++) {
    store(f, r, column, reach, rows[2u * (r - row)], rows[2u * (r - row) + 1u]);
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  // Two columns per lane, half a workgroup's reach apart; a small batch needs fewer lanes.
  let reach = min(32u, (params.columns + 1u) / 2u);
  let column = group.y * 64u + lane;
  if (lane < reach && column < params.columns) { multiply(group.z + params.first_group, column, reach, group.x * 16u); }
}
