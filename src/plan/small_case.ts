/** The self-check's small cases, which stand beside the kernels' references (src/reference), and their shared parts. */
import type { Values } from './reference';
import { STATE, STATE_WORDS, scheduleWords } from './step_state';

type Sizes<Shape> = (shape: Shape) => Readonly<Record<string, number>>;

/** The contents of a tensor before a kernel runs. */
export type StartValues<Shape> = (size: number, random: Random, shape: Shape) => Values;

/** A kernel's small case for the self-check. */
export interface SmallCase<Shape> {
  /** A small shape of the same kind. `sizes`: numbers of elements of the kernel's tensors. */
  readonly shape: (shape: Shape, sizes: Sizes<Shape>) => Shape;
  /** The contents of tensors; the others hold numbers from -2 to 2. */
  readonly values?: Readonly<Record<string, StartValues<Shape>>>;
}

type Extents<Shape> = {
  readonly [Name in keyof Shape as NonNullable<Shape[Name]> extends number ? Exclude<Name, 'seed'> : never]-?:
    | number
    | 'as it is';
};

/** The seed of a small shape. */
export const SEED = 123;

/**
 * Makes shapes small: an upper limit on each of their numbers, or 'as it is'. Within it, every form should still have several tiles, blocks or
 * slices, the last ones partly empty. A smaller number stays unchanged, so that a form's requirements still hold: even sides, channels in
 * twos or eights, a single channel.
 */
export const atMost =
  <Shape extends object>(most: Extents<Shape>) =>
  (shape: Shape): Shape =>
    Object.fromEntries(
      Object.entries(shape).map(([name, value]) => {
        if (name === 'seed') return [name, SEED];
        const limit = most[name as keyof Extents<Shape>];
        return [name, typeof limit === 'number' && value !== undefined ? Math.min(value, limit) : value];
      }),
    ) as Shape;

/** Limits of several kernels. A map is [channels][height][width][batch]; IMAGES counts images, IN_SET a data set's images. */
export const ELEMENTS = 260;
export const MAP = { channels: 8, height: 10, width: 10, batch: 8 } as const;
export const IMAGES = 7;
export const IN_SET = 20;

/** Most layers, for kernels that process all layers at once. */
const MOST_LAYERS = 3;

interface AnyLayer {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly slices?: number;
}

/** The first layers, made small and placed one after the other. */
export function smallLayers<Layer extends AnyLayer, Shape extends { readonly layers: readonly Layer[] }>(
  shape: Shape,
  sizes: Sizes<Shape>,
): Shape {
  const at = { offset: 0, packedOffset: 0, slicesOffset: 0, gradientOffset: 0 };
  const align = (size = 0) => Math.ceil(size / 64) * 64;
  const limit = atMost<AnyLayer>({ inChannels: 8, outChannels: 16, slices: 9 });
  const layers = shape.layers.slice(0, MOST_LAYERS).map((given) => {
    const layer = limit(given);
    const alone = { ...layer, offset: 0, packedOffset: 0, slicesOffset: 0, gradientOffset: 0 };
    const { parameter, packed, slices, gradient, sums = parameter } = sizes({ ...shape, layers: [alone] });
    const placed = { ...layer, ...at };
    at.offset += align(sums);
    at.packedOffset += align(packed);
    at.slicesOffset += align(slices);
    at.gradientOffset += align(gradient);
    return placed;
  });
  return { ...shape, layers };
}

/** Seeded numbers: a linear congruential generator, of which the upper 24 of 32 bits are used (Numerical Recipes). */
export class Random {
  private state = 1;

  floats(size: number, from: number, to: number): Float32Array {
    const floats = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
      floats[i] = from + (to - from) * ((this.state >>> 8) * 2 ** -24);
    }
    return floats;
  }

  integers(size: number, below: number): Uint32Array {
    return Uint32Array.from(this.floats(size, 0, below));
  }
}

export const between =
  (from: number, to: number): StartValues<unknown> =>
  (size, random) =>
    random.floats(size, from, to);

/** Squares, or sums of squares. */
export const squares = between(0.1, 1);

/** Before an activation: for two pixels of a window, swish gives either equal values, or values that rounding cannot confuse. */
export const pre: StartValues<unknown> = (size, random) =>
  random.floats(size, -2, 2).map((v) => Math.round(16 * v) / 16);

/** The residual that is added to the activation of `pre`, likewise. */
export const residual: StartValues<unknown> = (size, random) =>
  random.floats(size, -1.5, 1.5).map((v) => 4 * Math.round(v));

export const order: StartValues<unknown> = (size, random) => random.integers(size, size);

interface StateShape {
  readonly batch?: number;
  readonly imageCount?: number;
  readonly count?: number;
}

/** A step state in the middle of an epoch and of a batch, with rates that make large changes. */
export function state(_size: number, _random: Random, shape: unknown): Uint32Array {
  const { batch = 8, imageCount = 20, count: most = imageCount } = shape as StateShape;
  const words = new Uint32Array(STATE_WORDS);
  const floats = new Float32Array(words.buffer);
  const count = Math.min(batch - 1, imageCount, most);
  words[STATE.step] = 40;
  words[STATE.count] = count;
  words[STATE.batchStart] = imageCount - count;
  words[STATE.epochSize] = 100;
  for (const word of ['correction1', 'correction2', 'learningRate', 'rate'] as const)
    floats[STATE[word]] = 0.5;
  floats[STATE.gradientScale] = 0.7;
  floats[STATE.clip] = 0.5;
  floats[STATE.weightDecay] = 0.1;
  words.set(scheduleWords({ decay: 'cosine', warmup: 20, steps: 80, floor: 0.2 }), STATE.warmup);
  return words;
}
