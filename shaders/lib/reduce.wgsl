// The sum over the 64 invocations of a workgroup, always in the same order: by a tree that adds the upper half to the lower one,
// computed in two stages, because barriers are expensive on software adapters. All invocations must call it, once; each gets the sum.
// The shader that imports this declares Summand, which is f32 or a vector of them.
var<workgroup> workgroup_sums: array<Summand, 64>;

fn workgroup_sum(value: Summand, local: u32) -> Summand {
  workgroup_sums[local] = value;
  workgroupBarrier();
  if (local < 8u) {
    workgroup_sums[local] = sum_of_eight(local, 8u);
  }
  workgroupBarrier();
  return sum_of_eight(0u, 1u);
}

// The sum of the eight values at first, first + stride and so on.
fn sum_of_eight(first: u32, stride: u32) -> Summand {
  let a = workgroup_sums[first] + workgroup_sums[first + 4u * stride];
  let b = workgroup_sums[first + stride] + workgroup_sums[first + 5u * stride];
  let c = workgroup_sums[first + 2u * stride] + workgroup_sums[first + 6u * stride];
  let d = workgroup_sums[first + 3u * stride] + workgroup_sums[first + 7u * stride];
  return (a + c) + (b + d);
}
