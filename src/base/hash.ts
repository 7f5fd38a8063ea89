/** FNV-1a of bytes, one part after the other, 32 bits, in hexadecimal: http://www.isthe.com/chongo/tech/comp/fnv/ By itself, as Node reads it for vite.config.ts. */
export function fnv1a(...parts: readonly ArrayLike<number>[]): string {
  let hash = 0x811c9dc5;
  for (const bytes of parts)
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** The hash of a text. */
export const hashText = (text: string): string => fnv1a(new TextEncoder().encode(text));

/** The hash of the bytes of numbers, one array after the other. */
export const hashOfNumbers = (...arrays: readonly ArrayBufferView[]): string =>
  fnv1a(
    ...arrays.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  );
