/** How near samples come to single training pictures, which shows whether a network copies them. Pure. */
import { permutation } from '../../src/base/random';
import type { ImageSet } from '../../src/data/idx';

/** Training pictures whose own neighbours are looked for. */
const MEASURED = 500;
/** Fewer pictures say nothing of what is near. */
const LEAST = 20;
/** The share of training pictures that are nearer to another one than what counts as near. */
const NEAR = 0.05;

interface Neighbour {
  /** The index of the nearest training picture. */
  readonly at: number;
  /** Root mean square of the difference of smoothed pixels, in 255ths. */
  readonly distance: number;
}

type Size = Pick<ImageSet, 'height' | 'width' | 'channels'>;

/** The mean of 3x3 pixels around each, fewer at an edge, [count][height][width][channels]. */
export function smoothed(images: ArrayLike<number>, { height, width, channels }: Size): Float32Array {
  const size = height * width * channels;
  const out = new Float32Array(images.length);
  for (let at = 0; at < out.length; at++) {
    const first = at - (at % size);
    const c = at % channels;
    const x = Math.floor(at / channels) % width;
    const y = Math.floor((at - first) / channels / width);
    let sum = 0;
    let n = 0;
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        sum += images[first + (row * width + column) * channels + c];
        n++;
      }
    }
    out[at] = sum / n;
  }
  return out;
}

/** The nearest of the pictures in `set`, all smoothed; undefined if none differs from it and `isOther` asks for one that does. */
function nearestTo(picture: Float32Array, set: Float32Array, isOther: boolean): Neighbour | undefined {
  const size = picture.length;
  let at = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let first = 0; first < set.length; first += size) {
    let sum = 0;
    for (let i = 0; i < size && sum < least; i++) sum += (picture[i] - set[first + i]) ** 2;
    if (sum >= least || (isOther && sum === 0)) continue;
    at = first / size;
    least = sum;
  }
  return at < 0 ? undefined : { at, distance: Math.sqrt(least / size) };
}

interface Nearness {
  /** The nearest training picture to each sample. */
  readonly neighbours: readonly Neighbour[];
  /** Samples that are nearer to a training picture than 95 in 100 of these are to another; undefined for fewer than 20 pictures. */
  readonly near: number | undefined;
}

/**
 * The training picture nearest to each sample. "Near" is calibrated on the training pictures themselves: up to 500 of them, chosen by `seed`,
 * each with its nearest other; identical ones are no others.
 *
 * @param samples bytes, [count][height][width][channels]
 * @param pause awaited after each picture; may throw, to end the search
 */
export async function nearness(
  samples: Uint8Array,
  set: Pick<ImageSet, 'images' | 'count'> & Size,
  seed: number,
  pause: () => Promise<void> | void = () => {},
): Promise<Nearness> {
  const size = set.height * set.width * set.channels;
  const theirs = smoothed(samples, set);
  const own = smoothed(set.images, set);
  const picture = (of: Float32Array, i: number) => of.subarray(i * size, (i + 1) * size);
  const neighbours: Neighbour[] = [];
  for (let i = 0; i < theirs.length / size; i++) {
    neighbours.push(nearestTo(picture(theirs, i), own, false)!);
    await pause();
  }
  if (set.count < LEAST) return { neighbours, near: undefined };
  const distances: number[] = [];
  for (const i of permutation(set.count, seed, 0).subarray(0, MEASURED)) {
    const other = nearestTo(picture(own, i), own, true);
    if (other) distances.push(other.distance);
    await pause();
  }
  distances.sort((a, b) => a - b);
  const limit = distances[Math.floor(NEAR * distances.length)];
  return { neighbours, near: neighbours.filter(({ distance }) => distance < limit).length };
}
