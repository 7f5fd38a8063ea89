// How lib/conv2d_from_one.wgsl gets its weights and its lanes for GPUs: one image an invocation, which fits the registers of all of them, and
// workgroups that fill a subgroup of 64.
alias Lane = f32; // before its use, as the tests' interpreter wants it
#import lib/conv2d_from_one.wgsl
#import lib/taps_plain.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes have nothing to do.
  if (id.x < (params.width + 3u) / 4u * params.images) { convolve(id.x, group.z + params.first_group); }
}
