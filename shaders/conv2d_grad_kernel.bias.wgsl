// The bias part of a weight gradient in slices: partials[slice][taps * C * O + o] = sum of grad[o] over the slice's rows and the batch.
// grad [O][H][W][N]. One invocation: one channel and slice. Grid: x over channels, z over slices of params.rows rows.

struct Params {
  height: u32,
  width: u32,
  n4: u32, // N / 4
  out_channels: u32,
  kernel_elements: u32, // taps * C * O
  rows: u32, // of a slice
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let channel = group.x * 32u + lane;
  let slice = group.z + params.first_group;
  if (channel >= params.out_channels) {
    return;
  }
  let row = params.width * params.n4;
  let first = (channel * params.height + slice * params.rows) * row;
  let end = (channel * params.height + min((slice + 1u) * params.rows, params.height)) * row;
  var sum = vec4f();
  for (var i = first; i < end; i++) {
    sum += grad[i];
  }
  let slice_size = params.kernel_elements + params.out_channels;
  partials[slice * slice_size + params.kernel_elements + channel] = (sum.x + sum.y) + (sum.z + sum.w);
}
