import { partialCount } from '../../src/kernels/mse';
import { type LossFinishShape, mseFinish } from '../../src/kernels/mse_finish';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/mse_finish';
import {
  checkSchedule,
  constantSchedule,
  rateFactor,
  type ScheduleOptions,
} from '../../src/training/schedule';
import { EPSILON, padded, type Spec } from '../spec';

const adam = { beta1: 0.9, beta2: 0.999 };
const BASE_RATE = 1e-3;

/** What the state says before the step. */
interface Case extends LossFinishShape {
  readonly step: number;
}

/** An epoch has 274 batches, the last of 112 in 256. */
const PER_EPOCH = 274;
const tutorial = { elements: 28 * 28, batch: 256, batchSize: 256, ring: 1024, ...adam };
const small = { elements: 3, batch: padded(2), batchSize: 2, ring: 5, ...adam };
/** Small cases of a schedule, by the number of completed steps. */
const scheduled = (given: ScheduleOptions, steps: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    Object.entries(steps).map(([title, step]) => [title, { ...small, step, schedule: checkSchedule(given) }]),
  );

export const spec: Spec<Case, 'partials' | 'state' | 'records'> = {
  kernel: mseFinish,
  cases: {
    'one partial, a ring of one': {
      elements: 1,
      batch: padded(1),
      batchSize: 1,
      ring: 1,
      step: PER_EPOCH * 2 + 3,
      ...adam,
    },
    'prime sizes': { elements: 97, batch: padded(13), batchSize: 13, ring: 7, step: 551, ...adam },
    'the tutorial, first step': { ...tutorial, step: 0 },
    'next to last step of an epoch': { ...tutorial, step: PER_EPOCH - 2 },
    'last step of an epoch': { ...tutorial, step: PER_EPOCH * 5 - 1 },
    'many partials': {
      elements: 3 * 128 * 128,
      batch: padded(50),
      batchSize: 50,
      ring: 64,
      step: 551,
      ...adam,
    },
    ...scheduled(
      { warmup: 100 },
      {
        'warm-up, first step': 0,
        'warm-up, in the middle': 36,
        'warm-up, last step': 99,
        'after the warm-up': 100,
        'long after the warm-up': 100_000,
      },
    ),
    ...scheduled({ warmup: 1 }, { 'a warm-up of one step': 0 }),
    ...scheduled(
      { warmup: 10, decay: 'cosine', steps: 1010 },
      {
        'cosine, still in its warm-up': 4,
        'cosine, first step': 10,
        'cosine, a quarter': 260,
        'cosine, in the middle': 510,
        'cosine, last step': 1009,
        'cosine, at the end': 1010,
        'cosine, after the end': 5000,
      },
    ),
    ...scheduled({ decay: 'cosine', steps: 3 }, { 'a short cosine without warm-up': 1 }),
    ...scheduled(
      { decay: 'cosine', steps: 1e6, floor: 0 },
      { 'a cosine to 0, near the end': 999_900, 'a cosine to 0, at the end': 1e6 },
    ),
    ...scheduled({ decay: 'cosine', steps: 100, floor: 1 }, { 'a floor at the base rate': 50 }),
  },
  inputs: (shape, random) => {
    const { batchSize, ring, beta1, beta2, step } = shape;
    const epoch_size = (PER_EPOCH - 1) * batchSize + Math.ceil((112 * batchSize) / 256);
    const batch_start = (step % PER_EPOCH) * batchSize;
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = step;
    state[STATE.batchStart] = batch_start;
    state[STATE.count] = Math.min(batchSize, epoch_size - batch_start);
    state[STATE.epochSize] = epoch_size;
    const floats = new Float32Array(state.buffer);
    floats[STATE.correction1] = 1 - beta1 ** step;
    floats[STATE.correction2] = 1 - beta2 ** step;
    floats[STATE.learningRate] = BASE_RATE;
    // As a step before it may have left them.
    floats[STATE.rate] = 0.7;
    floats[STATE.gradientScale] = 0.01;
    floats[STATE.gradientNorm] = 100;
    return { partials: random.floats(partialCount(shape), 0, 30), state, records: random.floats(4 * ring) };
  },
  reference,
  error: (shape, { partials, state: before, records: old }, values) => {
    const { ring, schedule = constantSchedule } = shape;
    const ulp = 2 * EPSILON;
    const base = new Float32Array(before.buffer, before.byteOffset, STATE_WORDS)[STATE.learningRate];
    const factor = rateFactor(schedule, before[STATE.step]);
    const records = new Float64Array(old.length);
    const at = 4 * (before[STATE.step] % ring);
    // In ulp: the additions that a term goes through (none is negative), a conversion and a division (2.5).
    records[at] = (Math.ceil(partials.length / 64) + 6 + 1 + 2.5) * ulp * values.records[at];
    // In the warm-up a division and a product.
    if (before[STATE.step] < schedule.warmup) records[at + 1] = 3.5 * ulp * base * factor;
    else if (schedule.decay === 'cosine') {
      // The angle pi t / 2 has the errors of a division and of a difference; its cosine, the root of the share, moves by its sine, and
      // errs by 2e-7 of itself. Squared, times 1 - floor: 3 roundings.
      const share = (factor - schedule.floor) / Math.max(1 - schedule.floor, 1e-9);
      const angle = (Math.PI / 2) * 3.5 * ulp;
      const wave = angle * Math.sqrt(Math.max(0, 1 - share)) + 2e-7;
      const square = 2 * Math.sqrt(share) * wave + (angle + 2e-7) ** 2;
      const above = (1 - schedule.floor) * (square + 3 * ulp * share);
      records[at + 1] = base * (above + 2 * ulp * factor); // a sum and a product
    }
    // Rounded are the rate, and the corrections, twice.
    const state = new Float64Array(STATE_WORDS);
    state[STATE.rate] = records[at + 1];
    for (const word of [STATE.correction1, STATE.correction2]) state[word] = 2 * ulp * values.state[word];
    return { records, state };
  },
  bench: (batch) => ({
    'up.2': { elements: 28 * 28, batch: padded(batch), batchSize: batch, ring: 1024, step: 0, ...adam },
  }),
};
