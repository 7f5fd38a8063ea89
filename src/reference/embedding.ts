import type { EmbeddingShape } from '../kernels/embedding';
import type { Arrays } from '../plan/reference';
import { atMost, between, type SmallCase } from '../plan/small_case';

const FREQUENCIES = 16;

/** The angle of frequency k at a noise level. */
export const angleAt = (k: number, level: number) => 100 ** (k / 15) * level;

/** [rows][batch]: sines of the level, then its cosines, then a 1 in the row of the class. */
export function reference(shape: EmbeddingShape, { levels, classes }: Arrays) {
  const { batch, noiseLevel, classes: count } = shape;
  const first = noiseLevel ? 2 * FREQUENCIES : 0;
  const features = new Float64Array((first + (count > 0 ? count + 1 : 0)) * batch);
  for (let n = 0; n < batch; n++) {
    for (let k = 0; noiseLevel && k < FREQUENCIES; k++) {
      features[k * batch + n] = Math.sin(angleAt(k, levels[n]));
      features[(FREQUENCIES + k) * batch + n] = Math.cos(angleAt(k, levels[n]));
    }
    if (count > 0) features[(first + classes[n]) * batch + n] = 1;
  }
  return { features };
}

export const small: SmallCase<EmbeddingShape> = {
  shape: atMost<EmbeddingShape>({ batch: 8, classes: 'as it is' }),
  values: {
    levels: between(0, 1),
    classes: (size, random, { classes }) => random.integers(size, classes + 1),
  },
};
