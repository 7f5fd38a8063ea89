import { type FinishStepShape, finishStep } from '../../src/kernels/finish_step';
import { normPartialCount } from '../../src/kernels/gradient_norm';
import { partialCount } from '../../src/kernels/mse';
import { checkSchedule, rateFactor, type Schedule, type ScheduleOptions } from '../../src/plan/schedule';
import { STATE, STATE_WORDS, scheduleIn, scheduleWords } from '../../src/plan/step_state';
import { reference } from '../../src/reference/finish_step';
import { EPSILON, mapValues, padded, type Spec, type Values } from './lib/spec';
import { parameterLayers } from './pack_weights';

const BASE_RATE = 1e-3;

/** A case, with the state before the step and its inputs. */
interface Case extends FinishStepShape {
  readonly step: number;
  /** Default: none, as in a state of zeros. */
  readonly schedule?: Schedule;
  /** Number of non-finite steps before it. Default 0. */
  readonly skipped?: number;
  /** Default: no clipping. */
  readonly clip?: number;
  /** The largest partial sum of squares of gradients. Default 1. */
  readonly largest?: number;
  /** Partial sums that are not finite, or large, by their place. */
  readonly badSquares?: Readonly<Record<number, number>>;
  readonly badGradients?: Readonly<Record<number, number>>;
}

/** Blocks of the tutorial's layers. */
const tutorialBlocks = normPartialCount({
  layers: Object.values(parameterLayers).map((layer) => ({ ...layer, slices: 1, slicesOffset: 0 })),
});
/** An epoch has 274 batches, the last of 112 in 256. */
const PER_EPOCH = 274;
const adam = { beta1: 0.9, beta2: 0.999 };
const blocks = (gradientPartials: number, convolutionPartials = gradientPartials) => ({
  gradientPartials,
  convolutionPartials,
});
const tutorial = {
  elements: 28 * 28,
  batch: 256,
  batchSize: 256,
  ring: 1024,
  ...adam,
  ...blocks(tutorialBlocks),
};
const small = { elements: 3, batch: padded(2), batchSize: 2, ring: 5, step: 22, ...adam, ...blocks(3) };
const middle = { ...small, elements: 28 * 28, batch: 8, batchSize: 8, ...blocks(131, 120) };
/** Small cases of a schedule, by the number of completed steps. */
const scheduled = (given: ScheduleOptions, steps: Readonly<Record<string, number>>) =>
  mapValues(steps, (step) => ({ ...small, step, schedule: checkSchedule(given) }));
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

