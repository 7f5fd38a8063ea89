// The sum over the 64 invocations of a workgroup, always in the same order. All of them must call it, once; each gets the sum.
var<workgroup> workgroup_sums: array<f32, 64>;

fn workgroup_sum(value: f32, local: u32) -> f32 {
  workgroup_sums[local] = value;
  workgroupBarrier();
  for (var i = 0u; i < 6u; i++) {
    let stride = 32u >> i;
    if (local < stride) {
      workgroup_sums[local] += workgroup_sums[local + stride];
    }
    workgroupBarrier();
  }
  return workgroup_sums[0];
}
