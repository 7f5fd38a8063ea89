/** Images with growing noise, mixed as each objective mixes it, and the images that a network predicts behind it. Pure. */
import { normal, STREAM, threefry } from '../../src/base/random';
import type { Objective } from '../../src/training/settings';
import { corruptMoreAndMore, type Images, imageCount } from '../run/pictures';

export interface Corrupted {
  /** The share of noise in each image, from 0 to 1. */
  readonly levels: Float32Array<ArrayBuffer>;
  /** The network's input. */
  readonly input: Float32Array<ArrayBuffer>;
  /** For display: 0 to 1, with noise beyond. */
  readonly shown: Float32Array<ArrayBuffer>;
  /** Computes the clean images behind the noise from the network's output; in the range of `shown`. */
  readonly behind: (output: Float32Array) => Float32Array<ArrayBuffer>;
}

/** Mixes noise into images, each more than the one before: none into the first, only noise for the last. */
export function corrupt(objective: Objective, images: Images, seed: number): Corrupted {
  const count = imageCount(images);
  const size = images.values.length / count;
  const levels = Float32Array.from({ length: count }, (_, i) => (count > 1 ? i / (count - 1) : 1));
  if (objective === 'tutorial') {
    const { values } = corruptMoreAndMore(images, seed);
    return { levels, input: values, shown: values, behind: (output) => output.slice() };
  }
  const levelOf = (i: number) => levels[Math.floor(i / size)];
  const input = Float32Array.from(images.values, (value, i) => {
    const [noise] = normal(threefry(seed, STREAM.noise, 0xffffffff, i));
    return (1 - levelOf(i)) * (2 * value - 1) + levelOf(i) * noise;
  });
  return {
    levels,
    input,
    shown: input.map(toPicture),
    // The velocity is noise minus image, so this subtraction gives the image.
    behind: (velocity) => input.map((x, i) => toPicture(x - levelOf(i) * velocity[i])),
  };
}

/** Converts a flow's pixels, from -1 to 1, to the range from 0 to 1. */
const toPicture = (x: number) => 0.5 * x + 0.5;
