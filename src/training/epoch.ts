/** Cuts a data set into batches. */

/** The parts of an epoch. */
export interface EpochParts {
  readonly imageCount: number;
  readonly batchSize: number;
  readonly dropLast?: boolean | undefined;
}

/** Steps of an epoch: at least one. */
export function stepsPerEpoch({ imageCount, batchSize, dropLast = false }: EpochParts): number {
  return dropLast ? Math.max(1, Math.floor(imageCount / batchSize)) : Math.ceil(imageCount / batchSize);
}

/** Images of an epoch. */
export const imagesOfEpoch = (parts: EpochParts): number =>
  Math.min(parts.imageCount, stepsPerEpoch(parts) * parts.batchSize);

/** Images in the batch of the step after `step` completed ones. */
export function imagesOfStep(parts: EpochParts, step: number): number {
  const { imageCount, batchSize } = parts;
  return Math.min(batchSize, imageCount - (step % stepsPerEpoch(parts)) * batchSize);
}
