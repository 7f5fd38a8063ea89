/** Which tensors share memory. */
import { expect, test } from 'vitest';
import { planMemory } from '../../src/plan/memory';
import type { Call } from '../../src/plan/op';
import { type Tensor, tensor } from '../../src/plan/tensor';

const binding = (...tensors: Tensor[]) =>
  ({ tensors: Object.fromEntries(tensors.entries()) }) as unknown as Call;

test('planMemory: tensors whose lifetimes do not overlap share a slot, but not the slot of a constant table', () => {
  const [a, b] = ['a', 'b'].map((label) => tensor(label, 8));
  const small = tensor('small', 4);
  const rows = tensor('rows', 4);
  const slotsWith = (t: Tensor) => {
    const { slots, placement } = planMemory([binding(a, t), binding(b, small)], new Set(), true);
    expect(placement.get(b)).toBe(placement.get(a));
    return slots.map(({ size }) => size);
  };
  expect(slotsWith(rows)).toEqual([8, 4]);
  expect(slotsWith({ ...rows, data: new Uint32Array(4) })).toEqual([8, 4, 4]);
});
