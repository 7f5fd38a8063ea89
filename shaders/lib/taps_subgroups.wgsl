// 25 weights with subgroups: they are loaded once per subgroup, seven by each of the lanes 0 to 3, and broadcast; surplus lanes must stay,
// as they may hold weights. The shader that includes this declares kernel: array<f32> and sets `slot` to subgroup_invocation_id % 4.
// Needs the feature `subgroups` (which that shader enables) and a subgroup size of at least 4.
#import lib/taps.wgsl

var<private> slot: u32; // this lane loads taps slot, slot + 4, ..., slot + 20; tap 24 is loaded by all

// The first of the weights is at `at`, the next ones `stride` apart.
fn taps_at(at: u32, stride: u32) -> Taps {
  let mine = at + slot * stride;
  let a = kernel[mine];
  let b = kernel[mine + 4u * stride];
  let c = kernel[mine + 8u * stride];
  let d = kernel[mine + 12u * stride];
  let e = kernel[mine + 16u * stride];
  let f = kernel[mine + 20u * stride];
  return Taps(
    subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u),
    subgroupBroadcast(b, 0u), subgroupBroadcast(b, 1u), subgroupBroadcast(b, 2u), subgroupBroadcast(b, 3u),
    subgroupBroadcast(c, 0u), subgroupBroadcast(c, 1u), subgroupBroadcast(c, 2u), subgroupBroadcast(c, 3u),
    subgroupBroadcast(d, 0u), subgroupBroadcast(d, 1u), subgroupBroadcast(d, 2u), subgroupBroadcast(d, 3u),
    subgroupBroadcast(e, 0u), subgroupBroadcast(e, 1u), subgroupBroadcast(e, 2u), subgroupBroadcast(e, 3u),
    subgroupBroadcast(f, 0u), subgroupBroadcast(f, 1u), subgroupBroadcast(f, 2u), subgroupBroadcast(f, 3u),
    kernel[at + 24u * stride]);
}
