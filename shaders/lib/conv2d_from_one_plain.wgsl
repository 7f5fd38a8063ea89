// How lib/conv2d_from_one.wgsl gets its weights and its lanes without subgroups.
alias Lane = vec2f; // before its use, as the tests' interpreter wants it
#import lib/conv2d_from_one.wgsl
#import lib/taps_plain.wgsl

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes have nothing to do.
  if (id.x < (params.width + 3u) / 4u * params.images) { convolve(id.x, group.z + params.first_group); }
}
