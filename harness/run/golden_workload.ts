/**
 * The workload of the golden run: initial weights and batches that any library can be given bit for bit, so that losses can be
 * compared between implementations. Digit-like strokes, noised: noisy = x * (1 - a) + noise * a.
 */
import { TestRandom } from '../specs/lib/spec';

export const GOLDEN_SIDE = 28;
const KERNEL = 5;

type Convolutions = readonly (readonly [name: string, from: number, to: number])[];

/** In forward order. */
const LAYERS: Convolutions = [
  ['down.0', 1, 32],
  ['down.1', 32, 64],
  ['down.2', 64, 64],
  ['up.0', 64, 64],
  ['up.1', 64, 32],
  ['up.2', 32, 1],
];

/** The convolutions of the network for pictures. */
const LAYERS_PICTURES: Convolutions = [
  ['down.0.0', 3, 32],
  ['down.0.1', 32, 32],
  ['down.1.0', 32, 64],
  ['down.1.1', 64, 64],
  ['down.2.0', 64, 64],
  ['down.2.1', 64, 64],
  ['down.2.2', 64, 64],
  ['up.0.0', 64, 64],
  ['up.0.1', 64, 64],
  ['up.0.2', 64, 64],
  ['up.1.0', 64, 32],
  ['up.1.1', 32, 32],
  ['up.2.0', 32, 32],
  ['up.2.1', 32, 3],
];

/** The images of that network: their side, at most `GOLDEN_SIDE`, and channels. */
export const PICTURES = { side: 24, channels: 3 } as const;

function generator(seed: number): () => number {
  const random = new TestRandom(seed);
  return () => random.next();
}

/** A kernel's numbers, uniform within ±limit. */
function uniform(random: () => number, size: number, limit: number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = (random() * 2 - 1) * limit;
  return values;
}

/** Keras' limit. */
const glorot = (fanIn: number, fanOut: number) => Math.sqrt(6 / (fanIn + fanOut));

function convolutions(random: () => number, layers: Convolutions, side: number): Map<string, Float32Array> {
  const area = side * side;
  const weights = new Map<string, Float32Array>();
  for (const [name, fanIn, fanOut] of layers) {
    const limit = glorot(area * fanIn, area * fanOut);
    weights.set(`${name}.kernel`, uniform(random, area * fanIn * fanOut, limit));
    weights.set(`${name}.bias`, new Float32Array(fanOut));
  }
  return weights;
}

/** Glorot uniform kernels in HWIO order and zero biases, by parameter name. */
export function initialWeights(): Map<string, Float32Array> {
  return convolutions(generator(1234), LAYERS, KERNEL);
}

/**
 * The initial weights of a conditioned network, by parameter name, in the order of its parameters: the convolutions' (for 5x5
 * kernels the weights of initialWeights), then `conditioning.hidden.kernel` [32, 64], `.classes` [classes + 1, 64], if there are any, and
 * `.bias` [64], and `conditioning.output.kernel` [64, biases] and `.bias` [biases], of which each convolution but the last has one for
 * each channel.
 */
function flowWeights(layers: Convolutions = LAYERS, side = KERNEL, classes = 10): Map<string, Float32Array> {
  const random = generator(1234);
  const weights = convolutions(random, layers, side);
  const biases = layers.slice(0, -1).reduce((sum, [_name, _from, to]) => sum + to, 0);
  weights.set('conditioning.hidden.kernel', uniform(random, 32 * 64, glorot(32, 64)));
  // Of variance 1, as embeddings have it.
  if (classes > 0)
    weights.set('conditioning.hidden.classes', uniform(random, (classes + 1) * 64, Math.sqrt(3)));
  weights.set('conditioning.hidden.bias', new Float32Array(64));
  weights.set('conditioning.output.kernel', uniform(random, 64 * biases, glorot(64, biases)));
  weights.set('conditioning.output.bias', new Float32Array(biases));
  return weights;
}

/** The initial weights of the presets' conditioned networks. */
export const presetWeights = {
  digits: () => flowWeights(),
  pictures: () => flowWeights(LAYERS_PICTURES, 3, 0),
};

