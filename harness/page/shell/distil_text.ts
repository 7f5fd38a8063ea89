/** What the page says of distilling. Pure. */
import { USUAL_WORK } from '../../../src/distilling/options';
import { callsOf } from '../../../src/unet/sampling';
import type { ModelDescription } from '../worker/messages';
import { duration, some, whole } from './format';
import type { Settings } from './settings';
import { type Distilling, networkIn, type State } from './state';

/** Whether there is a network of the run's that can be distilled: it follows a flow, is told classes, and has been trained. */
export const distillable = ({ run, losses }: State, { recipe }: Pick<Settings, 'recipe'>): boolean =>
  run !== undefined && run.classes > 0 && recipe !== 'tutorial' && losses.length > 0;

/** Whether that can begin now. */
export const mayDistil = (state: State, settings: Pick<Settings, 'recipe'>): boolean =>
  distillable(state, settings) &&
  !state.training &&
  !state.distilling &&
  ['idle', 'paused', 'finished'].includes(state.phase);

/** What it is for, and how long it takes: by the speed of the training here, which a run that was begun elsewhere does not tell. */
export function distilOffer(state: State, settings: Pick<Settings, 'recipe' | 'batch'>): string {
  const calls = callsOf(networkIn('run', state, settings).sampling);
  const time =
    state.pace > 0
      ? about(USUAL_WORK / state.pace)
      : `as long as ${whole(USUAL_WORK / settings.batch)} steps of training`;
  return `A copy of this network learns to make its images in two calls of the network, or in one, in place of ${calls}. It takes ${time}; other tasks come first.`;
}

/** Minutes, where there is one. */
function about(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 45) return `about ${duration(seconds)}`;
  return minutes <= 1 ? 'about a minute' : `about ${whole(minutes)} minutes`;
}

/** How far it is. */
export function distilStatus({ calls, noises, steps, trajectories, step, secondsLeft }: Distilling): string {
  const what =
    step === 0
      ? `trajectory ${whole(trajectories)} of ${whole(noises)}`
      : `step ${whole(step)} of ${whole(steps)}`;
  const left = secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`;
  return `Distilling to ${some(calls, 'call')}: ${what}${left}`;
}

/** From 0 to 1. */
export const distilShare = ({ noises, steps, trajectories, step }: Distilling): number =>
  (trajectories / noises + step / steps) / 2;

/** Why a network of a file is not looked into, where there must be levels in between; undefined if it can be. */
export const distilledNote = (model: ModelDescription | undefined): string | undefined =>
  model?.sampling.calls === undefined
    ? undefined
    : `${model.name} is distilled to ${some(model.sampling.calls, 'call')}, and knows no levels in between`;
