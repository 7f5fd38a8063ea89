enable subgroups;

// Winograd, weight gradient product of any form: dU[f][c][o] = sum over p (tiles and images) of V[f][c][p] * D[f][o][p].
//   inputs V[f][cin][p] (conv2d.winograd_input.wgsl), grads D[f][cout][p] (conv2d_grad_kernel.winograd_gradient.wgsl), p = tile*chunk +
//   image, rows of `pitch` vec4s
//   output dU[f][cin][cout] as vec4s, then [cout] bias gradients; added to the contents of output if params.accumulate is 1 (later chunks)
// The bias gradient, the sum of dY, is the sum over p of D at the frequency of the points (1, 1), where A adds up the whole tile.
// One invocation: 16 input channels x 8 output channels of one frequency, all of p in steps of one vec4.
// Variant with subgroups: the lanes of a quad share their input channels; each loads 4 of the 16 and gets the others by quad swaps, since
// on a software adapter every loaded component costs time. Lane q of a quad gets channel q ^ 1, q ^ 2, q ^ 3 of a group of four, so each
// lane holds its sums in a different order, which matters only where it stores them. Needs the feature `subgroups`.
// A workgroup: 4 x 8 output channels, 2 x 16 input channels, 4 frequencies. Dispatch: x = ceil(cout/32), y = ceil(cin/32), z = groups of 4
// frequencies from first_group on.
// Preconditions: cout a multiple of 8; V and D finite in padded images (and D zero there). Any cin.
#import conv2d/winograd/weight_product.wgsl

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and D
  cin: u32,
  cout: u32,
  accumulate: u32,
  frequencies: u32, // SIDE squared of the form
  sum_frequency: u32, // the frequency of the points (1, 1)
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// Adds the products of a vec4 of p with four output channels, whose vec4s of p are the rows of d. (Processors contract no product and sum, so
// dot and + take them twice the instructions.)
fn add(sums: vec4f, v: vec4f, d: mat4x4f) -> vec4f {
  return fma(vec4f(v.w), d[3], fma(vec4f(v.z), d[2], fma(vec4f(v.y), d[1], fma(vec4f(v.x), d[0], sums))));
}

// In one dimension, because only then the lanes of a quad are certain to be adjacent.
@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  let o = (4u * group.x + (local.x & 3u)) * 8u;
  let c = (2u * group.y + ((local.x >> 2u) & 1u)) * 16u;
  let wanted = 4u * (group.z + params.first_group) + (local.x >> 3u);
  let f = min(wanted, params.frequencies - 1u);
  let pitch = params.pitch;
  var input_at = (f * params.cin + c + (subgroup_lane & 3u)) * pitch;
  var grad_at = (f * params.cout + o) * pitch;
  #each c 16
  var m$c = vec4f(0.0); var n$c = vec4f(0.0);
  #end
  for (var columns = params.columns; columns > 0u; columns--) {
    #each o 8
    let d$o = grads[grad_at + $o * pitch];
    #end
    let d = transpose(mat4x4f(d0, d1, d2, d3));
    let e = transpose(mat4x4f(d4, d5, d6, d7));
    #each q 4
    let w$q = inputs[input_at + 4 * $q * pitch];
    #end
    let v0 = w0;
    m0 = add(m0, v0, d); n0 = add(n0, v0, e);
    let v1 = quadSwapX(w0);
    m1 = add(m1, v1, d); n1 = add(n1, v1, e);
    let v2 = quadSwapY(w0);
    m2 = add(m2, v2, d); n2 = add(n2, v2, e);
    let v3 = quadSwapDiagonal(w0);
    m3 = add(m3, v3, d); n3 = add(n3, v3, e);
    let v4 = w1;
    m4 = add(m4, v4, d); n4 = add(n4, v4, e);
    let v5 = quadSwapX(w1);
    m5 = add(m5, v5, d); n5 = add(n5, v5, e);
    let v6 = quadSwapY(w1);
    m6 = add(m6, v6, d); n6 = add(n6, v6, e);
    let v7 = quadSwapDiagonal(w1);
    m7 = add(m7, v7, d); n7 = add(n7, v7, e);
    let v8 = w2;
    m8 = add(m8, v8, d); n8 = add(n8, v8, e);
    let v9 = quadSwapX(w2);
    m9 = add(m9, v9, d); n9 = add(n9, v9, e);
    let v10 = quadSwapY(w2);
    m10 = add(m10, v10, d); n10 = add(n10, v10, e);
    let v11 = quadSwapDiagonal(w2);
    m11 = add(m11, v11, d); n11 = add(n11, v11, e);
    let v12 = w3;
    m12 = add(m12, v12, d); n12 = add(n12, v12, e);
    let v13 = quadSwapX(w3);
    m13 = add(m13, v13, d); n13 = add(n13, v13, e);
    let v14 = quadSwapY(w3);
    m14 = add(m14, v14, d); n14 = add(n14, v14, e);
    let v15 = quadSwapDiagonal(w3);
    m15 = add(m15, v15, d); n15 = add(n15, v15, e);
    input_at++;
    grad_at++;
  }
  var rows = array<vec4f, 32>(
    #each c 16
    m$c, n$c,
    #end
  );
  if (wanted != f) { return; } // surplus, where the last group of frequencies is not full
  // With bounds that are not compile-time constants the loop stays a loop: unrolled, these stores take lavapipe longer to compile than
  // everything else. It covers channels in whole groups of four.
  for (var left = min(16u, max((params.cin + 3u) & ~3u, c) - c); left > 0u; left--) {
    let k = (c + left - 1u) ^ (subgroup_lane & 3u);
    if (k < params.cin) { store_row(f, k, o, rows[2u * left - 2u], rows[2u * left - 1u]); }
  }
  if (f == params.sum_frequency && c == 0u && o < params.cout) { store_bias(f, o); }
}
