/** The largest batch that fits the device, for the error about one that does not. Loaded on demand. */
import { EngineError } from '../base/errors';
import type { Op } from '../plan/op';

/**
 * `error` with the largest number of images, up to `images`, whose buffers all fit the device; `error` itself if the number of images is not
 * the cause. `option` is the name of the number; `opsOf` may throw for a number that is too large.
 */
export function namingLargestBatch(
  error: EngineError,
  { limits }: GPUDevice,
  { option, images, opsOf }: { option: string; images: number; opsOf: (images: number) => readonly Op[] },
): EngineError {
  const legal = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const fits = (batch: number) => {
    try {
      const tensors = opsOf(batch).flatMap(({ calls }) => calls.flatMap((c) => Object.values(c.tensors)));
      return tensors.every((t) => (t.base ?? t).size * 4 <= legal);
    } catch {
      return false;
    }
  };
  // In groups of four, as batches are padded.
  let good = 0;
  let bad = Math.ceil(images / 4);
  if (fits(4 * bad)) return error;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (fits(4 * middle)) good = middle;
    else bad = middle;
  }
  if (good === 0) return error;
  return new EngineError('limit', `${error.message} Here ${option} can be up to ${4 * good}.`, {
    cause: error,
  });
}
