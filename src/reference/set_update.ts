import type { Arrays } from '../plan/reference';
import { type SmallCase, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';

/** The state, with the values of the bytes in the fields that the host sets. */
export function reference(_: object, { bytes, state }: Arrays) {
  const words = Uint32Array.from(state);
  const fields = [STATE.learningRate, STATE.clip, STATE.weightDecay];
  for (const [i, word] of fields.entries())
    words[word] = [...bytes.slice(4 * i, 4 * i + 4)].reduceRight((number, byte) => number * 256 + byte, 0);
  return { state: words };
}

export const small: SmallCase<object> = {
  shape: (shape) => shape,
  // Bytes of numbers that are finite.
  values: { bytes: (size, random) => random.integers(size, 100), state },
};
