import { EngineError, typeOf } from './errors';

/** What may hold the bytes of a file. A Node Buffer is a Uint8Array. */
export type ByteContainer = ArrayBufferLike | ArrayBufferView;

/**
 * The bytes of `given`, not copied, as a plain Uint8Array: a Node Buffer's `slice` would not copy, and its memory often is a pool that it
 * shares. `name` is what errors call it, `or` what else would be legal.
 *
 * @throws EngineError `argument`
 */
export function bytesOf(given: ByteContainer, name: string, or = ''): Uint8Array {
  if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  // Not instanceof: it may come from another window, or from another context of Node.
  if (/^(Shared)?ArrayBuffer$/.test(typeOf(given))) return new Uint8Array(given);
  throw new EngineError(
    'argument',
    `${name} is of type ${typeOf(given)}; it must be a Uint8Array or ArrayBuffer of the file's bytes${or}, such as await file.arrayBuffer().`,
  );
}
