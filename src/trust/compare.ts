/** Compares on the GPU what two ops make of the same inputs: variants for the tuner, and at the size of a network. */
import { difference, differencePairs } from '../kernels/difference';
import { type Op, op } from '../plan/op';
import { type Tensor, tensor } from '../plan/tensor';

export interface Comparison {
  /** Compares a result with the expected one. */
  readonly op: Op;
  /** Numbers in the result. */
  readonly size: number;
  /** The output of `op`, for `differenceIn`. */
  readonly partials: Tensor;
}

export function comparing(label: string, result: Tensor, expected: Tensor): Comparison {
  const { size } = expected;
  const partials = tensor(`differences of ${expected.label}`, 2 * differencePairs({ size }));
  return { op: op(difference, label, { size }, { result, expected, partials }), size, partials };
}

/** The largest difference, and the sum of the squares of the expected numbers. */
export function differenceIn(partials: ArrayBuffer): { readonly largest: number; readonly squares: number } {
  const pairs = new Float32Array(partials);
  let largest = 0;
  let squares = 0;
  for (let at = 0; at < pairs.length; at += 2) {
    largest = Math.max(largest, pairs[at]);
    squares += pairs[at + 1];
  }
  return { largest, squares };
}

/** Whether an op writes a tensor, or a part of it. */
export const writes = ({ calls }: Op, t: Tensor): boolean =>
  calls.some(({ shader, tensors }) =>
    Object.entries(tensors).some(
      ([name, given]) => (given === t || given.base === t) && shader.bindings[name].access === 'read_write',
    ),
  );
