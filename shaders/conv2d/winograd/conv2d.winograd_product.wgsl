// Winograd, product of any form: M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
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

alias Sixteen = array<vec4f, 4>;

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
  #each q 4
  #each k 4
  var m$q$k = vec4f(0.0); var n$q$k = vec4f(0.0);
  #end
  #end
  for (var channels = params.cin; channels > 0u; channels--) {
    let x = inputs[input_at];
    let y = inputs[input_at + reach];
    let w = weights_at(weight_at);
    #each q 4
    #each k 4
    m$q$k = fma(x, vec4f(w[$q][$k]), m$q$k); n$q$k = fma(y, vec4f(w[$q][$k]), n$q$k);
    #end
    #end
    input_at += params.pitch;
    weight_at += params.cout4;
  }
  var rows = array<vec4f, 32>(
    #each q 4
    #each k 4
    m$q$k, n$q$k,
    #end
    #end
  );
  // With bounds that are not compile-time constants the loop stays: unrolled, these stores take lavapipe longer to compile than all the
  // rest.
  for (var left = min(16u, 4u * params.cout4 - row); left > 0u; left--) {
    store(f, row + left - 1u, column, reach, rows[2u * left - 2u], rows[2u * left - 1u]);
  }
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  // Two columns per lane, `reach` apart; a small batch needs fewer lanes.
  let reach = min(32u, (params.columns + 1u) / 2u);
  let column = group.y * 64u + lane;
  if (lane < reach && column < params.columns) { multiply(group.z + params.first_group, column, reach, group.x * 16u); }
}
