/** Checks the conditions of a network: noise levels and labels. */

import { isFloats } from '../base/arrays';
import { argumentError, wrongType } from '../base/errors';

/** Throws an `argument` error unless the caller gave one noise level for each image, 0 to 1. */
export function checkLevels(levels: Float32Array, count: number): void {
  if (!isFloats(levels)) {
    throw wrongType('levels', levels, 'a Float32Array of a noise level for each image, 0 to 1');
  }
  checkCount('levels', levels, count);
  const at = levels.findIndex((t) => !(t >= 0 && t <= 1));
  if (at < 0) return;
  throw argumentError(
    `levels[${at}] is ${levels[at]}; a noise level is a number from 0 (the image) to 1 (noise).`,
  );
}

/** Throws an `argument` error unless the caller gave one label for each image: a class, or `classes`, which means none. */
export function checkLabels(labels: ArrayLike<number>, classes: number, count: number): void {
  if (typeof labels !== 'object' || typeof labels?.length !== 'number') {
    throw wrongType(
      'labels',
      labels,
      `an array of a class for each image, 0 to ${classes - 1}, or ${classes} for none`,
    );
  }
  checkCount('labels', labels, count);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (Number.isInteger(label) && label >= 0 && label <= classes) continue;
    throw argumentError(
      `labels[${i}] is ${label}; this network has classes 0 to ${classes - 1}, and ${classes} stands for none.`,
    );
  }
}

function checkCount(name: string, { length }: ArrayLike<number>, count: number): void {
  if (length === count) return;
  throw argumentError(`${name} has ${length} values for ${count} images; give one for each.`);
}
