/** Word offsets in StepState (shaders/lib/step_state.wgsl), which a training run carries from step to step on the GPU. */
import layout from '../../shaders/lib/step_state.wgsl';
import type { Schedule } from './schedule';

const { fields } = layout;

export const STATE = {
  /** Completed steps. */
  step: fields.step.offset / 4,
  /** The place of the current batch in the epoch's shuffled order. */
  batchStart: fields.batch_start.offset / 4,
  /** Images in the current batch. */
  count: fields.count.offset / 4,
  /** Images in an epoch. */
  epochSize: fields.epoch_size.offset / 4,
  /** 1 - beta1^updates and 1 - beta2^updates. A skipped step is not an update. */
  correction1: fields.correction1.offset / 4,
  correction2: fields.correction2.offset / 4,
  /** The base rate, set by the host. */
  learningRate: fields.learning_rate.offset / 4,
  /** The learning rate of the current step: the base rate by the schedule. finish_step sets this and the fields below. */
  rate: fields.rate.offset / 4,
  /** Adam multiplies gradients by this: 1, or less when the gradient is clipped. */
  gradientScale: fields.gradient_scale.offset / 4,
  /** Non-finite steps in a row. Beyond the limit, the GPU makes no step until the host resets this to 0. */
  skipped: fields.skipped.offset / 4,
  /** A gradient with a larger norm is scaled down to this norm. Set by the host, like the weight decay. */
  clip: fields.clip.offset / 4,
  weightDecay: fields.weight_decay.offset / 4,
  /** The schedule, set by the host: see `scheduleWords`. All 0: the base rate in every step. */
  warmup: fields.warmup.offset / 4,
  decayEnd: fields.decay_end.offset / 4,
  floor: fields.floor.offset / 4,
} as const;

export const STATE_WORDS = layout.size / 4;

/** The bit of `decayEnd` that says that the decay is a line. */
const LINEAR = 2 ** 31;

/** A schedule as the words of the step state from `warmup` on. */
export function scheduleWords(schedule: Schedule): Uint32Array<ArrayBuffer> {
  const words = Uint32Array.of(schedule.warmup, 0, 0);
  if (schedule.decay === 'none') return words;
  words[STATE.decayEnd - STATE.warmup] = schedule.steps + (schedule.decay === 'linear' ? LINEAR : 0);
  new Float32Array(words.buffer)[STATE.floor - STATE.warmup] = schedule.floor;
  return words;
}

/** The schedule in a step state; its floor is a 32-bit float. */
export function scheduleIn(state: Uint32Array): Schedule {
  const warmup = state[STATE.warmup];
  const end = state[STATE.decayEnd];
  if (end === 0) return { decay: 'none', warmup };
  return {
    decay: end < LINEAR ? 'cosine' : 'linear',
    warmup,
    steps: end % LINEAR,
    floor: new Float32Array(state.buffer, state.byteOffset)[STATE.floor],
  };
}
