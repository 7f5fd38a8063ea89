// The index of this invocation in a flat grid of workgroups of 64: x first, then z (src/plan/op.ts folds wide grids and cuts them along z).
// It comes from the global id, because on lavapipe local_invocation_index costs an invocation about as much as loading a vec4.
fn flat_index(id: vec3u, groups: vec3u, first_group: u32) -> u32 {
  return (id.z + first_group) * groups.x * 64u + id.x;
}
