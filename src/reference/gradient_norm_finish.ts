import type { GradientNormFinishShape } from '../kernels/gradient_norm_finish';
import type { Arrays } from '../plan/reference';
import { STATE, STATE_WORDS } from '../plan/step_state';

/** The norm in the record of the step under way and in the state, and there what Adam multiplies gradients by. */
export function reference(
  { ring, clip }: GradientNormFinishShape,
  { partials, state, records: before }: Arrays,
) {
  const norm = Math.sqrt(Float64Array.from(partials).reduce((a, b) => a + b, 0));
  const records = Float64Array.from(before);
  records[4 * ((state[STATE.step] - 1) % ring) + 2] = norm;
  // As floats: its whole numbers are denormal ones.
  const words = Float64Array.from(new Float32Array(state.buffer, state.byteOffset, STATE_WORDS));
  words[STATE.gradientNorm] = norm;
  words[STATE.gradientScale] = Math.min(1, Math.fround(clip) / (norm + 1e-6));
  return { records, state: words };
}
