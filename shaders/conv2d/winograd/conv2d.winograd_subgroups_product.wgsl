enable subgroups;

// Winograd, product of any form: M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   inputs V[f][cin][p], p = tile*chunk + image, and products M[f][coutP][p], rows of `pitch` vec4s
//   weights U[f][cin][coutP]
// One invocation: 32 output channels x 2 vec4s of p, `reach` vec4s apart (64 vec4 accumulators), 2 input channels a step. A workgroup is
// small, so that a small batch leaves few lanes without columns.
// Variant with subgroups: on a software adapter every loaded component costs time, so of the 32 weights of an input channel each lane of a
// quad loads two vec4s, one of the four in each half, and gets the others by quad swaps. Which vec4 a swap returns depends on the lane:
// lane q gets vec4 q ^ 1, q ^ 2, q ^ 3. So every lane holds the sums of the same channels in a different order, which matters only at the
// end, where it stores them. (Broadcasts would give all lanes one order, at 12 instructions a component on SwiftShader instead of 2.)
// Lanes beyond the columns do not return early, since they may hold weights. Needs the feature `subgroups`, a subgroup size of at least 4,
// and lanes 0-3 and 4-7 of a workgroup to be quads.
// Dispatch: x = ceil(coutP/32), y = ceil(columns/16), z = frequencies from first_group on, two at a time if there are 8 columns or fewer.
// Preconditions: cin even, coutP a multiple of 4 (weights read past coutP give products that are not stored).

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and M
  cin: u32,
  cout4: u32, // coutP / 4
  frequencies: u32, // SIDE squared of the form
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
  // Two columns per lane, `reach` apart. If the columns need only one of the two quads, each quad has its own frequency.
  let reach = select(8u, 4u, params.columns <= 8u);
  let f = (group.z + params.first_group) * (8u / reach) + select(0u, 1u, lane >= reach);
  // If the number of frequencies is odd, the surplus one stores nothing.
  let columns = select(0u, params.columns, f < params.frequencies);
  let column = group.y * 2u * reach + (lane & (reach - 1u));
  let row = group.x * 32u;
  let pitch = params.pitch;
  let cout4 = params.cout4;
  var input_at = f * params.cin * pitch + column;
  var weight_at = f * params.cin * cout4 + row / 4u + quad_lane;
  // Sums of the 32 output channels: m of the first column, n of the second.
  #each q 8
  #each k 4
  var m$q$k = vec4f(0.0); var n$q$k = vec4f(0.0);
  #end
  #end
  for (var twos = params.cin / 2u; twos > 0u; twos--) {
    // One input channel after the other: loading both columns of both channels first takes lavapipe 10 to 20% longer.
    let x0 = inputs[input_at];
    let y0 = inputs[input_at + reach];
    let u0 = weights[weight_at];
    let u4 = weights[weight_at + 4u];
    let x1 = inputs[input_at + pitch];
    let y1 = inputs[input_at + pitch + reach];
    let w0 = weights[weight_at + cout4];
    let w4 = weights[weight_at + cout4 + 4u];
    #each k 4
    m0$k = fma(x1, vec4f(w0[$k]), fma(x0, vec4f(u0[$k]), m0$k)); n0$k = fma(y1, vec4f(w0[$k]), fma(y0, vec4f(u0[$k]), n0$k));
    #end
    let u1 = quadSwapX(u0); let w1 = quadSwapX(w0);
    #each k 4
    m1$k = fma(x1, vec4f(w1[$k]), fma(x0, vec4f(u1[$k]), m1$k)); n1$k = fma(y1, vec4f(w1[$k]), fma(y0, vec4f(u1[$k]), n1$k));
    #end
    let u2 = quadSwapY(u0); let w2 = quadSwapY(w0);
    #each k 4
    m2$k = fma(x1, vec4f(w2[$k]), fma(x0, vec4f(u2[$k]), m2$k)); n2$k = fma(y1, vec4f(w2[$k]), fma(y0, vec4f(u2[$k]), n2$k));
    #end
    let u3 = quadSwapDiagonal(u0); let w3 = quadSwapDiagonal(w0);
    #each k 4
    m3$k = fma(x1, vec4f(w3[$k]), fma(x0, vec4f(u3[$k]), m3$k)); n3$k = fma(y1, vec4f(w3[$k]), fma(y0, vec4f(u3[$k]), n3$k));
    #end
    #each k 4
    m4$k = fma(x1, vec4f(w4[$k]), fma(x0, vec4f(u4[$k]), m4$k)); n4$k = fma(y1, vec4f(w4[$k]), fma(y0, vec4f(u4[$k]), n4$k));
    #end
    let u5 = quadSwapX(u4); let w5 = quadSwapX(w4);
    #each k 4
    m5$k = fma(x1, vec4f(w5[$k]), fma(x0, vec4f(u5[$k]), m5$k)); n5$k = fma(y1, vec4f(w5[$k]), fma(y0, vec4f(u5[$k]), n5$k));
    #end
    let u6 = quadSwapY(u4); let w6 = quadSwapY(w4);
    #each k 4
    m6$k = fma(x1, vec4f(w6[$k]), fma(x0, vec4f(u6[$k]), m6$k)); n6$k = fma(y1, vec4f(w6[$k]), fma(y0, vec4f(u6[$k]), n6$k));
    #end
    let u7 = quadSwapDiagonal(u4); let w7 = quadSwapDiagonal(w4);
    #each k 4
    m7$k = fma(x1, vec4f(w7[$k]), fma(x0, vec4f(u7[$k]), m7$k)); n7$k = fma(y1, vec4f(w7[$k]), fma(y0, vec4f(u7[$k]), n7$k));
    #end
    input_at += 2u * pitch;
    weight_at += 2u * cout4;
  }
  var sums = array<vec4f, 64>(
    #each q 8
    #each k 4
    m$q$k, n$q$k,
    #end
    #end
  );
  // With bounds that are not compile-time constants the loop stays a loop: unrolled, these stores take lavapipe longer to compile than
  // everything else. It covers rows in whole groups of 16, since each lane visits them in a different order.
  let rows = 4u * cout4;
  for (var left = min(32u, (rows + 15u) / 16u * 16u - row); left > 0u; left--) {
    let i = left - 1u;
    let o = row + (i ^ (4u * quad_lane));
    let at = (f * rows + o) * pitch + column;
    if (o < rows && column < columns) { products[at] = sums[2u * i]; }
    if (o < rows && column + reach < columns) { products[at + reach] = sums[2u * i + 1u]; }
  }
}
