enable subgroups;

// Winograd, product of any F(m x m, 5x5): M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   inputs V[f][cin][p], p = tile*chunk + image, and products M[f][coutP][p], rows of `pitch` vec4s
//   weights U[f][cin][coutP]
// One invocation: 32 output channels x 2 vec4s of p, `reach` vec4s apart (64 vec4 accumulators), 2 input channels a step. A workgroup is
// small, so that a small batch leaves few lanes without columns.
// Variant with subgroups: a software adapter pays for every loaded component, so of the 32 weights of an input channel each lane of a
// quad loads two vec4s, its own of the four in each half, and gets the others by swaps. What a swap brings depends on the lane: lane
// q gets vec4 q ^ 1, q ^ 2, q ^ 3. So every lane sums the same channels in an order of its own, which matters only in the end, when
// sums find their rows. (Broadcasts would give all lanes one order, for 12 instructions a component on SwiftShader instead of 2.)
// Lanes beyond the columns stay, as they may hold weights. Needs the feature `subgroups`, a subgroup size of at least 4, and lanes
// 0-3 and 4-7 of a workgroup to be quads.
// Dispatch: x = ceil(coutP/32), y = ceil(columns/16), z = frequencies from first_group on, two at a time if there are 8 columns or fewer.
// Preconditions: cin even, coutP a multiple of 4 (weights read past coutP give products that are not stored).

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and M
  cin: u32,
  cout4: u32, // coutP / 4
  frequencies: u32, // 64 for F(4x4), 121 for F(7x7), 144 for F(8x8)
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> products: array<vec4f>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  let quad_lane = subgroup_lane & 3u;
  // Two columns per lane, `reach` apart. Few columns need only one of the two quads, which then have a frequency each.
  let reach = select(8u, 4u, params.columns <= 8u);
  let f = (group.z + params.first_group) * (8u / reach) + select(0u, 1u, lane >= reach);
  // A surplus frequency, where their number is odd, stores nothing.
  let columns = select(0u, params.columns, f < params.frequencies);
  let column = group.y * 2u * reach + (lane & (reach - 1u));
  let row = group.x * 32u;
  let pitch = params.pitch;
  let cout4 = params.cout4;
  var input_at = f * params.cin * pitch + column;
  var weight_at = f * params.cin * cout4 + row / 4u + quad_lane;
  // Sums of the 32 output channels: m of the first column, n of the second.
  var m00 = vec4f(0.0); var n00 = vec4f(0.0); var m01 = vec4f(0.0); var n01 = vec4f(0.0);
  var m02 = vec4f(0.0); var n02 = vec4f(0.0); var m03 = vec4f(0.0); var n03 = vec4f(0.0);
  var m04 = vec4f(0.0); var n04 = vec4f(0.0); var m05 = vec4f(0.0); var n05 = vec4f(0.0);
  var m06 = vec4f(0.0); var n06 = vec4f(0.0); var m07 = vec4f(0.0); var n07 = vec4f(0.0);
  var m08 = vec4f(0.0); var n08 = vec4f(0.0); var m09 = vec4f(0.0); var n09 = vec4f(0.0);
  var m10 = vec4f(0.0); var n10 = vec4f(0.0); var m11 = vec4f(0.0); var n11 = vec4f(0.0);
  var m12 = vec4f(0.0); var n12 = vec4f(0.0); var m13 = vec4f(0.0); var n13 = vec4f(0.0);
  var m14 = vec4f(0.0); var n14 = vec4f(0.0); var m15 = vec4f(0.0); var n15 = vec4f(0.0);
  var m16 = vec4f(0.0); var n16 = vec4f(0.0); var m17 = vec4f(0.0); var n17 = vec4f(0.0);
  var m18 = vec4f(0.0); var n18 = vec4f(0.0); var m19 = vec4f(0.0); var n19 = vec4f(0.0);
  var m20 = vec4f(0.0); var n20 = vec4f(0.0); var m21 = vec4f(0.0); var n21 = vec4f(0.0);
  var m22 = vec4f(0.0); var n22 = vec4f(0.0); var m23 = vec4f(0.0); var n23 = vec4f(0.0);
  var m24 = vec4f(0.0); var n24 = vec4f(0.0); var m25 = vec4f(0.0); var n25 = vec4f(0.0);
  var m26 = vec4f(0.0); var n26 = vec4f(0.0); var m27 = vec4f(0.0); var n27 = vec4f(0.0);
  var m28 = vec4f(0.0); var n28 = vec4f(0.0); var m29 = vec4f(0.0); var n29 = vec4f(0.0);
  var m30 = vec4f(0.0); var n30 = vec4f(0.0); var m31 = vec4f(0.0); var n31 = vec4f(0.0);
  let steps = params.cin / 2u;
  for (var step = 0u; step < steps; step++) {
    // One input channel after the other: both columns of both first takes lavapipe 10 to 20% longer.
    let x0 = inputs[input_at];
    let y0 = inputs[input_at + reach];
    let u0 = weights[weight_at];
    let u4 = weights[weight_at + 4u];
    let x1 = inputs[input_at + pitch];
    let y1 = inputs[input_at + pitch + reach];
    let w0 = weights[weight_at + cout4];
    let w4 = weights[weight_at + cout4 + 4u];
    m00 = fma(x1, vec4f(w0.x), fma(x0, vec4f(u0.x), m00)); n00 = fma(y1, vec4f(w0.x), fma(y0, vec4f(u0.x), n00));
    m01 = fma(x1, vec4f(w0.y), fma(x0, vec4f(u0.y), m01)); n01 = fma(y1, vec4f(w0.y), fma(y0, vec4f(u0.y), n01));
    m02 = fma(x1, vec4f(w0.z), fma(x0, vec4f(u0.z), m02)); n02 = fma(y1, vec4f(w0.z), fma(y0, vec4f(u0.z), n02));
    m03 = fma(x1, vec4f(w0.w), fma(x0, vec4f(u0.w), m03)); n03 = fma(y1, vec4f(w0.w), fma(y0, vec4f(u0.w), n03));
    let u1 = quadSwapX(u0); let w1 = quadSwapX(w0);
    m04 = fma(x1, vec4f(w1.x), fma(x0, vec4f(u1.x), m04)); n04 = fma(y1, vec4f(w1.x), fma(y0, vec4f(u1.x), n04));
    m05 = fma(x1, vec4f(w1.y), fma(x0, vec4f(u1.y), m05)); n05 = fma(y1, vec4f(w1.y), fma(y0, vec4f(u1.y), n05));
    m06 = fma(x1, vec4f(w1.z), fma(x0, vec4f(u1.z), m06)); n06 = fma(y1, vec4f(w1.z), fma(y0, vec4f(u1.z), n06));
    m07 = fma(x1, vec4f(w1.w), fma(x0, vec4f(u1.w), m07)); n07 = fma(y1, vec4f(w1.w), fma(y0, vec4f(u1.w), n07));
    let u2 = quadSwapY(u0); let w2 = quadSwapY(w0);
    m08 = fma(x1, vec4f(w2.x), fma(x0, vec4f(u2.x), m08)); n08 = fma(y1, vec4f(w2.x), fma(y0, vec4f(u2.x), n08));
    m09 = fma(x1, vec4f(w2.y), fma(x0, vec4f(u2.y), m09)); n09 = fma(y1, vec4f(w2.y), fma(y0, vec4f(u2.y), n09));
    m10 = fma(x1, vec4f(w2.z), fma(x0, vec4f(u2.z), m10)); n10 = fma(y1, vec4f(w2.z), fma(y0, vec4f(u2.z), n10));
    m11 = fma(x1, vec4f(w2.w), fma(x0, vec4f(u2.w), m11)); n11 = fma(y1, vec4f(w2.w), fma(y0, vec4f(u2.w), n11));
    let u3 = quadSwapDiagonal(u0); let w3 = quadSwapDiagonal(w0);
    m12 = fma(x1, vec4f(w3.x), fma(x0, vec4f(u3.x), m12)); n12 = fma(y1, vec4f(w3.x), fma(y0, vec4f(u3.x), n12));
    m13 = fma(x1, vec4f(w3.y), fma(x0, vec4f(u3.y), m13)); n13 = fma(y1, vec4f(w3.y), fma(y0, vec4f(u3.y), n13));
    m14 = fma(x1, vec4f(w3.z), fma(x0, vec4f(u3.z), m14)); n14 = fma(y1, vec4f(w3.z), fma(y0, vec4f(u3.z), n14));
    m15 = fma(x1, vec4f(w3.w), fma(x0, vec4f(u3.w), m15)); n15 = fma(y1, vec4f(w3.w), fma(y0, vec4f(u3.w), n15));
    m16 = fma(x1, vec4f(w4.x), fma(x0, vec4f(u4.x), m16)); n16 = fma(y1, vec4f(w4.x), fma(y0, vec4f(u4.x), n16));
    m17 = fma(x1, vec4f(w4.y), fma(x0, vec4f(u4.y), m17)); n17 = fma(y1, vec4f(w4.y), fma(y0, vec4f(u4.y), n17));
    m18 = fma(x1, vec4f(w4.z), fma(x0, vec4f(u4.z), m18)); n18 = fma(y1, vec4f(w4.z), fma(y0, vec4f(u4.z), n18));
    m19 = fma(x1, vec4f(w4.w), fma(x0, vec4f(u4.w), m19)); n19 = fma(y1, vec4f(w4.w), fma(y0, vec4f(u4.w), n19));
    let u5 = quadSwapX(u4); let w5 = quadSwapX(w4);
    m20 = fma(x1, vec4f(w5.x), fma(x0, vec4f(u5.x), m20)); n20 = fma(y1, vec4f(w5.x), fma(y0, vec4f(u5.x), n20));
    m21 = fma(x1, vec4f(w5.y), fma(x0, vec4f(u5.y), m21)); n21 = fma(y1, vec4f(w5.y), fma(y0, vec4f(u5.y), n21));
    m22 = fma(x1, vec4f(w5.z), fma(x0, vec4f(u5.z), m22)); n22 = fma(y1, vec4f(w5.z), fma(y0, vec4f(u5.z), n22));
    m23 = fma(x1, vec4f(w5.w), fma(x0, vec4f(u5.w), m23)); n23 = fma(y1, vec4f(w5.w), fma(y0, vec4f(u5.w), n23));
    let u6 = quadSwapY(u4); let w6 = quadSwapY(w4);
    m24 = fma(x1, vec4f(w6.x), fma(x0, vec4f(u6.x), m24)); n24 = fma(y1, vec4f(w6.x), fma(y0, vec4f(u6.x), n24));
    m25 = fma(x1, vec4f(w6.y), fma(x0, vec4f(u6.y), m25)); n25 = fma(y1, vec4f(w6.y), fma(y0, vec4f(u6.y), n25));
    m26 = fma(x1, vec4f(w6.z), fma(x0, vec4f(u6.z), m26)); n26 = fma(y1, vec4f(w6.z), fma(y0, vec4f(u6.z), n26));
    m27 = fma(x1, vec4f(w6.w), fma(x0, vec4f(u6.w), m27)); n27 = fma(y1, vec4f(w6.w), fma(y0, vec4f(u6.w), n27));
    let u7 = quadSwapDiagonal(u4); let w7 = quadSwapDiagonal(w4);
    m28 = fma(x1, vec4f(w7.x), fma(x0, vec4f(u7.x), m28)); n28 = fma(y1, vec4f(w7.x), fma(y0, vec4f(u7.x), n28));
    m29 = fma(x1, vec4f(w7.y), fma(x0, vec4f(u7.y), m29)); n29 = fma(y1, vec4f(w7.y), fma(y0, vec4f(u7.y), n29));
    m30 = fma(x1, vec4f(w7.z), fma(x0, vec4f(u7.z), m30)); n30 = fma(y1, vec4f(w7.z), fma(y0, vec4f(u7.z), n30));
    m31 = fma(x1, vec4f(w7.w), fma(x0, vec4f(u7.w), m31)); n31 = fma(y1, vec4f(w7.w), fma(y0, vec4f(u7.w), n31));
    input_at += 2u * pitch;
    weight_at += 2u * cout4;
  }
  var sums = array<vec4f, 64>(
    m00, n00, m01, n01, m02, n02, m03, n03, m04, n04, m05, n05, m06, n06, m07, n07,
    m08, n08, m09, n09, m10, n10, m11, n11, m12, n12, m13, n13, m14, n14, m15, n15,
    m16, n16, m17, n17, m18, n18, m19, n19, m20, n20, m21, n21, m22, n22, m23, n23,
    m24, n24, m25, n25, m26, n26, m27, n27, m28, n28, m29, n29, m30, n30, m31, n31);
  // A loop with ends that are not known when the shader is compiled stays a loop: written out, these stores take lavapipe longer to
  // compile than all the rest. Rows are visited by whole groups of 16, as lanes find theirs in different orders.
  let rows = 4u * cout4;
  for (var i = 0u; i < min(row + 32u, (rows + 15u) / 16u * 16u) - row; i++) {
    let o = row + (i ^ (4u * quad_lane));
    let at = (f * rows + o) * pitch + column;
    if (o < rows && column < columns) { products[at] = sums[2u * i]; }
    if (o < rows && column + reach < columns) { products[at + reach] = sums[2u * i + 1u]; }
  }
}
