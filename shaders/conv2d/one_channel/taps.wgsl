// The weights of a kernel between two channels, row by row. The shader that imports this declares kernel: array<f32>.
// With `subgroups` each weight is loaded once per subgroup, a quarter of them by each of the lanes 0 to 3, and broadcast. No lane may
// return early, since it may hold weights, and the importing shader sets `slot` to subgroup_invocation_id % 4. Subgroups have at least 4
// lanes.
#import conv2d/one_channel/side.wgsl

alias Taps = array<f32, TAPS>;

#if subgroups
var<private> slot: u32; // this lane loads taps slot, slot + 4, …; the last one is loaded by all
#if side3
const QUARTER = 2u;
#else
const QUARTER = 6u;
#endif

#endif
// The first weight is at `at`, the next ones are `stride` apart.
fn taps_at(at: u32, stride: u32) -> Taps {
#if subgroups
  let mine = at + slot * stride;
  #each i QUARTER
  let w$i = kernel[mine + 4 * $i * stride];
  #end
  return Taps(
    #each i QUARTER
    subgroupBroadcast(w$i, 0u), subgroupBroadcast(w$i, 1u), subgroupBroadcast(w$i, 2u), subgroupBroadcast(w$i, 3u),
    #end
    kernel[at + LAST * (SIDE + 1u) * stride]);
#else
  return Taps(
    #each i TAPS
    kernel[at + $i * stride],
    #end
  );
#endif
}
