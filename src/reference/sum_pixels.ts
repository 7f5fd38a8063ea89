import type { SumPixelsShape } from '../kernels/sum_pixels';
import type { Arrays } from '../plan/reference';
import { atMost, MAP, type SmallCase } from '../plan/small_case';

/** Writes to `sums` [rows][batch], from row `first` on, the sum over each channel's pixels of `grad` [channels][height][width][batch]. */
export function reference({ channels, height, width, batch, first }: SumPixelsShape, { grad, sums }: Arrays) {
  const result = Float64Array.from(sums).fill(0, first * batch);
  const pixels = height * width;
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++)
      for (let n = 0; n < batch; n++) result[(first + c) * batch + n] += grad[(c * pixels + p) * batch + n];
  }
  return { sums: result };
}

export const small: SmallCase<SumPixelsShape> = {
  shape: atMost<SumPixelsShape>({ ...MAP, first: 3 }),
};
