/** mulberry32: a function that gives the next number in [0, 1). */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` damaged copies of `bytes`: some bytes changed, or its end cut off, or bytes added, or a stretch moved. */
export function* mutations(
  bytes: Uint8Array,
  count: number,
  seed: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const next = random(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  for (let i = 0; i < count; i++) {
    const copy = bytes.slice();
    const kind = below(8);
    if (kind === 0) {
      yield copy.slice(0, below(copy.length));
    } else if (kind === 1) {
      const longer = new Uint8Array(copy.length + 1 + below(20));
      longer.set(copy);
      yield longer;
    } else if (kind === 2) {
      yield copy.copyWithin(below(copy.length), below(copy.length), below(copy.length));
    } else {
      for (let n = 1 + below(4); n > 0; n--) {
        // Headers are where a change tells, and extremes more than other bytes.
        const at = below(next() < 0.7 ? Math.min(copy.length, 100) : copy.length);
        copy[at] = [0, 0xff, 0x7f, 0x80, 0x30, 0x2d, below(256), copy[at] ^ (1 << below(8))][below(8)];
      }
      yield copy;
    }
  }
}
