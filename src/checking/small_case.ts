/** A small case of any kernel that a network uses, and input values for it. */
import type { Values } from '../plan/reference';
import { STATE, STATE_WORDS } from '../plan/step_state';

/**
 * Upper limit on each extent. Within it, every form still has several tiles, blocks or slices, the last ones partly empty. A smaller extent
 * stays unchanged, so that what a form requires still holds: even sides, channels in twos or eights, a single channel.
 */
const MOST: Readonly<Record<string, number>> = {
  batch: 8,
  height: 10,
  width: 10,
  channels: 8,
  inChannels: 8,
  outChannels: 16,
  elements: 260,
  imageCount: 20,
  count: 7,
  ring: 5,
  gradientPartials: 70,
  convolutionPartials: 60,
  size: 300,
  slices: 9,
  imageBias: 3,
  first: 3,
  after: 10,
};
/** Most layers, for kernels that process all layers at once. */
const MOST_LAYERS = 3;
/** Used if a shape has a seed. */
export const SEED = 123;

type Shape = Readonly<Record<string, unknown>>;
/** Number of elements of each tensor of a kernel. */
type Sizes = (shape: never) => Readonly<Record<string, number>>;

const smallExtents = (shape: object) =>
  Object.fromEntries(
    Object.entries(shape).map(([name, value]) => [
      name,
      name in MOST && value !== undefined ? Math.min(value, MOST[name]) : value,
    ]),
  );

/** A small shape of the same kind, for the kernel with these `sizes`. */
export function smallShape(shape: object, sizes: Sizes): object {
  const small: Record<string, unknown> = smallExtents(shape);
  if ('seed' in small) small.seed = SEED;
  if ('pitch' in small) small.pitch = small.size;
  if ('layers' in small) small.layers = smallLayers(small.layers as readonly object[], sizes);
  return small;
}

/** The first layers, made small and placed one after the other. */
function smallLayers(layers: readonly object[], sizes: Sizes) {
  const at = { offset: 0, packedOffset: 0, slicesOffset: 0, gradientOffset: 0 };
  const align = (size = 0) => Math.ceil(size / 64) * 64;
  return layers.slice(0, MOST_LAYERS).map((given) => {
    const layer = smallExtents(given);
    const alone = { ...layer, offset: 0, packedOffset: 0, slicesOffset: 0, gradientOffset: 0 };
    const { parameter, packed, slices, gradient, sums = parameter } = sizes({ layers: [alone] } as never);
    const placed = { ...layer, ...at };
    at.offset += align(sums);
    at.packedOffset += align(packed);
    at.slicesOffset += align(slices);
    at.gradientOffset += align(gradient);
    return placed;
  });
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

/**
 * The contents of every tensor before a kernel runs, including tensors that it only writes, so that values which it fails to write show up.
 * Images are read as bytes, so any values will do.
 */
export function startValues(shape: object, sizes: Readonly<Record<string, number>>): Record<string, Values> {
  const random = new Random();
  return Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [name, valuesOf(name, size, shape as Shape, random)]),
  );
}

function valuesOf(name: string, size: number, shape: Shape, random: Random): Values {
  switch (name) {
    case 'state':
      return stateOf(shape);
    case 'order':
      return random.integers(size, size);
    case 'classes':
      return random.integers(size, (shape.classes as number) + 1);
    case 'levels':
      return random.floats(size, 0, 1);
    case 'bytes':
      return random.integers(size, 100); // of numbers that are finite
    // These hold squares, or sums of squares.
    case 'moment2':
    case 'partials':
    case 'squares':
    case 'gradient_squares':
      return random.floats(size, 0.1, 1);
    // For two pixels of a window, swish gives either equal values, or values that differ by more than rounding could confuse.
    case 'pre':
      return random.floats(size, -2, 2).map((v) => Math.round(16 * v) / 16);
    case 'residual':
      return random.floats(size, -1.5, 1.5).map((v) => 4 * Math.round(v));
    default:
      return random.floats(size, -2, 2);
  }
}

interface StateShape {
  readonly batch?: number;
  readonly imageCount?: number;
  readonly count?: number;
}

/** A state in the middle of an epoch and of a batch, with rates that make large changes. */
function stateOf({ batch = 8, imageCount = 20, count: most = imageCount }: StateShape): Uint32Array {
  const state = new Uint32Array(STATE_WORDS);
  const floats = new Float32Array(state.buffer);
  const count = Math.min(batch - 1, imageCount, most);
  state[STATE.step] = 40;
  state[STATE.count] = count;
  state[STATE.batchStart] = imageCount - count;
  state[STATE.epochSize] = 100;
  for (const word of ['correction1', 'correction2', 'learningRate', 'rate'] as const)
    floats[STATE[word]] = 0.5;
  floats[STATE.gradientScale] = 0.7;
  floats[STATE.clip] = 0.5;
  floats[STATE.weightDecay] = 0.1;
  return state;
}
