// Winograd, weight gradient product of any form, for GPUs: dU[f][c][o] = sum over p (tiles and images) of V[f][c][p] * D[f][o][p].
//   inputs V[f][cin][p] (conv2d.winograd_input.wgsl), grads D[f][cout][p] (conv2d_grad_kernel.winograd_gradient.wgsl), p = tile*chunk +
//   image, rows of `pitch` vec4s
//   output dU[f][cin][cout] as vec4s, then [cout] bias gradients: once per slice of p, slices from first_slice on
// The bias gradient, the sum of dY, is the sum over p of D at the frequency of the points (1, 1), where A adds up the whole tile.
// One workgroup: 32 input channels x 32 output channels of one frequency and one slice. It loads 8 vec4s of p of each channel into
// workgroup memory, where an element serves 32 products.
// One invocation: 4 input channels x 4 output channels: 8 vec4s from workgroup memory make 64 products.
// Dispatch: x = ceil(cout/32), y = ceil(cin/32), z = slices of frequencies from first_group on.
// Preconditions: cout a multiple of 8; V and D finite in padded images (and D zero there). Any cin.

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and D
  cin: u32,
  cout: u32,
  frequencies: u32, // SIDE squared of the form
  sum_frequency: u32, // the frequency of the points (1, 1)
  slices: u32, // of p
  slice_columns: u32, // vec4s of p in a slice
  first_slice: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

// [row][8 columns, and one of padding, so that the rows that lanes read at once lie in different banks]. Channel 4 * i + k is row i + 8 *
// k: a lane's four channels are consecutive, and so are the rows that eight lanes read at once.
var<workgroup> v_rows: array<vec4f, 288>;
var<workgroup> d_rows: array<vec4f, 288>;

// Adds an input channel's products with four output channels at one vec4 of p: d[0] holds the four at its first component, and so on.
fn add_products(sum: vec4f, v: vec4f, d: mat4x4f) -> vec4f {
  return fma(vec4f(v.w), d[3], fma(vec4f(v.z), d[2], fma(vec4f(v.y), d[1], fma(vec4f(v.x), d[0], sum))));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let z = group.z + params.first_group;
  let f = z / params.slices;
  let slice = z - f * params.slices;
  let c = group.y * 32u + 4u * local.y; // the first of four input channels, which this lane loads and sums
  let o = group.x * 32u + 4u * local.x;
  let brought = group.x * 32u + 4u * local.y;
  let end = min(params.columns, (slice + 1u) * params.slice_columns);
  let sums_bias = f == params.sum_frequency && group.y == 0u;
  var m0 = vec4f(0.0); var m1 = vec4f(0.0); var m2 = vec4f(0.0); var m3 = vec4f(0.0);
  var bias = vec4f(0.0);
  let first = slice * params.slice_columns;
  let columns = max(end, first) - first; // none in the last slices of a smaller chunk
  var column = first + local.x;
  for (var left = (columns + 7u) / 8u; left > 0u; left--) {
    for (var k = 0u; k < 4u; k++) {
      let row = (local.y + 8u * k) * 9u + local.x;
      var v = vec4f(0.0);
      var d = vec4f(0.0);
      if (column < end && c + k < params.cin) { v = inputs[(f * params.cin + c + k) * params.pitch + column]; }
      if (column < end && brought + k < params.cout) { d = grads[(f * params.cout + brought + k) * params.pitch + column]; }
      v_rows[row] = v;
      d_rows[row] = d;
    }
    workgroupBarrier();
    for (var i = 0u; i < 8u; i++) {
      let v_at = local.y * 9u + i;
      let d_at = local.x * 9u + i;
      let d = transpose(mat4x4f(d_rows[d_at], d_rows[d_at + 72u], d_rows[d_at + 144u], d_rows[d_at + 216u]));
      m0 = add_products(m0, v_rows[v_at], d);
      m1 = add_products(m1, v_rows[v_at + 72u], d);
      m2 = add_products(m2, v_rows[v_at + 144u], d);
      m3 = add_products(m3, v_rows[v_at + 216u], d);
      if (sums_bias) { bias += d[0] + d[1] + d[2] + d[3]; }
    }
    workgroupBarrier();
    column += 8u;
  }
  if (o >= params.cout) { return; }
  let row4 = params.cout / 4u;
  let out = (params.first_slice + slice) * (params.frequencies * params.cin + 1u) * row4;
  let at = out + (f * params.cin + c) * row4 + o / 4u;
  if (c < params.cin) { output[at] = m0; }
  if (c + 1u < params.cin) { output[at + row4] = m1; }
  if (c + 2u < params.cin) { output[at + 2u * row4] = m2; }
  if (c + 3u < params.cin) { output[at + 3u * row4] = m3; }
  if (sums_bias && c == 0u) { output[out + params.frequencies * params.cin * row4 + o / 4u] = bias; }
}
