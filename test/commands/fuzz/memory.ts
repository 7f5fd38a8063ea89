/** How much memory a program asks for at once. */

const kinds = ['ArrayBuffer', 'Uint8Array', 'Uint16Array', 'Uint32Array', 'Float32Array'] as const;

/** Watches what is asked for by `new`, by whomever, until it is stopped, which tells the largest of all, in bytes. */
export function watchMemory(): { stop(): number } {
  let largest = 0;
  const before = kinds.map((kind) => [kind, globalThis[kind]] as const);
  for (const [kind, type] of before) {
    const unit = 'BYTES_PER_ELEMENT' in type ? type.BYTES_PER_ELEMENT : 1;
    Reflect.set(
      globalThis,
      kind,
      new Proxy(type, {
        construct(target, args: [], newTarget) {
          const made = Reflect.construct(target, args, newTarget);
          const [given] = args as unknown[];
          const isView = given instanceof ArrayBuffer || given instanceof SharedArrayBuffer;
          if (!isView)
            largest = Math.max(largest, made.byteLength, typeof given === 'number' ? given * unit : 0);
          return made;
        },
      }),
    );
  }
  return {
    stop() {
      for (const [kind, type] of before) Reflect.set(globalThis, kind, type);
      return largest;
    },
  };
}
