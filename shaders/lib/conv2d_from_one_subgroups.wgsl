// How lib/conv2d_from_one.wgsl gets its weights and its lanes with subgroups.
alias Lane = vec2f; // before its use, as the tests' interpreter wants it
#import lib/conv2d_from_one.wgsl
#import lib/taps_subgroups.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) subgroup_lane: u32) {
  slot = subgroup_lane % 4u;
  convolve(id.x, group.z + params.first_group);
}
