import { partialCount } from '../../src/kernels/mse';
import { type LossFinishShape, mseFinish } from '../../src/kernels/mse_finish';
import { STATE, STATE_WORDS } from '../../src/training/state';
import { EPSILON, padded, type Spec } from '../spec';

const adam = { beta1: 0.9, beta2: 0.999 };

export const spec: Spec<LossFinishShape, 'partials' | 'state' | 'losses'> = {
  kernel: mseFinish,
  cases: {
    'one partial, a ring of one': { elements: 1, batch: padded(1), batchSize: 1, ring: 1, ...adam },
    'prime sizes': { elements: 97, batch: padded(13), batchSize: 13, ring: 7, ...adam },
    'the tutorial, first step': { elements: 28 * 28, batch: 256, batchSize: 256, ring: 1024, ...adam },
    'next to last step of an epoch': { elements: 28 * 28, batch: 256, batchSize: 256, ring: 1001, ...adam },
    'last step of an epoch': { elements: 28 * 28, batch: 256, batchSize: 256, ring: 1002, ...adam },
    'many partials': { elements: 3 * 128 * 128, batch: padded(50), batchSize: 50, ring: 64, ...adam },
  },
  inputs: (shape, random) => {
    const { batchSize, ring, beta1, beta2 } = shape;
    // Where in an epoch of 274 batches, the last of 112 in 256, the step is: told by the size of the ring, so that cases differ.
    const epoch_size = 273 * batchSize + Math.ceil((112 * batchSize) / 256);
    const step = ring === 1001 ? 272 : ring === 1002 ? 274 * 5 - 1 : ring === 1024 ? 0 : 273 * 2 + 3;
    const batch_start = (step % 274) * batchSize;
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = step;
    state[STATE.batchStart] = batch_start;
    state[STATE.count] = Math.min(batchSize, epoch_size - batch_start);
    state[STATE.epochSize] = epoch_size;
    const floats = new Float32Array(state.buffer);
    floats[STATE.correction1] = 1 - beta1 ** step;
    floats[STATE.correction2] = 1 - beta2 ** step;
    floats[STATE.learningRate] = 1e-3;
    return { partials: random.floats(partialCount(shape), 0, 30), state, losses: random.floats(ring) };
  },
  reference: (shape, { partials, state, losses }) => {
    const { elements, batchSize, ring, beta1, beta2 } = shape;
    const { step, batchStart, count, epochSize, correction1, correction2 } = STATE;
    const values = Float64Array.from(losses);
    const error = new Float64Array(ring);
    const at = state[step] % ring;
    values[at] = Float64Array.from(partials).reduce((a, b) => a + b, 0) / (state[count] * elements);
    // In ulp of 2 EPSILON: the additions that a term goes through (none is negative), a conversion and a division (2.5).
    error[at] = (Math.ceil(partials.length / 64) + 6 + 1 + 2.5) * 2 * EPSILON * values[at];

    const next = Uint32Array.from(state);
    const end = state[batchStart] + state[count];
    next[step]++;
    next[batchStart] = end < state[epochSize] ? end : 0;
    next[count] = Math.min(batchSize, state[epochSize] - next[batchStart]);
    // Compared as floats bit by bit (whole numbers are denormal floats): only the corrections are rounded, twice.
    const words = Float64Array.from(new Float32Array(next.buffer));
    const allowed = new Float64Array(STATE_WORDS);
    const before = new Float32Array(state.buffer, state.byteOffset, STATE_WORDS);
    for (const [word, beta] of [
      [correction1, beta1],
      [correction2, beta2],
    ]) {
      words[word] = before[word] * Math.fround(beta) + Math.fround(1 - beta);
      allowed[word] = 2 * 2 * EPSILON * words[word];
    }
    return { losses: { values, error }, state: { values: words, error: allowed } };
  },
  bench: (batch) => ({
    'up.2': { elements: 28 * 28, batch: padded(batch), batchSize: batch, ring: 1024, ...adam },
  }),
};
