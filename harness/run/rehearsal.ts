/** Fixes the plan of a run before its first step, by the time of its steps, and leaves its weights as they were. */
import { EngineError } from '../../src/base/errors';
import type { TrainingRun } from '../../src/worker/run';
import { endingAt, mostSteps, type Plan, type PlanOrder, planTraining } from './plan';

/** Steps are timed together until they take this time, in milliseconds. */
const LEAST_MS = 250;
/** All timed steps end within this time, in milliseconds, if one step does. */
const MOST_MS = 5000;
/** The rehearsal's steps end before these epochs do. */
const EPOCHS = 1_000_000;

type BuiltRun = Pick<
  TrainingRun,
  'trainer' | 'unet' | 'dataset' | 'settings' | 'objective' | 'losses' | 'adjust'
>;

interface RehearsalOptions {
  readonly order: PlanOrder;
  /** Share of the time in which the run will train, 0 to 1. */
  readonly share: number;
  readonly signal: AbortSignal;
}

/**
 * Gives a run that is on the device, and has made no step, its end and its schedule. Weights and optimizer are set back afterwards: its bits do
 * not depend on the rehearsal. Throws the signal's reason, and what `fit` throws but for a divergence.
 */
export async function rehearse(run: BuiltRun, { order, share, signal }: RehearsalOptions): Promise<Plan> {
  const { batchSize: batch } = run.settings;
  const most = mostSteps(order, batch);
  // Of so short a step the exact time does not matter.
  const isEnough = (seconds: number) => (most * seconds) / share < 30 * order.minutes;
  const seconds = await secondsOfStep(run, isEnough, signal);
  const plan = planTraining(order, batch, seconds && (share * batch) / seconds);
  run.adjust({ ...endingAt(plan.steps!, run), epochs: plan.epochs });
  return plan;
}

/**
 * Makes a step that does not count, and times 1, 2, 4, … further ones, from the number on that this step leaves open. Undefined if
 * the first of these diverge.
 */
async function secondsOfStep(
  run: BuiltRun,
  isEnough: (seconds: number) => boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  const trainer = run.trainer!;
  const unet = run.unet!;
  const dataset = run.dataset!;
  const { seed, binarize, dropLast } = run.settings;
  const drawn = { seed, binarize, dropLast, signal };
  const parameters = await unet.getParameters();
  const state = await trainer.getState();
  /** The milliseconds of `maxSteps` steps. */
  const make = async (maxSteps: number) => {
    const start = performance.now();
    for await (const _ of trainer.fit(dataset, { ...drawn, epochs: EPOCHS, maxSteps }));
    await trainer.idle;
    return performance.now() - start;
  };
  let seconds: number | undefined;
  try {
    const first = await make(1);
    const start = performance.now();
    let steps = 1;
    // The first step takes the longest: it may have compiled what was not compared.
    while (steps * first < LEAST_MS && !isEnough(first / 1000)) steps *= 2;
    for (; ; steps *= 2) {
      const took = await make(steps);
      seconds = took / steps / 1000;
      const nextEnd = performance.now() - start + 2 * took;
      if (took >= LEAST_MS || nextEnd > MOST_MS || isEnough(seconds)) return seconds;
    }
  } catch (error) {
    if (error instanceof EngineError && error.code === 'diverged') return seconds;
    throw error;
  } finally {
    await unet.setParameters(parameters);
    trainer.setState(state);
  }
}
