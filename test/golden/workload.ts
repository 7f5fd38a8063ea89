/**
 * The workload of the golden run: initial weights and batches that any library can be given bit for bit, so that losses can be
 * compared between implementations. Digit-like strokes, noised: noisy = x * (1 - a) + noise * a.
 */

export const SIDE = 28;
export const KERNEL = 5;

/** [name, in, out] in forward order. */
export const LAYERS: readonly (readonly [string, number, number])[] = [
  ['down.0', 1, 32],
  ['down.1', 32, 64],
  ['down.2', 64, 64],
  ['up.0', 64, 64],
  ['up.1', 64, 32],
  ['up.2', 32, 1],
];

/** mulberry32 */
export function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Glorot uniform kernels in HWIO order and zero biases, by parameter name. */
export function initialWeights(): Map<string, Float32Array> {
  const random = generator(1234);
  const weights = new Map<string, Float32Array>();
  for (const [name, fanIn, fanOut] of LAYERS) {
    const limit = Math.sqrt(6 / (KERNEL * KERNEL * fanIn + KERNEL * KERNEL * fanOut));
    const kernel = new Float32Array(KERNEL * KERNEL * fanIn * fanOut);
    for (let i = 0; i < kernel.length; i++) kernel[i] = (random() * 2 - 1) * limit;
    weights.set(`${name}.kernel`, kernel);
    weights.set(`${name}.bias`, new Float32Array(fanOut));
  }
  return weights;
}

/** The batch of a step: `count` images, [count][28][28][1]. */
export function goldenBatch(step: number, count: number): { clean: Float32Array; noisy: Float32Array } {
  const random = generator(99991 * (step + 1) + count);
  const pixels = SIDE * SIDE;
  const clean = new Float32Array(count * pixels);
  const noisy = new Float32Array(count * pixels);
  for (let i = 0; i < count; i++) {
    const image = i * pixels;
    let px = 6 + random() * 16;
    let py = 6 + random() * 16;
    for (let stroke = 0; stroke < 3; stroke++) {
      const qx = 4 + random() * 20;
      const qy = 4 + random() * 20;
      for (let k = 0; k <= 24; k++) {
        const cx = px + ((qx - px) * k) / 24;
        const cy = py + ((qy - py) * k) / 24;
        for (let y = Math.max(0, Math.floor(cy - 2)); y <= Math.min(SIDE - 1, cy + 2); y++) {
          for (let x = Math.max(0, Math.floor(cx - 2)); x <= Math.min(SIDE - 1, cx + 2); x++) {
            const ink = Math.max(0, Math.min(1, 1.8 - Math.hypot(x - cx, y - cy)));
            if (ink > clean[image + y * SIDE + x]) clean[image + y * SIDE + x] = ink;
          }
        }
      }
      px = qx;
      py = qy;
    }
    const amount = random();
    for (let p = 0; p < pixels; p++) {
      noisy[image + p] = clean[image + p] * (1 - amount) + random() * amount;
    }
  }
  return { clean, noisy };
}
