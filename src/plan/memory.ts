/** Plans which tensors share a buffer: once, from the list of calls, before anything is allocated. */
import type { Call } from './op';
import type { Tensor } from './tensor';

export interface MemoryPlan {
  /** The buffers to create, sizes in 4-byte elements. */
  readonly slots: readonly { readonly label: string; readonly size: number }[];
  /** The slot of each tensor that has no buffer yet. */
  readonly placement: ReadonlyMap<Tensor, number>;
}

/**
 * Assigns a slot to every tensor that the calls use and that is not in `bound` (bound tensors have buffers). A tensor lives from the first call
 * that binds it to the last; two tensors share a slot only if their lifetimes do not overlap. Greedy by size: largest first, each into the
 * smallest slot that is free throughout its lifetime. Slots are whole buffers, because WebGPU forbids a dispatch to read and write ranges
 * of the same buffer.
 */
export function planMemory(calls: readonly Call[], bound: ReadonlySet<Tensor>, reuse: boolean): MemoryPlan {
  const lives = new Map<Tensor, { first: number; last: number }>();
  calls.forEach((c, i) => {
    for (const t of Object.values(c.tensors)) {
      const root = t.base ?? t;
      if (bound.has(root)) continue;
      // A table is written before the first run and read in every run: it never shares its slot.
      const always = { first: 0, last: calls.length };
      lives.set(root, root.data ? always : { first: lives.get(root)?.first ?? i, last: i });
    }
  });
  const slots: { label: string; size: number; lives: { first: number; last: number }[] }[] = [];
  const placement = new Map<Tensor, number>();
  const bySize = [...lives].sort(([a], [b]) => b.size - a.size);
  for (const [t, life] of bySize) {
    // Slots are created largest first, so the last free one is the smallest that fits.
    let slot = reuse
      ? slots.findLastIndex((s) => s.lives.every((l) => l.last < life.first || life.last < l.first))
      : -1;
    if (slot < 0) slot = slots.push({ label: t.label, size: Math.max(t.size, 1), lives: [] }) - 1;
    slots[slot].lives.push(life);
    placement.set(t, slot);
  }
  return { slots, placement };
}
