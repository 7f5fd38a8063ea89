/** The noise between four noises, from which the Make view samples: its field has one in each corner. Pure. */
import { imageNoise } from '../../pictures/noise';

/** A place in the field, in percent from its left edge and from its top edge. */
export interface FieldPlace {
  readonly across: number;
  readonly down: number;
}

/** The place whose noise is the seed's own. */
export const START: FieldPlace = { across: 0, down: 0 };

/** An image, by its number, and the place that its noise comes from. */
export interface Placed {
  readonly image: number;
  readonly place: FieldPlace;
}

/** The first `count` images, all at one place. */
export const imagesAt = (place: FieldPlace, count: number): Placed[] =>
  Array.from({ length: count }, (_, image) => ({ image, place }));

/** A smaller share is a rounding error: the cosine of 90 degrees. */
const NOTHING = 1e-12;

/**
 * The share of each corner's noise at a place: top left, top right, bottom left, bottom right. The mix moves along great circles, first
 * across, then down: the squares add up to 1, so the mix of independent Gaussian noises is Gaussian noise of the same variance. (A mix of
 * which the shares add up to 1 would be paler.)
 */
export function sharesAt({ across, down }: FieldPlace): number[] {
  const [a, d] = [across, down].map((percent) => (percent / 200) * Math.PI);
  const shares = [Math.cos(d), Math.sin(d)].flatMap((row) => [row * Math.cos(a), row * Math.sin(a)]);
  return shares.map((share) => (share < NOTHING ? 0 : share));
}

/** The noises that were mixed last, by seed, image and size: the next place mixes the same. */
const corners = new Map<string, Float32Array>();
const MOST_CORNERS = 4 * 256;

function cornerNoise(seed: number, image: number, size: number): Float32Array {
  const key = [seed, image, size].join();
  let noise = corners.get(key);
  if (!noise) {
    if (corners.size >= MOST_CORNERS) corners.clear();
    noise = imageNoise(seed, image, size);
    corners.set(key, noise);
  }
  return noise;
}

/** Noise for these images of `size` pixels, one after the other. The corners hold the noise of the seed and of the next three seeds. */
export function makeFieldNoise(
  seed: number,
  images: readonly Placed[],
  size: number,
): Float32Array<ArrayBuffer> {
  const noise = new Float32Array(images.length * size);
  images.forEach(({ image, place }, at) => {
    for (const [corner, share] of sharesAt(place).entries()) {
      if (share === 0) continue;
      const part = cornerNoise(seed + corner, image, size);
      for (let i = 0; i < size; i++) noise[at * size + i] += share * part[i];
    }
  });
  return noise;
}
