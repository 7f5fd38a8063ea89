/** Noise, how each objective mixes it into images, and the images behind it. Pictures are from 0 to 1, a flow's pixels from -1 to 1. Pure. */
import { normal, STREAM, threefry, uniform } from '../../src/base/random';
import type { Objective } from '../../src/training/step_config';
import { type Images, imageCount } from './pictures';

type Values = Float32Array<ArrayBuffer>;

/** A picture's value of a flow's pixel. */
const toPicture = (x: number) => 0.5 * x + 0.5;
/** A flow's pixel of a picture's value. */
export const toFlow = (value: number) => 2 * value - 1;

/** (1 - level) image + level noise. */
export const mix = (image: ArrayLike<number>, noise: ArrayLike<number>, level: number): Values =>
  Float32Array.from(image, (value, i) => (1 - level) * value + level * noise[i]);

/** Gaussian noise for `count` images of `size` pixels: what sampling with this seed starts from. */
export function gaussianNoise(seed: number, count: number, size: number): Values {
  const noise = new Float32Array(count * size);
  for (let image = 0; image < count; image++) noise.set(imageNoise(seed, image, size), image * size);
  return noise;
}

/** The noise of one of those images. */
export function imageNoise(seed: number, image: number, size: number): Values {
  // A draw gives two numbers, for two images.
  return Float32Array.from(
    { length: size },
    (_, i) => normal(threefry(seed, STREAM.sample, image >>> 1, i))[image % 2],
  );
}

/** A picture with a share of the noise of `gaussianNoise`, as a flow mixes it; noise is beyond 0 to 1. */
export const noised = (picture: ArrayLike<number>, level: number, seed: number): Values =>
  mix(picture, gaussianNoise(seed, 1, picture.length).map(toPicture), level);

export interface Noisy {
  /** The network's input. */
  readonly input: Values;
  /** The output of a perfect network for it. */
  readonly target: Values;
  /** The input as a picture; noise is beyond 0 to 1. */
  readonly shown: Values;
  /** The picture behind the noise, of the network's output. */
  readonly behind: (output: Float32Array) => Values;
}

/** Adds noise to picture `index` of several. The noise depends on `seed` and `index` alone, not on the level. */
export function addNoise(
  objective: Objective,
  picture: Float32Array,
  level: number,
  { seed, index = 0 }: { readonly seed: number; readonly index?: number },
): Noisy {
  const draws = Array.from(picture, (_, i) =>
    threefry(seed, STREAM.noise, 0xffffffff, index * picture.length + i),
  );
  if (objective === 'tutorial') {
    const input = mix(
      picture,
      draws.map(([word]) => uniform(word)),
      level,
    );
    return { input, target: picture.slice(), shown: input, behind: (output) => output.slice() };
  }
  const noise = Float32Array.from(draws, (words) => normal(words)[0]);
  const clean = Float32Array.from(picture, toFlow);
  const input = mix(clean, noise, level);
  return {
    input,
    // The velocity is noise minus image, so a subtraction gives the image.
    target: clean.map((value, i) => noise[i] - value),
    shown: input.map(toPicture),
    behind: (velocity) => input.map((x, i) => toPicture(x - level * velocity[i])),
  };
}

interface NoisyImages extends Omit<Noisy, 'target'> {
  /** The share of noise in each image, 0 to 1. */
  readonly levels: Values;
}

/** Adds noise to images, rising from none in the first to noise alone in the last. */
export function noiseMoreAndMore(objective: Objective, images: Images, seed: number): NoisyImages {
  const count = imageCount(images);
  const size = images.values.length / count;
  const partsOf = (values: Float32Array) =>
    Array.from({ length: count }, (_, index) => values.subarray(index * size, (index + 1) * size));
  const levels = Float32Array.from({ length: count }, (_, i) => (count > 1 ? i / (count - 1) : 1));
  const each = partsOf(Float32Array.from(images.values)).map((picture, index) =>
    addNoise(objective, picture, levels[index], { seed, index }),
  );
  return {
    levels,
    input: joined(each.map(({ input }) => input)),
    shown: joined(each.map(({ shown }) => shown)),
    behind: (output) => joined(partsOf(output).map((part, index) => each[index].behind(part))),
  };
}

function joined(parts: readonly Values[]): Values {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
