// copy for adapters on which an invocation costs as much as the data that it moves: processors.
// One invocation: four vec4s, 64 apart, so that the lanes of a workgroup access adjacent vec4s.
#import lib/flat.wgsl

struct Params {
  vec4s: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = flat_index(id, groups, params.first_group);
  let first = 4u * index - 3u * (index % 64u);
  for (var i = first; i < min(first + 256u, params.vec4s); i += 64u) {
    output[i] = input[i];
  }
}
