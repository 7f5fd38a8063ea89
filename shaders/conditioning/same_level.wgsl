// levels[n] = step.level for all n < N: during sampling all images have the same noise level.
// One invocation: one vec4.
#import lib/flat.wgsl
#import lib/sampling_step.wgsl

struct Params {
  vec4s: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: SamplingStep;
@group(0) @binding(2) var<storage, read_write> levels: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i < params.vec4s) {
    levels[i] = vec4f(step.level);
  }
}
