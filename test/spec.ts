/** What test/kernels/*.ts state about a kernel, and small helpers for writing it down. */
import type { Kernel } from '../src/plan/op';

export type Values = Float32Array | Float64Array | Uint32Array;
export type Arrays = Readonly<Record<string, Values>>;

/** What a kernel must write into one tensor. */
export interface Expected {
  /** Exact values: f64 for floats, u32 for integers (which must match exactly). */
  readonly values: Float64Array | Uint32Array;
  /** The error allowed in each element, derived from the arithmetic (see `EPSILON`). Absent for integers. */
  readonly error?: Float64Array;
  /** The values that a tensor's words stand for, where they are neither f32 nor u32 as they are. */
  readonly unpack?: (words: Uint32Array) => Values;
}

/** The dimensions of a tensor, from the one that varies slowest on: a failure is told by its place in them. */
export type Dims = Readonly<Record<string, number>>;

/** Those of an activation. */
export const imageDims = (
  channels: number,
  { height, width, batch }: { readonly height: number; readonly width: number; readonly batch: number },
): Dims => ({ c: channels, y: height, x: width, n: batch });

/** How a backward kernel relates to the forward kernel whose gradient it computes. */
export interface GradientOf<Shape> {
  readonly forward: Pick<Spec<Shape, string>, 'inputs' | 'reference'>;
  /** The forward tensor that the loss is taken of, L = sum(cotangent * output). */
  readonly output: string;
  /** Builds the backward kernel's inputs from the forward's inputs and outputs and dL/d(output). */
  readonly inputs: (
    shape: Shape,
    forward: Arrays,
    outputs: Record<string, Expected>,
    cotangent: Float64Array,
  ) => Arrays;
  /**
   * Forward input -> the output in which the backward kernel leaves its gradient, and where the gradient of element i lies
   * there (by default at i; -1 for padding, which has none).
   */
  readonly wrt: Readonly<
    Record<string, { readonly output: string; readonly at?: (shape: Shape, i: number) => number }>
  >;
}

/** The third twin of a kernel: what it must compute, on which cases, how exactly, and where the UNet uses it. */
export interface Spec<Shape, Name extends string = string> {
  readonly kernel: Kernel<Shape, Name>;
  /** By name: size 1, odd and prime sizes, batches that are padded, the UNet's own shapes at a small batch. */
  readonly cases: Readonly<Record<string, Shape>>;
  /** Values of every tensor that the kernel reads (in its own memory order). The others start poisoned. */
  readonly inputs: (shape: Shape, random: Random) => Arrays;
  /** Plain loops in f64: what every tensor that the kernel writes must hold. */
  readonly reference: (shape: Shape, inputs: Arrays) => Record<string, Expected>;
  /** Dimensions of what it writes, for messages, where there are any. */
  readonly dims?: (shape: Shape) => Readonly<Partial<Record<Name, Dims>>>;
  /** Variants whose arithmetic errs more than the reference allows for, and by what factor; derived, see there. */
  readonly gain?: Readonly<Record<string, number>>;
  /** Cases that the emulator also runs, by variant, whatever they take: for faults between rounds of a loop, say. */
  readonly emulated?: Readonly<Record<string, readonly string[]>>;
  /** The UNet's own uses of this kernel at a batch size, by layer name. */
  readonly bench: (batch: number) => Readonly<Record<string, Shape>>;
  /** For a backward kernel: checked against finite differences of its forward's reference. */
  readonly gradientOf?: GradientOf<Shape>;
}

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
export class Random {
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

/** A multiple of 4 that holds `batch` images: the innermost dimension of every activation. */
export { padBatch as padded } from '../src/plan/tensor';

/** Ids of the small cases, for the emulator and for finite differences: those with the fewest elements. */
export function elementCount(sizes: Readonly<Record<string, number>>): number {
  return Object.values(sizes).reduce((a, b) => a + b, 0);
}
