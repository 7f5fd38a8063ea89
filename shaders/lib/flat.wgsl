// The index of this invocation in a flat grid of workgroups of 64: x first, then z (src/plan/op.ts folds wide grids and splits them along z).
// It comes from the global id, as local_invocation_index costs an invocation on lavapipe about as much as a vec4 to load.
fn flat_index(id: vec3u, groups: vec3u, first_group: u32) -> u32 {
  return (id.z + first_group) * groups.x * 64u + id.x;
}
