/**
 * Threefry2x32-20, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 * The same function runs in shaders/lib/threefry.wgsl; both give the published vectors, so every random number of a run
 * follows from its seed, its purpose and its position, on any device.
 */

/** The purpose of a random number: the second half of the key, so that streams of one seed never overlap. */
export const STREAM = {
  weights: 0,
  shuffle: 1,
  amount: 2,
  noise: 3,
  sample: 4,
  drop: 5,
  distil: 6,
  polish: 7,
  enlarge: 8,
} as const;

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Two random 32-bit words for the 64-bit counter (c0, c1) under the key (k0, k1). */
export function threefry(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const keys = [k0 | 0, k1 | 0, k0 ^ k1 ^ 0x1bd11bda];
  let x = (c0 + keys[0]) | 0;
  let y = (c1 + keys[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8];
    x = (x + y) | 0;
    y = ((y << r) | (y >>> (32 - r))) ^ x;
    if (round % 4 === 3) {
      const i = (round + 1) / 4;
      x = (x + keys[i % 3]) | 0;
      y = (y + keys[(i + 1) % 3] + i) | 0;
    }
  }
  return [x >>> 0, y >>> 0];
}

/** A uniform number in [0, 1) from the top 24 bits of a word: exact in f32. */
export function uniform(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/**
 * Two independent standard normal numbers from the two words of a draw (Box and Muller); equal to shaders/lib/normal.wgsl up to rounding.
 */
export function normal([x, y]: readonly [number, number]): [number, number] {
  // In (0, 1], so that the logarithm is finite.
  const r = Math.sqrt(-2 * Math.log(uniform(x) + 2 ** -24));
  const angle = 2 * Math.PI * uniform(y);
  return [r * Math.cos(angle), r * Math.sin(angle)];
}

/** A permutation of 0 … count-1 (Fisher-Yates), a function of seed and epoch alone. */
export function permutation(count: number, seed: number, epoch: number): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const [high, low] = threefry(seed, STREAM.shuffle, epoch, i);
    // 53 random bits over i+1 <= 2^27 places: the bias is below 2^-25.
    const j = Math.floor((((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
