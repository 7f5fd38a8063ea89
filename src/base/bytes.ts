import { argumentError, typeName, wrongType } from './errors';

/** Types that may hold a file's bytes. A Node Buffer is a Uint8Array. */
export type ByteContainer = ArrayBufferLike | ArrayBufferView;

/**
 * Whether `given` is a ByteContainer. As for all that callers give, `instanceof` would fail for arrays from another window, or another
 * context of Node, which have classes of their own by the same names.
 */
export const isBytes = (given: unknown): given is ByteContainer =>
  ArrayBuffer.isView(given) || /^(Shared)?ArrayBuffer$/.test(typeName(given));

/**
 * The bytes of `given`, not copied, as a plain Uint8Array: a Node Buffer's `slice` would not copy, and its memory often is a shared pool.
 * `name` is its name in errors, `or` names other legal types.
 *
 * @throws EngineError `argument`
 */
export function asBytes(given: ByteContainer, name: string, or = ''): Uint8Array {
  try {
    if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
    if (isBytes(given)) return new Uint8Array(given);
  } catch (cause) {
    const text = `${name} has no memory any more: it was transferred, to a worker for instance. Transfer a copy, or read the file again.`;
    throw argumentError(text, { cause });
  }
  throw wrongType(
    name,
    given,
    `a Uint8Array or ArrayBuffer of the file's bytes${or}, such as await file.arrayBuffer()`,
  );
}

const LOOKS: readonly (readonly [start: string, look: string])[] = [
  ['<', 'a web page: check the address'],
  ['version https://git-lfs', 'what git-lfs leaves in place of a file: run git lfs pull'],
  ['\x1f\x8b', 'gzip: unpack it'],
  ['PK\x03\x04', 'a zip archive: unpack it'],
];

/** What a file that is not of the expected kind looks like, and what to do about it: a sentence, with a space before it; empty if unknown. */
export function guessFormat(bytes: Uint8Array): string {
  // Without a byte order mark.
  const start = String.fromCharCode(...bytes.subarray(0, 64)).replace(/^\xef\xbb\xbf/, '');
  const found = LOOKS.find(([begin]) => start.trimStart().startsWith(begin));
  return found ? ` It looks like ${found[1]}.` : '';
}
