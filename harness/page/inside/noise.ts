/** One image with noise, as each objective mixes it, and what the network is to make of it. Pure. */
import { normal, STREAM, threefry, uniform } from '../../../src/base/random';
import type { Objective } from '../../../src/training/settings';

export interface Noised {
  /** The network's input. */
  readonly noisy: Float32Array;
  /** What its output should be. */
  readonly target: Float32Array;
  /** The input as a picture, 0 to 1 with noise beyond. */
  readonly shown: Float32Array;
  /** The picture behind the noise, by the network's output. */
  readonly behind: (output: Float32Array) => Float32Array;
}

/** `clean` is a picture, 0 to 1. The noise is that of `seed` and `index`, the same at every level. */
export function addNoise(
  objective: Objective,
  clean: Float32Array,
  level: number,
  { seed, index = 0 }: { readonly seed: number; readonly index?: number },
): Noised {
  const draw = (i: number) => threefry(seed, STREAM.noise, 0xffffffff, index * clean.length + i);
  if (objective === 'tutorial') {
    const noisy = clean.map((value, i) => (1 - level) * value + level * uniform(draw(i)[0]));
    return { noisy, target: clean, shown: noisy, behind: (output) => output };
  }
  const noise = clean.map((_, i) => normal(draw(i))[0]);
  const noisy = clean.map((value, i) => (1 - level) * (2 * value - 1) + level * noise[i]);
  return {
    noisy,
    target: clean.map((value, i) => noise[i] - (2 * value - 1)),
    shown: noisy.map(toPicture),
    behind: (velocity) => noisy.map((x, i) => toPicture(x - level * velocity[i])),
  };
}

/** From a flow's pixels, -1 to 1, to 0 to 1. */
const toPicture = (x: number) => 0.5 * x + 0.5;
