/** A diffusion model as a classifier (Li et al., "Your diffusion model is secretly a zero-shot classifier", 2023). Pure but for the network. */
import { EngineError } from '../../src/base/errors';
import { normal, STREAM, threefry } from '../../src/base/random';
import type { UNet } from '../../src/unet/unet';
import { mix, toFlow } from './noise';

/**
 * The noise levels at which each class is tried. With less noise the image itself says all and the class adds nothing; with more the image
 * says nothing. Chosen on 200 held-out digits: each of 0.05, 0.15, … 0.95 alone, and ranges of them.
 */
export const CLASSIFY_LEVELS = [0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

/**
 * The image's loss for each class: the mean squared error of the network's prediction, conditioned on that class, over `CLASSIFY_LEVELS`. All
 * classes meet the same noise, so only what the class tells makes a difference. One call of `predict` with an image for each class and level.
 *
 * @param unet of the objective `flow`, conditioned on level and class
 * @param image [height][width][channels], values from 0 to 1
 * @returns [classes]; the least belongs to the class that fits best. Errors, not probabilities.
 */
export async function classLosses(
  unet: Pick<UNet, 'config' | 'predict'>,
  image: Float32Array,
  seed = 0,
): Promise<Float32Array<ArrayBuffer>> {
  const { classes = 0, noiseLevel } = unet.config.conditioning ?? {};
  if (classes === 0 || !noiseLevel) {
    throw new EngineError(
      'argument',
      'This network is not conditioned on noise level and class, so it cannot say which class fits an image.',
    );
  }
  const levels = CLASSIFY_LEVELS;
  const size = image.length;
  const clean = image.map(toFlow);
  const noise = levels.map((_, l) =>
    Float32Array.from(image, (_, i) => normal(threefry(seed, STREAM.noise, l, i))[0]),
  );
  const count = classes * levels.length;
  const input = new Float32Array(count * size);
  for (let n = 0; n < count; n++) {
    const l = n % levels.length;
    input.set(mix(clean, noise[l], levels[l]), n * size);
  }
  const conditions = {
    levels: Float32Array.from({ length: count }, (_, n) => levels[n % levels.length]),
    labels: Array.from({ length: count }, (_, n) => Math.floor(n / levels.length)),
  };
  const velocity = await unet.predict(input, { count, ...conditions });
  const losses = new Float32Array(classes);
  for (let n = 0; n < count; n++) {
    let sum = 0;
    for (let i = 0; i < size; i++) {
      const wanted = noise[n % levels.length][i] - clean[i];
      sum += (velocity[n * size + i] - wanted) ** 2;
    }
    losses[conditions.labels[n]] += sum / (size * levels.length);
  }
  return losses;
}
