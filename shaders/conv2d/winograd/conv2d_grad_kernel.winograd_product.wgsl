// Winograd, weight gradient product of any F(m x m, 5x5): dU[f][c][o] = sum over p (tiles and images) of V[f][c][p] * D[f][o][p].
//   inputs V[f][cin][p] (conv2d.winograd_input.wgsl), grads D[f][cout][p] (conv2d_grad_kernel.winograd_gradient.wgsl), p = tile*chunk + image, rows of `pitch` vec4s
//   output dU[f][cin][cout] as vec4s, then [cout] bias gradients; added to what is there if params.accumulate is 1 (next chunks)
// The bias gradient, the sum of dY, is the sum over p of D at the frequency of the points (1, 1), where A adds up the whole tile.
// One invocation: 8 input channels x 8 output channels of one frequency, all of p in steps of one vec4.
// Dispatch: x = ceil(cout/32), y = ceil(cin/32), z = groups of 2 frequencies from first_group on.
// Preconditions: cout a multiple of 8; V and D finite in padded images (and D zero there). Any cin.

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and D
  cin: u32,
  cout: u32,
  accumulate: u32,
  frequencies: u32, // 64 for F(4x4), 121 for F(7x7), 144 for F(8x8)
  sum_frequency: u32, // that of the points (1, 1)
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// One input channel against four output channels.
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
  let ones = vec4f(1.0);
  let first = (f * params.cout + o) * params.pitch;
  var m = vec4f(0.0); var n = vec4f(0.0);
  for (var i = 0u; i < params.columns; i++) {
    let at = first + i;
    m += dots(ones, grads[at], grads[at + params.pitch], grads[at + 2u * params.pitch], grads[at + 3u * params.pitch]);
    n += dots(ones, grads[at + 4u * params.pitch], grads[at + 5u * params.pitch], grads[at + 6u * params.pitch],
      grads[at + 7u * params.pitch]);
  }
  store((params.frequencies * params.cin * params.cout + o) / 4u, m, n);
}

@compute @workgroup_size(4, 4, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.x * 8u;
  let c = id.y * 8u;
  let wanted = id.z + 2u * params.first_group;
  let f = min(wanted, params.frequencies - 1u);
  let pitch = params.pitch;
  let input_first = (f * params.cin + c) * pitch;
  let grad_first = (f * params.cout + o) * pitch;
  var m0 = vec4f(0.0); var n0 = vec4f(0.0);
  var m1 = vec4f(0.0); var n1 = vec4f(0.0);
  var m2 = vec4f(0.0); var n2 = vec4f(0.0);
  var m3 = vec4f(0.0); var n3 = vec4f(0.0);
  var m4 = vec4f(0.0); var n4 = vec4f(0.0);
  var m5 = vec4f(0.0); var n5 = vec4f(0.0);
  var m6 = vec4f(0.0); var n6 = vec4f(0.0);
  var m7 = vec4f(0.0); var n7 = vec4f(0.0);
  for (var i = 0u; i < params.columns; i++) {
    let input_at = input_first + i;
    let grad_at = grad_first + i;
    let d0 = grads[grad_at];
    let d1 = grads[grad_at + pitch];
    let d2 = grads[grad_at + 2u * pitch];
    let d3 = grads[grad_at + 3u * pitch];
    let d4 = grads[grad_at + 4u * pitch];
    let d5 = grads[grad_at + 5u * pitch];
    let d6 = grads[grad_at + 6u * pitch];
    let d7 = grads[grad_at + 7u * pitch];
    let v0 = inputs[input_at];
    m0 += dots(v0, d0, d1, d2, d3); n0 += dots(v0, d4, d5, d6, d7);
    let v1 = inputs[input_at + pitch];
    m1 += dots(v1, d0, d1, d2, d3); n1 += dots(v1, d4, d5, d6, d7);
    let v2 = inputs[input_at + 2u * pitch];
    m2 += dots(v2, d0, d1, d2, d3); n2 += dots(v2, d4, d5, d6, d7);
    let v3 = inputs[input_at + 3u * pitch];
    m3 += dots(v3, d0, d1, d2, d3); n3 += dots(v3, d4, d5, d6, d7);
    let v4 = inputs[input_at + 4u * pitch];
    m4 += dots(v4, d0, d1, d2, d3); n4 += dots(v4, d4, d5, d6, d7);
    let v5 = inputs[input_at + 5u * pitch];
    m5 += dots(v5, d0, d1, d2, d3); n5 += dots(v5, d4, d5, d6, d7);
    let v6 = inputs[input_at + 6u * pitch];
    m6 += dots(v6, d0, d1, d2, d3); n6 += dots(v6, d4, d5, d6, d7);
    let v7 = inputs[input_at + 7u * pitch];
    m7 += dots(v7, d0, d1, d2, d3); n7 += dots(v7, d4, d5, d6, d7);
  }
  var rows = array<vec4f, 16>(m0, n0, m1, n1, m2, n2, m3, n3, m4, n4, m5, n5, m6, n6, m7, n7);
  if (wanted != f) { return; } // surplus, where a group of frequencies is not full
  // A loop with ends that are not known when the shader is compiled stays a loop: written out, these stores take lavapipe longer to
  // compile than all the rest.
  for (var k = c; k < min(c + 8u, params.cin); k++) { store_row(f, k, o, rows[2u * (k - c)], rows[2u * (k - c) + 1u]); }
  if (f == params.sum_frequency && c == 0u && o < params.cout) { store_bias(f, o); }
}