export const spec: Spec<Case, 'squares' | 'gradient_squares' | 'state' | 'records'> = {
  kernel: finishStep,
  cases: {
    'one partial, a ring of one': {
      ...small,
      elements: 1,
      batch: padded(1),
      batchSize: 1,
      ring: 1,
      step: PER_EPOCH * 2 + 3,
      ...blocks(1),
    },
    'prime sizes': { ...small, elements: 97, batch: padded(13), batchSize: 13, ring: 7, ...blocks(131, 7) },
    'the tutorial, first step': { ...tutorial, step: 0 },
    'next to last step of an epoch': { ...tutorial, step: PER_EPOCH - 2 },
    'last step of an epoch': { ...tutorial, step: PER_EPOCH * 5 - 1 },
    'many partials': {
      ...small,
      elements: 3 * 128 * 128,
      batch: padded(50),
      batchSize: 50,
      ring: 64,
      ...blocks(35_001),
    },
    clips: { ...small, ...blocks(65), clip: 0.1 },
    'does not clip': { ...small, ...blocks(65), clip: 10 },
    'no gradient at all': { ...small, ...blocks(70), clip: 1, largest: 0 },
    'a clip as small as what keeps it from dividing by 0': {
      ...small,
      ...blocks(70),
      clip: 1e-7,
      largest: 1e-15,
    },
    'gradients that explode': { ...small, ...blocks(70), clip: 1, largest: 1e30 },
    'a loss that is no number ends the run': { ...small, badSquares: { 0: nan } },
    'a loss that is infinite': { ...middle, badSquares: { 3: inf } },
    'a loss that is finite, but not what it is the mean of': { ...middle, badSquares: { 3: 2e38, 4: 3e38 } },
    'a gradient that is no number ends the run': { ...middle, badGradients: { 70: nan } },
    'a gradient that is infinite, minus as the sign may be': {
      ...middle,
      badGradients: { 0: -inf, 1: 3e30 },
    },
    'the gradient nearest to the loss is reported': {
      ...middle,
      badGradients: { 0: nan, 64: inf, 70: nan, 119: inf, 120: nan, 130: inf },
    },
    'gradients of the conditioning alone': { ...middle, badGradients: { 121: inf, 120: nan } },
    'a norm that is finite, but not its square': {
      ...middle,
      clip: 1,
      badGradients: { 8: 3e38, 40: 9e37, 119: 3e38, 130: 3e38 },
    },
    'the loss goes before the gradients': { ...middle, badSquares: { 1: nan }, badGradients: { 7: nan } },
    'a step that is skipped': { ...middle, mostSkipped: 2, skipped: 1, badSquares: { 1: nan } },
    'a step that is skipped for its gradient': { ...middle, mostSkipped: 1, badGradients: { 5: inf } },
    'one too many': { ...middle, mostSkipped: 2, skipped: 2, badGradients: { 5: inf } },
    'a good one after some that were skipped': { ...middle, mostSkipped: 2, skipped: 2 },
    'a good one after the end': { ...middle, skipped: 1 },
    'a good one after one too many': { ...middle, mostSkipped: 2, skipped: 3 },
    'a bad one after the end': { ...middle, skipped: 1, badSquares: { 1: nan } },
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
    ...scheduled(
      { warmup: 10, decay: 'linear', steps: 1010, floor: 0.1 },
      {
        'a line, still in its warm-up': 4,
        'a line, before it falls': 300,
        'a line, half of the way': 510,
        'a line, three quarters': 760,
        'a line, at the end': 1010,
        'a line, after the end': 5000,
      },
    ),
    ...scheduled({ decay: 'linear', steps: 0x7fffffff, floor: 0 }, { 'the longest line': 100_000 }),
  },
  inputs: (shape, random) => {
    const { batchSize, ring, beta1, beta2, step, gradientPartials, largest = 1, skipped = 0 } = shape;
    const epoch_size = (PER_EPOCH - 1) * batchSize + Math.ceil((112 * batchSize) / 256);
    const batch_start = (step % PER_EPOCH) * batchSize;
    const state = new Uint32Array(STATE_WORDS);
    state[STATE.step] = step;
    state[STATE.batchStart] = batch_start;
    state[STATE.count] = Math.min(batchSize, epoch_size - batch_start);
    state[STATE.epochSize] = epoch_size;
    state[STATE.skipped] = skipped;
    const floats = new Float32Array(state.buffer);
    floats[STATE.correction1] = 1 - beta1 ** step;
    floats[STATE.correction2] = 1 - beta2 ** step;
    floats[STATE.learningRate] = BASE_RATE;
    floats[STATE.clip] = shape.clip ?? 1e30;
    if (shape.schedule) state.set(scheduleWords(shape.schedule), STATE.warmup);
    // As an earlier step may have left them.
    floats[STATE.rate] = 0.7;
    floats[STATE.gradientScale] = 0.01;
    const squares = random.floats(partialCount(shape), 0, 30);
    const gradient_squares = random.floats(gradientPartials, largest / 10, largest);
    for (const [at, value] of Object.entries(shape.badSquares ?? {})) squares[Number(at)] = value;
    for (const [at, value] of Object.entries(shape.badGradients ?? {})) gradient_squares[Number(at)] = value;
    return { squares, gradient_squares, state, records: random.floats(4 * (ring + 1)) };
  },
  reference,
  error: (shape, { squares, gradient_squares, state }, { records, state: after }) => {
    const { beta1, beta2, clip = Number.POSITIVE_INFINITY, ring, mostSkipped = 0 } = shape;
    const ulp = 2 * EPSILON;
    const ofRecords = new Float64Array(records.length);
    const ofState = new Float64Array(STATE_WORDS);
    const bounds = { records: ofRecords, state: ofState };
    if (state[STATE.skipped] > mostSkipped) return bounds;
    // The step has been counted unless it ends the run, whose record goes behind the ring.
    const counted = records.length === 4 * (ring + 1) && wordsOf(after)[STATE.step] !== state[STATE.step];
    const at = 4 * (counted ? state[STATE.step] % ring : ring);
    const [loss, _, norm, cause] = records.subarray(at, at + 4);
    // In ulp: the additions that a term goes through (none is negative).
    const additions = (terms: Values) => (Math.ceil(terms.length / 64) + 6) * ulp;
    // Besides a conversion and a division (2.5), and a root (4.5, as WGSL reduces it to 1 / inverseSqrt), before which errors count half.
    ofRecords[at] = (additions(squares) + 3.5 * ulp) * Math.abs(loss);
    ofRecords[at + 1] = rateError(scheduleIn(Uint32Array.from(state)), state[STATE.step]);
    const normError = (additions(gradient_squares) / 2 + 4.5 * ulp) * Math.abs(norm);
    ofRecords[at + 2] = normError;
    if (!counted || cause !== 0) return bounds;

    // An addition and a division (2.5). Exactly 1 where nothing is clipped, unless the norm is too near to decide.
    const clips = Math.fround(clip) <= 1.001 * (norm + 1e-6);
    ofState[STATE.gradientScale] = clips
      ? (normError / (norm + 1e-6) + 3.5 * ulp) * after[STATE.gradientScale]
      : 0;
    ofState[STATE.rate] = ofRecords[at + 1];
    // Rounded twice.
    for (const [word, beta] of [
      [STATE.correction1, beta1],
      [STATE.correction2, beta2],
    ])
      ofState[word] = beta === 0 ? 0 : 2 * ulp * after[word];
    return bounds;
  },
  bench: (batch) => ({ 'all layers': { ...tutorial, batch: padded(batch), batchSize: batch, step: 0 } }),
};

/** Whole numbers of the state, which the reference gives as denormal floats. */
const wordsOf = (state: Values) => new Uint32Array(Float32Array.from(state).buffer);

/** Error bound of the rate of a step. */
function rateError(schedule: Schedule, step: number): number {
  const base = Math.fround(BASE_RATE);
  const { warmup, ...decay } = schedule;
  const factor = rateFactor(schedule, step);
  const ulp = 2 * EPSILON;
  // In the warm-up a division and a product.
  if (step < warmup) return 3.5 * ulp * base * factor;
  if (decay.decay === 'none') return 0;
  // The angle pi t / 2 has the errors of a division and of a difference; its cosine, the root of the share, moves by its sine, and errs by
  // 2e-7 of itself. Squared, times 1 - floor: 3 roundings.
  const share = (factor - decay.floor) / Math.max(1 - decay.floor, 1e-9);
  const angle = (Math.PI / 2) * 3.5 * ulp;
  const wave = angle * Math.sqrt(Math.max(0, 1 - share)) + 2e-7;
  const square = 2 * Math.sqrt(share) * wave + (angle + 2e-7) ** 2;
  const above = (1 - decay.floor) * (square + 3 * ulp * share);
  return base * (above + 2 * ulp * factor); // a sum and a product
}
