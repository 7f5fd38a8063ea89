// Winograd F(4x4, 5x5), product: M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   weights U[f][cin][coutP], array<vec4f>; inputs V[f][cin][p], products M[f][coutP][p], p = tile*chunk + image,
//   rows of `pitch` vec4s (pitch >= ceil(columns/4)); frequency f is the z group.
// One invocation: 16 output channels x 2 vec4s of p (32 vec4 accumulators), 2 input channels a step.
// All invocations of a group read the same weights.
// Dispatch: x = ceil(coutP/16), y = ceil(columns/64) with columns in vec4s, z = 64 frequencies from first_group on.
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

fn store(f: u32, row: u32, column: u32, first: vec4f, second: vec4f) {
  if (row >= 4u * params.cout4) { return; }
  let at = (f * 4u * params.cout4 + row) * params.pitch + column;
  products[at] = first;
  if (column + 32u < params.columns) { products[at + 32u] = second; }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let f = group.z + params.first_group;
  let column = group.y * 64u + lane;
  if (column >= params.columns) { return; }
  var input_at = f * params.cin * params.pitch + column;
  var weight_at = f * params.cin * params.cout4 + group.x * 4u;
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
    let y0 = inputs[input_at + 32u];
    let x1 = inputs[input_at + params.pitch];
    let y1 = inputs[input_at + params.pitch + 32u];
    let a0 = weights[weight_at + 0u];
    let b0 = weights[weight_at + params.cout4 + 0u];
    let a1 = weights[weight_at + 1u];
    let b1 = weights[weight_at + params.cout4 + 1u];
    let a2 = weights[weight_at + 2u];
    let b2 = weights[weight_at + params.cout4 + 2u];
    let a3 = weights[weight_at + 3u];
    let b3 = weights[weight_at + params.cout4 + 3u];
    m0 += x0 * a0.x + x1 * b0.x; n0 += y0 * a0.x + y1 * b0.x;
    m1 += x0 * a0.y + x1 * b0.y; n1 += y0 * a0.y + y1 * b0.y;
    m2 += x0 * a0.z + x1 * b0.z; n2 += y0 * a0.z + y1 * b0.z;
    m3 += x0 * a0.w + x1 * b0.w; n3 += y0 * a0.w + y1 * b0.w;
    m4 += x0 * a1.x + x1 * b1.x; n4 += y0 * a1.x + y1 * b1.x;
    m5 += x0 * a1.y + x1 * b1.y; n5 += y0 * a1.y + y1 * b1.y;
    m6 += x0 * a1.z + x1 * b1.z; n6 += y0 * a1.z + y1 * b1.z;
    m7 += x0 * a1.w + x1 * b1.w; n7 += y0 * a1.w + y1 * b1.w;
    m8 += x0 * a2.x + x1 * b2.x; n8 += y0 * a2.x + y1 * b2.x;
    m9 += x0 * a2.y + x1 * b2.y; n9 += y0 * a2.y + y1 * b2.y;
    ma += x0 * a2.z + x1 * b2.z; na += y0 * a2.z + y1 * b2.z;
    mb += x0 * a2.w + x1 * b2.w; nb += y0 * a2.w + y1 * b2.w;
    mc += x0 * a3.x + x1 * b3.x; nc += y0 * a3.x + y1 * b3.x;
    md += x0 * a3.y + x1 * b3.y; nd += y0 * a3.y + y1 * b3.y;
    me += x0 * a3.z + x1 * b3.z; ne += y0 * a3.z + y1 * b3.z;
    mf += x0 * a3.w + x1 * b3.w; nf += y0 * a3.w + y1 * b3.w;
    input_at += 2u * params.pitch;
    weight_at += 2u * params.cout4;
  }
  let row = group.x * 16u;
  store(f, row + 0u, column, m0, n0);
  store(f, row + 1u, column, m1, n1);
  store(f, row + 2u, column, m2, n2);
  store(f, row + 3u, column, m3, n3);
  store(f, row + 4u, column, m4, n4);
  store(f, row + 5u, column, m5, n5);
  store(f, row + 6u, column, m6, n6);
  store(f, row + 7u, column, m7, n7);
  store(f, row + 8u, column, m8, n8);
  store(f, row + 9u, column, m9, n9);
  store(f, row + 10u, column, ma, na);
  store(f, row + 11u, column, mb, nb);
  store(f, row + 12u, column, mc, nc);
  store(f, row + 13u, column, md, nd);
  store(f, row + 14u, column, me, ne);
  store(f, row + 15u, column, mf, nf);
}
