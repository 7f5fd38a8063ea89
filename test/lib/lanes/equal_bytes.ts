/** Weights, images and files are compared at once where they are the same; number by number takes seconds. What differs is shown as ever. */
import { expect } from 'vitest';

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function sameBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined;
  if (a.constructor !== b.constructor || a.byteLength !== b.byteLength) return undefined;
  const x = bytesOf(a);
  const y = bytesOf(b);
  return x.every((byte, i) => byte === y[i]) || undefined;
}

// Once for all files of a process.
const isAdded = Symbol.for('webgpu-diffusion: bytes are compared at once');
if (!(isAdded in globalThis)) {
  expect.addEqualityTesters([sameBytes]);
  Object.assign(globalThis, { [isAdded]: true });
}
