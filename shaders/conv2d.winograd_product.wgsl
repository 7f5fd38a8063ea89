// Winograd F(4x4, 5x5), product: M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   inputs V[f][cin][p], p = tile*chunk + image, and products M[f][coutP][p], rows of `pitch` vec4s
//   weights U[f][cin][coutP]
// One invocation: 16 output channels x 2 vec4s of p, `reach` vec4s apart (32 vec4 accumulators), 2 input channels a step. All
// invocations of a workgroup read the same weights.
// Dispatch: x = ceil(coutP/16), y = ceil(columns/64), z = 64 frequencies from first_group on.
// Preconditions: cin even, coutP a multiple of 4 (weights read past coutP give products that are not stored).

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
  let steps = params.cin / 2u;
  for (var step = 0u; step < steps; step++) {
    let x0 = inputs[input_at];
    let y0 = inputs[input_at + reach];
    let x1 = inputs[input_at + params.pitch];
    let y1 = inputs[input_at + params.pitch + reach];
    let w0 = weights_at(weight_at);
    let w1 = weights_at(weight_at + params.cout4);
    m0 = fma(x1, vec4f(w1.a.x), fma(x0, vec4f(w0.a.x), m0)); n0 = fma(y1, vec4f(w1.a.x), fma(y0, vec4f(w0.a.x), n0));
    m1 = fma(x1, vec4f(w1.a.y), fma(x0, vec4f(w0.a.y), m1)); n1 = fma(y1, vec4f(w1.a.y), fma(y0, vec4f(w0.a.y), n1));
    m2 = fma(x1, vec4f(w1.a.z), fma(x0, vec4f(w0.a.z), m2)); n2 = fma(y1, vec4f(w1.a.z), fma(y0, vec4f(w0.a.z), n2));
    m3 = fma(x1, vec4f(w1.a.w), fma(x0, vec4f(w0.a.w), m3)); n3 = fma(y1, vec4f(w1.a.w), fma(y0, vec4f(w0.a.w), n3));
    m4 = fma(x1, vec4f(w1.b.x), fma(x0, vec4f(w0.b.x), m4)); n4 = fma(y1, vec4f(w1.b.x), fma(y0, vec4f(w0.b.x), n4));
    m5 = fma(x1, vec4f(w1.b.y), fma(x0, vec4f(w0.b.y), m5)); n5 = fma(y1, vec4f(w1.b.y), fma(y0, vec4f(w0.b.y), n5));
    m6 = fma(x1, vec4f(w1.b.z), fma(x0, vec4f(w0.b.z), m6)); n6 = fma(y1, vec4f(w1.b.z), fma(y0, vec4f(w0.b.z), n6));
    m7 = fma(x1, vec4f(w1.b.w), fma(x0, vec4f(w0.b.w), m7)); n7 = fma(y1, vec4f(w1.b.w), fma(y0, vec4f(w0.b.w), n7));
    m8 = fma(x1, vec4f(w1.c.x), fma(x0, vec4f(w0.c.x), m8)); n8 = fma(y1, vec4f(w1.c.x), fma(y0, vec4f(w0.c.x), n8));
    m9 = fma(x1, vec4f(w1.c.y), fma(x0, vec4f(w0.c.y), m9)); n9 = fma(y1, vec4f(w1.c.y), fma(y0, vec4f(w0.c.y), n9));
    ma = fma(x1, vec4f(w1.c.z), fma(x0, vec4f(w0.c.z), ma)); na = fma(y1, vec4f(w1.c.z), fma(y0, vec4f(w0.c.z), na));
    mb = fma(x1, vec4f(w1.c.w), fma(x0, vec4f(w0.c.w), mb)); nb = fma(y1, vec4f(w1.c.w), fma(y0, vec4f(w0.c.w), nb));
    mc = fma(x1, vec4f(w1.d.x), fma(x0, vec4f(w0.d.x), mc)); nc = fma(y1, vec4f(w1.d.x), fma(y0, vec4f(w0.d.x), nc));
    md = fma(x1, vec4f(w1.d.y), fma(x0, vec4f(w0.d.y), md)); nd = fma(y1, vec4f(w1.d.y), fma(y0, vec4f(w0.d.y), nd));
    me = fma(x1, vec4f(w1.d.z), fma(x0, vec4f(w0.d.z), me)); ne = fma(y1, vec4f(w1.d.z), fma(y0, vec4f(w0.d.z), ne));
    mf = fma(x1, vec4f(w1.d.w), fma(x0, vec4f(w0.d.w), mf)); nf = fma(y1, vec4f(w1.d.w), fma(y0, vec4f(w0.d.w), nf));
    input_at += 2u * params.pitch;
    weight_at += 2u * params.cout4;
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
