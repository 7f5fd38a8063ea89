/** Arrays that callers give. */
import { typeName } from './errors';

/** Whether `given` is a Float32Array. */
export const isFloats = (given: unknown): given is Float32Array => typeName(given) === 'Float32Array';

/** A copy of a typed array or a list, which its owner may change; all else as it is. */
export function copyArray<T>(given: T): T;
export function copyArray(given: unknown): unknown {
  if (Array.isArray(given)) return [...given];
  // Unlike a Node Buffer's, this one copies.
  return ArrayBuffer.isView(given) && 'length' in given ? Uint8Array.prototype.slice.call(given) : given;
}
