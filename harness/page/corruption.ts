/** Images with more and more noise, as each objective has them, and what a network sees behind it. Pure. */
import { normal, STREAM, threefry } from '../../src/random';
import type { Objective } from '../../src/training/settings';
import { corruptMoreAndMore, type Images, imageCount } from '../run/pictures';

export interface Corrupted {
  /** The share of noise in each image, from 0 to 1. */
  readonly levels: Float32Array<ArrayBuffer>;
  /** As the network takes them. */
  readonly input: Float32Array<ArrayBuffer>;
  /** As people see them: 0 to 1, with noise beyond. */
  readonly shown: Float32Array<ArrayBuffer>;
  /** The images that the network sees behind them, of what it makes of them; as `shown`. */
  readonly behind: (output: Float32Array) => Float32Array<ArrayBuffer>;
}

/** The first image of several not at all, each more than the one before, the last one wholly. */
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
    // The velocity is noise minus image, so that the image is this far back.
    behind: (velocity) => input.map((x, i) => toPicture(x - levelOf(i) * velocity[i])),
  };
}

/** A flow has pixels from -1 to 1. */
const toPicture = (x: number) => 0.5 * x + 0.5;
