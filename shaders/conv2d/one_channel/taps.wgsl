// The 25 weights of a 5x5 kernel between two channels, row by row. The shader that imports this declares kernel: array<f32>.
// With `subgroups` the weights are loaded once per subgroup, seven by each of the lanes 0 to 3, and broadcast: all lanes must stay, as
// they may hold weights, and that shader sets `slot` to subgroup_invocation_id % 4. Subgroups have at least 4 lanes.

alias Taps = array<f32, 25>;

#if subgroups
var<private> slot: u32; // this lane loads taps slot, slot + 4, ..., slot + 20; tap 24 is loaded by all

#endif
// The first of the weights is at `at`, the next ones `stride` apart.
fn taps_at(at: u32, stride: u32) -> Taps {
#if subgroups
  let mine = at + slot * stride;
  #each i 6
  let w$i = kernel[mine + 4 * $i * stride];
  #end
  return Taps(
    #each i 6
    subgroupBroadcast(w$i, 0u), subgroupBroadcast(w$i, 1u), subgroupBroadcast(w$i, 2u), subgroupBroadcast(w$i, 3u),
    #end
    kernel[at + 24u * stride]);
#else
  return Taps(
    #each i 25
    kernel[at + $i * stride],
    #end
  );
#endif
}
