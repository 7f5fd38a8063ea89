/** The inputs of a conditioned network beside the image, for its configuration and for the kernel that makes features of them. */

/**
 * The conditions that a network gets for each image, as a bias per channel of each convolution but the last: the noise level t as sin(w_k t)
 * and cos(w_k t), w_k = 100^(k/15), k = 0 … 15, goes through a linear layer of width 64, to which a class adds its row of a table; then
 * come swish and a linear layer that outputs all those biases.
 */
export interface Conditioning {
  /** Whether the network gets the share of noise in an image, 0 to 1. */
  readonly noiseLevel: boolean;
  /** Number of classes, 0 (none) to 255; the table has one more row, for an image without a class. */
  readonly classes: number;
}

/** Width of the first linear layer. */
export const HIDDEN = 64;

/** The noise level enters as this many sines and as many cosines. */
export const FREQUENCIES = 16;

/** Inputs of the first linear layer: sines and cosines, then one for each class and one for no class. */
export const embeddingRows = ({ noiseLevel, classes }: Conditioning) =>
  (noiseLevel ? 2 * FREQUENCIES : 0) + (classes > 0 ? classes + 1 : 0);
