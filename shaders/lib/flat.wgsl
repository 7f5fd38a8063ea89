// The index of this invocation in a flat grid: x first, then z (src/kernel.ts folds wide grids and splits them along z).
fn flat_index(group: vec3u, groups: vec3u, local: u32, workgroup_size: u32, first_group: u32) -> u32 {
  return ((group.z + first_group) * groups.x + group.x) * workgroup_size + local;
}
