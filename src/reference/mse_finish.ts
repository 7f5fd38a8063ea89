import type { LossFinishShape } from '../kernels/mse_finish';
import type { Arrays } from '../plan/reference';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { constantSchedule, rateFactor } from '../training/schedule';

/** Loss and learning rate in the step's record, and the state of the next step. */
export function reference(shape: LossFinishShape, { partials, state, records: before }: Arrays) {
  const { elements, batchSize, ring, schedule = constantSchedule } = shape;
  const { step, batchStart, count, epochSize } = STATE;
  const floats = new Float32Array(state.buffer, state.byteOffset, STATE_WORDS);
  const loss = Float64Array.from(partials).reduce((a, b) => a + b, 0) / (state[count] * elements);
  const rate = floats[STATE.learningRate] * rateFactor(schedule, state[step]);
  const records = Float64Array.from(before);
  records.set([loss, rate, 0, 0], 4 * (state[step] % ring));

  const next = Uint32Array.from(state);
  const end = state[batchStart] + state[count];
  next[step]++;
  next[batchStart] = end < state[epochSize] ? end : 0;
  next[count] = Math.min(batchSize, state[epochSize] - next[batchStart]);
  // As floats: its whole numbers are denormal ones.
  const words = Float64Array.from(new Float32Array(next.buffer));
  words[STATE.rate] = rate;
  words[STATE.gradientScale] = 1;
  words[STATE.gradientNorm] = 0;
  const corrected = (word: number, beta: number) => floats[word] * Math.fround(beta) + Math.fround(1 - beta);
  words[STATE.correction1] = corrected(STATE.correction1, shape.beta1);
  words[STATE.correction2] = corrected(STATE.correction2, shape.beta2);
  return { records, state: words };
}
