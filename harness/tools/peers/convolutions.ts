/** Convolutions by themselves: `createConv2d` beside what other libraries offer, the same shapes and values, in turns. */

import { Waiter } from '../../../src/gpu/wait';
import type { Conv2dShape } from '../../../src/standalone';
import { Random } from '../../specs/lib/spec';
import { median } from './median';
import type { PeerName } from './peer';
import type { Workload } from './workload';

/** Images are NHWC, the kernel HWIO. */
export interface ConvolutionCase extends Conv2dShape {
  readonly input: Float32Array;
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  readonly outputGradient: Float32Array;
}

export interface LoneConvolution {
  /** Resolves when the device has computed the output and, with `backward`, the gradients of input, kernel and bias. */
  run(backward: boolean): Promise<void>;
  /** What it computes of the case: output and those gradients, ordered as in the case. */
  read(): Promise<ArrayLike<number>[]>;
  destroy(): void;
}

/** Uploads the case; nothing is compiled, or all of it. */
export type CreateConvolution = (given: ConvolutionCase) => Promise<LoneConvolution>;

/** Loads a library on demand. */
const load: Readonly<Record<PeerName, () => Promise<CreateConvolution>>> = {
  'jax-js': async () => (await import('./jax_convolution')).createJaxConvolution(),
  'tfjs-webgpu': async () => (await import('./tfjs.mjs')).loadTfjsConvolution('webgpu'),
  'tfjs-webgl': async () => (await import('./tfjs.mjs')).loadTfjsConvolution('webgl'),
};

export interface ConvolutionRow {
  readonly shape: Conv2dShape;
  /** With the gradients of input, kernel and bias, or the output alone. */
  readonly backward: boolean;
  /** The time of each round, by library, ours first. */
  readonly seconds: Readonly<Record<string, readonly number[]>>;
  /** The largest difference from ours over the largest value, in output and gradients, by library. */
  readonly differences: Readonly<Record<string, number>>;
}

/** Winograd's forms for 5x5 kernels multiply the rounding error by some 700 (docs/lab): 1.3e-4 of the largest value has been seen. */
const TOLERANCE = 5e-4;

function caseOf(shape: Conv2dShape): ConvolutionCase {
  const { batch, height, width, inChannels, outChannels, kernelSize } = shape;
  const random = new Random(1);
  const values = (size: number, scale: number) =>
    Float32Array.from({ length: size }, () => (2 * random.next() - 1) * scale);
  const pixels = batch * height * width;
  const taps = kernelSize * kernelSize * inChannels;
  return {
    ...shape,
    input: values(pixels * inChannels, 1),
    kernel: values(taps * outChannels, taps ** -0.5),
    bias: values(outChannels, 1),
    outputGradient: values(pixels * outChannels, 1),
  };
}

/** The convolutions of a network, each shape once. */
function shapesOf({ layers }: Workload, batch: number): Conv2dShape[] {
  const shapes = layers.map(({ height, width, inChannels, outChannels, kernelSize }) => {
    return { batch, height, width, inChannels, outChannels, kernelSize };
  });
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()];
}

/** `ours` and the peers in turns, a shape after the other, each forward and then with its gradients. */
export async function compareConvolutions(
  ours: readonly [name: string, CreateConvolution],
  peers: readonly PeerName[],
  { workload, batch, rounds }: { workload: Workload; batch: number; rounds: number },
  report: (line: string) => void,
): Promise<{ rows: ConvolutionRow[]; problems: string[] }> {
  const libraries = [ours];
  for (const name of peers) libraries.push([name, await load[name]()]);
  const rows: ConvolutionRow[] = [];
  const problems: string[] = [];
  const waiter = new Waiter(() => {});
  const wait = <T>(working: Promise<T>) => waiter.wait(working);
  for (const shape of shapesOf(workload, batch)) {
    const given = caseOf(shape);
    const running = new Map<string, LoneConvolution>();
    for (const [name, create] of libraries) running.set(name, await wait(create(given)));
    const results = new Map<string, ArrayLike<number>[]>();
    for (const [name, convolution] of running) {
      // Both once, to compile and to warm up.
      for (const backward of [false, true]) await wait(convolution.run(backward));
      results.set(name, await wait(convolution.read()));
    }
    const differences = Object.fromEntries(
      peers.map((name) => [name, difference(results.get(ours[0])!, results.get(name)!)]),
    );
    for (const [name, apart] of Object.entries(differences)) {
      if (!(apart <= TOLERANCE))
        problems.push(`${name}: ${textOf(shape)} differs from ours by ${apart}; ${TOLERANCE} is allowed.`);
    }
    for (const backward of [false, true]) {
      const seconds: Record<string, number[]> = Object.fromEntries(libraries.map(([name]) => [name, []]));
      for (let i = 0; i < rounds; i++) {
        for (const [name, convolution] of running) {
          const start = performance.now();
          await wait(convolution.run(backward));
          seconds[name].push((performance.now() - start) / 1000);
        }
      }
      rows.push({ shape, backward, seconds, differences });
      const times = Object.entries(seconds).map(([name, all]) => `${name} ${ms(median(all)!)} ms`);
      report(`${textOf(shape)}${backward ? ', with gradients' : ''}: ${times.join(', ')}`);
    }
    for (const convolution of running.values()) convolution.destroy();
  }
  return { rows, problems };
}

function difference(ours: readonly ArrayLike<number>[], theirs: readonly ArrayLike<number>[]): number {
  const each = ours.map((own, i) => {
    if (own.length !== theirs[i]?.length) return Number.NaN;
    let [largest, apart] = [0, 0];
    for (let j = 0; j < own.length; j++) {
      largest = Math.max(largest, Math.abs(own[j]));
      apart = Math.max(apart, Math.abs(own[j] - theirs[i][j]));
    }
    return apart / largest;
  });
  return each.reduce((a, b) => Math.max(a, b), 0);
}

const ms = (seconds: number) => (seconds * 1000).toPrecision(3);

export const textOf = ({ height, width, inChannels, outChannels, kernelSize }: Conv2dShape) =>
  `${kernelSize}x${kernelSize}, ${inChannels} > ${outChannels}, ${height}x${width}`;
