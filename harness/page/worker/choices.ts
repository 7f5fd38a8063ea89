/** The training images that a visitor can choose from, and the conditions of noisy ones. Pure. */
import { EngineError, type ImageSet, type UNet } from '../../../src';
import { greys } from '../../pictures/pictures';
import type { ImageSize } from '../messages/settings';

/** Images where there are no classes, and the most classes: letters and digits. */
const CHOICES = { images: 10, classes: 36 };

/** One image of each class, or the first ones where there are no classes, values from 0 to 1. Throws an EngineError `argument` unless they have the network's size. */
export function exampleImages(
  images: ImageSet,
  { height, width, channels }: ImageSize,
): { readonly label: number | undefined; readonly clean: Float32Array }[] {
  if (images.height !== height || images.width !== width || images.channels !== channels) {
    throw new EngineError(
      'argument',
      `The images are ${images.height}x${images.width}x${images.channels}; this network takes ${height}x${width}x${channels}. Choose images of that size in Train, or another network.`,
    );
  }
  const { labels } = images;
  const first = (label: number) => labels?.indexOf(label) ?? label;
  const found = Array.from({ length: CHOICES[labels ? 'classes' : 'images'] }, (_, label) =>
    first(label),
  ).filter((at) => at >= 0 && at < images.count);
  const size = height * width * channels;
  return (found.length > 0 ? found : [0]).map((at) => ({
    label: labels?.[at],
    clean: greys({ ...images, images: images.images.subarray(at * size) }, 1).values,
  }));
}

/** The choice with this number; the last one if there are fewer. */
export const choiceAt = <T>(choices: readonly T[], at: number): T =>
  choices[Math.min(at, choices.length - 1)];

/** Noise levels and classes of images, as far as the network is conditioned on them. */
export function makeConditions(
  { config: { conditioning } }: UNet,
  levels: Float32Array,
  labels: ArrayLike<number | undefined> | undefined,
) {
  const { noiseLevel = false, classes = 0 } = conditioning ?? {};
  // A class that the network does not know becomes no class.
  const known = Array.from(levels, (_, i) => Math.min(labels?.[i] ?? classes, classes));
  return { ...(noiseLevel ? { levels } : {}), ...(classes > 0 ? { labels: known } : {}) };
}
