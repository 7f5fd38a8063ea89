import type { FinishStepShape } from '../kernels/finish_step';
import type { Arrays, Values } from '../plan/reference';
import { rateFactor } from '../plan/schedule';
import { atMost, ELEMENTS, type SmallCase, squares, state } from '../plan/small_case';
import { STATE, STATE_WORDS, scheduleIn } from '../plan/step_state';

/**
 * The reason why a step does not count; 0 if it does. 1: the loss; 2 + k: block k of the gradients. Of several blocks, the last convolution
 * block counts, else the last.
 */
function causeOf({ convolutionPartials }: FinishStepShape, squares: Values, gradients: Values): number {
  if (!squares.every(Number.isFinite)) return 1;
  const bad = [...gradients.keys()].filter((k) => !Number.isFinite(gradients[k]));
  if (bad.length === 0) return 0;
  return 2 + (bad.filter((k) => k < convolutionPartials).at(-1) ?? bad.at(-1)!);
}

const sum = (terms: Values) => Float64Array.from(terms).reduce((a, b) => a + b, 0);

/** Loss, rate and norm in the step's record, and the state of the next step, as floats: its integers are denormals. */
export function reference(
  shape: FinishStepShape,
  { squares, gradient_squares, state, records: before }: Arrays,
) {
  const { elements, batchSize, ring, mostSkipped = 0 } = shape;
  const { step, batchStart, count, epochSize, skipped } = STATE;
  const floats = new Float32Array(state.buffer, state.byteOffset, STATE_WORDS);
  const records = Float64Array.from(before);
  const next = Uint32Array.from(state);
  const words = () => Float64Array.from(new Float32Array(next.buffer));
  if (state[skipped] > mostSkipped) return { records, state: words() };

  const loss = sum(squares) / (state[count] * elements);
  const norm = Math.sqrt(sum(gradient_squares));
  const rate = floats[STATE.learningRate] * rateFactor(scheduleIn(next), state[step]);
  const cause = causeOf(shape, squares, gradient_squares);
  next[skipped] = cause === 0 ? 0 : state[skipped] + 1;
  const ends = next[skipped] > mostSkipped;
  const finiteOrNaN = (v: number) => (Number.isFinite(v) ? v : NaN);
  records.set([finiteOrNaN(loss), rate, finiteOrNaN(norm), cause], 4 * (ends ? ring : state[step] % ring));
  if (ends) return { records, state: words() };

  const end = state[batchStart] + state[count];
  next[step]++;
  next[batchStart] = end < state[epochSize] ? end : 0;
  next[count] = Math.min(batchSize, state[epochSize] - next[batchStart]);
  const after = words();
  if (cause === 0) {
    const corrected = (word: number, beta: number) =>
      floats[word] * Math.fround(beta) + Math.fround(1 - beta);
    after[STATE.rate] = rate;
    after[STATE.gradientScale] = Math.min(1, floats[STATE.clip] / (norm + 1e-6));
    after[STATE.correction1] = corrected(STATE.correction1, shape.beta1);
    after[STATE.correction2] = corrected(STATE.correction2, shape.beta2);
  }
  return { records, state: after };
}

export const small: SmallCase<FinishStepShape> = {
  shape: atMost<FinishStepShape>({
    elements: ELEMENTS,
    batch: 8,
    gradientPartials: 70,
    convolutionPartials: 60,
    ring: 5,
    batchSize: 'as it is',
    mostSkipped: 'as it is',
    beta1: 'as it is',
    beta2: 'as it is',
  }),
  values: { state, squares, gradient_squares: squares },
};