/** Draws three connected strokes into `image`, [28][28], which is empty. */
function drawStrokes(random: () => number, image: Float32Array): void {
  let px = 6 + random() * 16;
  let py = 6 + random() * 16;
  for (let stroke = 0; stroke < 3; stroke++) {
    const qx = 4 + random() * 20;
    const qy = 4 + random() * 20;
    for (let k = 0; k <= 24; k++) {
      const cx = px + ((qx - px) * k) / 24;
      const cy = py + ((qy - py) * k) / 24;
      for (let y = Math.max(0, Math.floor(cy - 2)); y <= Math.min(GOLDEN_SIDE - 1, cy + 2); y++) {
        for (let x = Math.max(0, Math.floor(cx - 2)); x <= Math.min(GOLDEN_SIDE - 1, cx + 2); x++) {
          const ink = Math.max(0, Math.min(1, 1.8 - Math.hypot(x - cx, y - cy)));
          if (ink > image[y * GOLDEN_SIDE + x]) image[y * GOLDEN_SIDE + x] = ink;
        }
      }
    }
    px = qx;
    py = qy;
  }
}

/** The batch of a step: `count` images, [count][28][28][1]. */
export function goldenBatch(step: number, count: number): { noisy: Float32Array; target: Float32Array } {
  const random = generator(99991 * (step + 1) + count);
  const pixels = GOLDEN_SIDE * GOLDEN_SIDE;
  const target = new Float32Array(count * pixels);
  const noisy = new Float32Array(count * pixels);
  for (let i = 0; i < count; i++) {
    const image = i * pixels;
    drawStrokes(random, target.subarray(image, image + pixels));
    const amount = random();
    for (let p = 0; p < pixels; p++) {
      noisy[image + p] = target[image + p] * (1 - amount) + random() * amount;
    }
  }
  return { noisy, target };
}

/** The class of an image that has none. */
const NO_CLASS = 10;

/** A batch of the conditioned network's training. */
interface FlowBatch {
  /** (1 - t) x + t e of images x in [-1, 1] and noise e, [count][side][side][channels]. */
  noisy: Float32Array;
  /** e - x, of the same shape. */
  target: Float32Array;
  /** t, [count], in [0, 1]. */
  levels: Float32Array;
  /** 0 to 9, or 10 where the class is withheld, [count]. */
  labels: Uint32Array;
}

/**
 * The conditioned network's batch of a step. The noise is a sum of 12 uniform numbers, near enough to a normal one, and the
 * same to the bit in any language. Each channel has strokes of its own, of which a smaller image has the middle.
 */
export function flowBatch(
  step: number,
  count: number,
  { side, channels }: { readonly side: number; readonly channels: number } = {
    side: GOLDEN_SIDE,
    channels: 1,
  },
): FlowBatch {
  const random = generator(104729 * (step + 1) + count);
  const pixels = side * side * channels;
  const noisy = new Float32Array(count * pixels);
  const target = new Float32Array(count * pixels);
  const levels = new Float32Array(count);
  const labels = new Uint32Array(count);
  const strokes = new Float32Array(GOLDEN_SIDE * GOLDEN_SIDE);
  const clean = new Float32Array(pixels);
  const edge = (GOLDEN_SIDE - side) / 2;
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < channels; c++) {
      drawStrokes(random, strokes.fill(0));
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++)
          clean[(y * side + x) * channels + c] = strokes[(y + edge) * GOLDEN_SIDE + x + edge];
    }
    levels[i] = random();
    const label = Math.floor(random() * 10);
    labels[i] = random() < 0.05 ? NO_CLASS : label;
    // The rounded level, so that the network gets the level that the image has.
    const t = levels[i];
    for (let p = 0; p < pixels; p++) {
      const x = 2 * clean[p] - 1;
      let e = -6;
      for (let k = 0; k < 12; k++) e += random();
      noisy[i * pixels + p] = (1 - t) * x + t * e;
      target[i * pixels + p] = e - x;
    }
  }
  return { noisy, target, levels, labels };
}
