/** The type of the specs in harness/specs/*.ts, and helpers to write them. */
import type { Kernel } from '../../../src/plan/op';
import type { Arrays, Reference } from '../../../src/plan/reference';
import { padBatch as padded } from '../../../src/plan/tensor';

export type { Arrays, Values } from '../../../src/plan/reference';
/** A multiple of 4 that holds `batch` images: the innermost dimension of every activation. */
export { padded };

/** The expected contents of a tensor. */
export interface Expected {
  /** Exact values: f64 for floats, u32 for integers. */
  readonly values: Float64Array | Uint32Array;
  /** The error allowed in each element; without it none. */
  readonly error?: Float64Array;
}

/** The dimensions of a tensor, from the one that varies slowest on: a failure names its place in them. */
export type Dims = Readonly<Record<string, number>>;

/** The shape of `batch` images. */
export const image = (channels: number, height: number, width: number, batch: number) => ({
  channels,
  height,
  width,
  batch: padded(batch),
});

/** The dimensions of an activation. */
export const imageDims = (
  channels: number,
  { height, width, batch }: { readonly height: number; readonly width: number; readonly batch: number },
): Dims => ({ c: channels, y: height, x: width, n: batch });

/** The relation of a backward kernel to the forward kernel whose gradient it computes. */
interface GradientOf<Shape> {
  readonly forward: Pick<Spec<Shape, string>, 'inputs' | 'reference'>;
  /** The forward tensor of the loss L = sum(cotangent * output). */
  readonly output: string;
  /** Builds the backward kernel's inputs from the forward's inputs and outputs and dL/d(output). */
  readonly inputs: (shape: Shape, forward: Arrays, outputs: Arrays, cotangent: Float64Array) => Arrays;
  /**
   * Forward input -> the output in which the backward kernel leaves its gradient, and the index of element i's gradient there (by default i;
   * -1 for padding, which has none).
   */
  readonly wrt: Readonly<
    Record<string, { readonly output: string; readonly at?: (shape: Shape, i: number) => number }>
  >;
}

/** The fourth twin of a kernel: the cases on which it must agree with its reference, the allowed errors, and its uses in the UNet. */
export interface Spec<Shape, Name extends string = string> {
  readonly kernel: Kernel<Shape, Name>;
  /** Cases by name: size 1, odd and prime sizes, padded batches, the UNet's shapes at a small batch. */
  readonly cases: Readonly<Record<string, Shape>>;
  /** Values of every tensor that the kernel reads (in its own memory order). The others start poisoned. */
  readonly inputs: (shape: Shape, random: TestRandom) => Arrays;
  /** The reference, from src/reference. */
  readonly reference: Reference<Shape>;
  /**
   * The error allowed in each element of the tensors that the kernel writes, derived from the arithmetic (see `EPSILON`). `values` is the
   * reference's result. A tensor that is left out must be exact.
   */
  readonly error: (
    shape: Shape,
    inputs: Arrays,
    values: Arrays,
  ) => Readonly<Partial<Record<Name, Float64Array>>>;
  /** Dimensions of the outputs, for messages. */
  readonly dims?: (shape: Shape) => Readonly<Partial<Record<Name, Dims>>>;
  /** Factors of `error` for variants whose arithmetic errs more; derived, see there. */
  readonly gain?: Readonly<Record<string, number>>;
  /**
   * The emulator's cases of a variant, in place of all small ones: for faults between rounds of a loop, or where a form takes as long for a
   * small case as for a large one.
   */
  readonly emulated?: Readonly<Record<string, readonly string[]>>;
  /** The UNet's uses of this kernel at a batch size, by layer name. */
  readonly bench: (batch: number) => Readonly<Record<string, Shape>>;
  /** For a backward kernel: checked against finite differences of its forward's reference. */
  readonly gradientOf?: GradientOf<Shape>;
}

/** The expected outputs of a kernel, by tensor. */
export function computeExpected<Shape>(
  { reference, error }: Pick<Spec<Shape>, 'reference' | 'error'>,
  shape: Shape,
  inputs: Arrays,
): Record<string, Expected> {
  const values = reference(shape, inputs);
  const errors = error(shape, inputs, values);
  return Object.fromEntries(
    Object.entries(values).map(([name, own]) => [name, { values: own, error: errors[name] }]),
  );
}

/** A record with the same names. */
export const mapValues = <V, W>(
  record: Readonly<Record<string, V>>,
  of: (value: V) => W,
): Record<string, W> => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(value)]));

/** The errors of a kernel that only copies: none. */
export const exact = () => ({});

/** Absolute values of the inputs: from them, a reference that adds up products computes the sums of its terms' absolute values. */
export const absolute = (inputs: Arrays): Arrays => mapValues(inputs, (values) => values.map(Math.abs));

/** Rounding unit of f32: a correctly rounded operation errs by at most this times its result. */
export const EPSILON = 2 ** -24;

/**
 * The error allowed in a sum of `terms` f32 products whose absolute values add up to `magnitude`. Rounding errs by at most
 * EPSILON * magnitude at each addition, and rounding errors of random sign add up like the square root of their number
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2.8), in any order of summation.
 */
export function sumError(terms: number, magnitude: number): number {
  return EPSILON * magnitude * (2 + Math.sqrt(terms));
}

/** Seeded random values for test inputs (mulberry32). */
export class TestRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** `count` floats, uniform in [min, max). */
  floats(count: number, min = -1, max = 1): Float32Array {
    // A plain loop: the bench draws millions.
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = min + (max - min) * this.next();
    return values;
  }

  /** `count` whole numbers in [0, below). */
  integers(count: number, below: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => Math.floor(this.next() * below));
  }
}

/** Number of elements of a case, to select the smallest for the emulator and for finite differences. */
export function elementCount(sizes: Readonly<Record<string, number>>): number {
  return Object.values(sizes).reduce((a, b) => a + b, 0);
}
