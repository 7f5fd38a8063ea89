/** Images that a run is measured with and not trained on: the last ones of a set. Shared by the page and the command line. Pure. */
import type { ImageSet } from '../../src/data/idx';

/** A smaller data set is needed whole for training. */
const FEWEST = 100;
const MOST = 1000;

/** Default number of held-out images: a tenth for a conditioned network, none for the tutorial's. */
export const usualHoldOut = (conditioned: boolean, count: number): number =>
  conditioned && count >= FEWEST ? Math.min(MOST, Math.floor(count / 10)) : 0;

/** Splits a set into its first images and the last `count`; some must be left. */
export function split(set: ImageSet, count: number): { train: ImageSet; held: ImageSet | undefined } {
  if (count === 0) return { train: set, held: undefined };
  const edge = set.count - count;
  return { train: imagesFrom(set, 0, edge), held: imagesFrom(set, edge, set.count) };
}

/** The images from index `from` up to, not including, `to`, with their labels. They share the set's memory. */
export function imagesFrom(set: ImageSet, from: number, to: number): ImageSet {
  const size = set.height * set.width * set.channels;
  const labels = set.labels && { labels: set.labels.subarray(from, to) };
  return { ...set, images: set.images.subarray(from * size, to * size), count: to - from, ...labels };
}
