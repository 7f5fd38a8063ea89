import type { EmbeddingShape } from '../kernels/embedding';
import type { Arrays } from '../plan/reference';
import { embeddingRows, FREQUENCIES } from '../unet/config';

/** Of frequency k, the angle at a noise level. */
export const angleAt = (k: number, level: number) => 100 ** (k / 15) * level;

/** [rows][batch]: sines, then cosines of the level, then a 1 in the row of the class. */
export function reference(shape: EmbeddingShape, { levels, classes }: Arrays) {
  const { batch, noiseLevel } = shape;
  const features = new Float64Array(embeddingRows(shape) * batch);
  for (let n = 0; n < batch; n++) {
    for (let k = 0; noiseLevel && k < FREQUENCIES; k++) {
      features[k * batch + n] = Math.sin(angleAt(k, levels[n]));
      features[(FREQUENCIES + k) * batch + n] = Math.cos(angleAt(k, levels[n]));
    }
    const first = noiseLevel ? 2 * FREQUENCIES : 0;
    if (shape.classes > 0) features[(first + classes[n]) * batch + n] = 1;
  }
  return { features };
}
