// sums[first + c][n] = sum over y, x of grad[c][y][x][n]: as sum_pixels.wgsl, in more and shorter chains of loads, for GPUs.
// grad is [C][H * W][N], bound as `slices`; sums is [rows][N]; C rows from `first` on are written.
// One workgroup: 8 vec4s of a row, and the pixels in eight parts, whose sums it adds up in workgroup memory.
// One invocation: one vec4 of one part.
// Grid: y over blocks of 8 vec4s of a row, z over channels.
#import lib/slices.wgsl

struct Params {
  n4: u32, // N / 4
  pixels: u32, // H * W
  first: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slices: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>;

alias Element = vec4f;

var<workgroup> parts: array<vec4f, 64>; // [8 parts][8 vec4s]

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32) {
  let channel = group.z + params.first_group;
  let n = group.y * 8u + local.x;
  let each = (params.pixels + 7u) / 8u;
  let first = min(local.y * each, params.pixels);
  if (n < params.n4) {
    let at = (channel * params.pixels + first) * params.n4 + n;
    parts[index] = sum_of_slices(at, params.n4, min(each, params.pixels - first));
  }
  workgroupBarrier();
  if (local.y > 0u || n >= params.n4) { return; }
  var sum = parts[local.x];
  for (var part = 1u; part < 8u; part++) { sum += parts[8u * part + local.x]; }
  sums[(params.first + channel) * params.n4 + n] = sum;
}
