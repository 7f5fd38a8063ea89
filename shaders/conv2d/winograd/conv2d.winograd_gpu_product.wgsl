// Winograd, product of any form, for GPUs: M[f][o][p] = sum over c of U[f][c][o] * V[f][c][p], one small matrix product per frequency.
//   inputs V[f][cin][p], p = tile*chunk + image, and products M[f][coutP][p], rows of `pitch` Columns
//   weights U[f][cin][coutP]
// One invocation: 16 output channels x 1 Column, a vec2 of p: for each input channel 32 products of its own vec2 and of 16 weights, which are
// uniform across its workgroup and which GPUs load as such. It loads four channels at once, so that a GPU waits once for the four. It holds
// a quarter of the sums of conv2d.winograd_product.wgsl, which fits the registers of all GPUs, and there are four times as many
// invocations.
// Dispatch: x = ceil(coutP/16), y = ceil(columns/64), z = frequencies from first_group on.
// Preconditions: cin even, coutP a multiple of 4 (weights read past coutP give products that are not stored).

struct Params {
  columns: u32, // Columns in use
  pitch: u32, // Columns in a row of V and M
  cin: u32,
  cout4: u32, // coutP / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<Column>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> products: array<Column>;

alias Column = vec2f;

// Input channels of an iteration.
const MANY = 4u;

// The sums of four output channels. (Not an array: not every compiler keeps one in registers.)
struct Four { a: Column, b: Column, c: Column, d: Column }

// Adds an input channel's products with four weights.
fn add(sums: Four, x: Column, w: vec4f) -> Four {
  return Four(fma(x, Column(w.x), sums.a), fma(x, Column(w.y), sums.b), fma(x, Column(w.z), sums.c), fma(x, Column(w.w), sums.d));
}

// The 16 weights of an input channel from vec4 `at` of U on.
fn weights_at(at: u32) -> array<vec4f, 4> {
  return array<vec4f, 4>(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
}

// Stores the sums of four output channels, from `row` on.
fn store(f: u32, row: u32, column: u32, sums: Four) {
  if (row >= 4u * params.cout4) { return; }
  let at = (f * 4u * params.cout4 + row) * params.pitch + column;
  products[at] = sums.a;
  products[at + params.pitch] = sums.b;
  products[at + 2u * params.pitch] = sums.c;
  products[at + 3u * params.pitch] = sums.d;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let f = group.z + params.first_group;
  let row = group.x * 16u;
  let column = group.y * 64u + lane;
  if (column >= params.columns) { return; }
  var input_at = f * params.cin * params.pitch + column;
  var weight_at = f * params.cin * params.cout4 + row / 4u;
  #each q 4
  var m$q = Four();
  #end
  for (var left = params.cin / MANY; left > 0u; left--) {
    #each c MANY
    let x$c = inputs[input_at];
    let w$c = weights_at(weight_at);
    input_at += params.pitch;
    weight_at += params.cout4;
    #end
    #each c MANY
    #each q 4
    m$q = add(m$q, x$c, w$c[$q]);
    #end
    #end
  }
  if (params.cin % MANY != 0u) {
    #each c 2
    let x$c = inputs[input_at];
    let w$c = weights_at(weight_at);
    input_at += params.pitch;
    weight_at += params.cout4;
    #end
    #each c 2
    #each q 4
    m$q = add(m$q, x$c, w$c[$q]);
    #end
    #end
  }
  #each q 4
  store(f, row + 4 * $q, column, m$q);
  #end
}
