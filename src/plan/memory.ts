/** Which tensors can share a buffer: planned once, from the list of calls, before anything is allocated. */
import type { Call } from './op';
import type { Tensor } from './tensor';

export interface MemoryPlan {
  /** The buffers to create, sizes in 4-byte elements. */
  readonly slots: readonly { readonly label: string; readonly size: number }[];
  /** The slot of each tensor that is not bound already. */
  readonly placement: ReadonlyMap<Tensor, number>;
}

/**
 * Places every tensor that the calls use and that is not `bound` to a buffer already. A tensor lives from the first call that binds it to the
 * last; two tensors share a slot only when their lives do not touch. Largest first, each into the smallest slot that is free
 * throughout its life (greedy by size). Slots are whole buffers, because WebGPU forbids one dispatch to read and write ranges
 * of the same buffer.
 */
export function planMemory(calls: readonly Call[], bound: ReadonlySet<Tensor>, reuse: boolean): MemoryPlan {
  const lives = new Map<Tensor, { first: number; last: number }>();
  calls.forEach((c, i) => {
    for (const t of Object.values(c.tensors)) {
      const root = t.base ?? t;
      if (bound.has(root)) continue;
      // A table is there before the first run and after the last one.
      const always = { first: 0, last: calls.length };
      lives.set(root, root.data ? always : { first: lives.get(root)?.first ?? i, last: i });
    }
  });
  const slots: { label: string; size: number; lives: { first: number; last: number }[] }[] = [];
  const placement = new Map<Tensor, number>();
  const bySize = [...lives].sort(([a], [b]) => b.size - a.size);
  for (const [t, life] of bySize) {
    // Slots were made largest first, so the last one that is free is the smallest that fits.
    let slot = reuse
      ? slots.findLastIndex((s) => s.lives.every((l) => l.last < life.first || life.last < l.first))
      : -1;
    if (slot < 0) slot = slots.push({ label: t.label, size: Math.max(t.size, 1), lives: [] }) - 1;
    slots[slot].lives.push(life);
    placement.set(t, slot);
  }
  return { slots, placement };
}
