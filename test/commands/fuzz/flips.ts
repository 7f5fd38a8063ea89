/** Files of which one bit is another. */
import { EngineError } from '../../../src/base/errors';

/** How many of `count` flipped bits, evenly spread from byte `from` up to `to`, make `load` refuse the file. */
export function flippedBits(
  file: Uint8Array,
  load: (bytes: Uint8Array) => unknown,
  count: number,
  from = 0,
  to = file.length,
): number {
  const copy = file.slice();
  let noticed = 0;
  for (let i = 0; i < count; i++) {
    const bit = 8 * from + Math.floor(((i + 0.5) * 8 * (to - from)) / count);
    const flip = () => {
      copy[bit >> 3] ^= 1 << (bit & 7);
    };
    flip();
    try {
      load(copy);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      noticed++;
    }
    flip();
  }
  return noticed;
}
