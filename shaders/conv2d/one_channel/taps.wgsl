// The 25 weights of a 5x5 kernel between two channels: t0 to t4 are the first row. The shader that imports this declares
// kernel: array<f32>. With `subgroups` the weights are loaded once per subgroup, seven by each of the lanes 0 to 3, and broadcast: all
// lanes must stay, as they may hold weights, and that shader sets `slot` to subgroup_invocation_id % 4. Subgroups have at least 4 lanes.

struct Taps {
  t0: f32, t1: f32, t2: f32, t3: f32, t4: f32, t5: f32, t6: f32, t7: f32, t8: f32, t9: f32, t10: f32, t11: f32, t12: f32,
  t13: f32, t14: f32, t15: f32, t16: f32, t17: f32, t18: f32, t19: f32, t20: f32, t21: f32, t22: f32, t23: f32, t24: f32,
}

#if subgroups
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
#else
// The first of the weights is at `at`, the next ones `stride` apart.
fn taps_at(at: u32, stride: u32) -> Taps {
  return Taps(kernel[at], kernel[at + stride], kernel[at + 2u * stride], kernel[at + 3u * stride], kernel[at + 4u * stride],
    kernel[at + 5u * stride], kernel[at + 6u * stride], kernel[at + 7u * stride], kernel[at + 8u * stride], kernel[at + 9u * stride],
    kernel[at + 10u * stride], kernel[at + 11u * stride], kernel[at + 12u * stride], kernel[at + 13u * stride],
    kernel[at + 14u * stride], kernel[at + 15u * stride], kernel[at + 16u * stride], kernel[at + 17u * stride],
    kernel[at + 18u * stride], kernel[at + 19u * stride], kernel[at + 20u * stride], kernel[at + 21u * stride],
    kernel[at + 22u * stride], kernel[at + 23u * stride], kernel[at + 24u * stride]);
}
#endif
