// How lib/conv2d_strip.wgsl gets its weights and its lanes without subgroups: every lane loads the ten vec4; surplus lanes return.
#import lib/conv2d_strip.wgsl

fn row_weights(at: u32) -> RowWeights {
  let tap = params.from_channels * 2u * params.tiles;
  return RowWeights(kernel[at], kernel[at + 1u], kernel[at + tap], kernel[at + tap + 1u], kernel[at + 2u * tap],
    kernel[at + 2u * tap + 1u], kernel[at + 3u * tap], kernel[at + 3u * tap + 1u], kernel[at + 4u * tap], kernel[at + 4u * tap + 1u]);
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  // Surplus lanes have nothing to do.
  if (id.x < (params.width + 6u) / 7u * params.pairs) { convolve(id.x, group.z + params.first_group); }
}
