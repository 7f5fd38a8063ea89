/** The page's texts about distilling. Pure. */
import { USUAL_WORK } from '../../../src/distilling/options';
import { countCalls } from '../../../src/unet/sampling';
import { duration, plural, whole } from '../../text/units';
import type { ModelDescription } from '../messages/messages';
import type { Settings } from '../messages/settings';
import { type DistillingProgress, networkIn, rests, type State } from './state';

/** Steps after which a network that began untrained makes what is worth copying. */
const LEAST_TRAINED = 300;

/** Whether the run's network can be distilled: it follows a flow, is conditioned on classes, and has been trained for long enough. */
export const distillable = ({ run, losses, begin }: State, { recipe }: Pick<Settings, 'recipe'>): boolean =>
  run !== undefined &&
  run.classes > 0 &&
  recipe !== 'tutorial' &&
  losses.length >= (begin === 'pretrained' ? 1 : LEAST_TRAINED);

/** Whether distilling can begin now. */
export const mayDistil = (state: State, settings: Pick<Settings, 'recipe'>): boolean =>
  distillable(state, settings) && !state.training && !state.distilling && rests(state);

/** The purpose and the time of distilling. The time follows from the training speed, which is unknown until the run trains here. */
export function distilOffer(state: State, settings: Pick<Settings, 'recipe' | 'batch'>): string {
  const calls = countCalls(networkIn('run', state, settings).sampling);
  const time =
    state.pace > 0
      ? about(USUAL_WORK / state.pace)
      : `as long as ${whole(USUAL_WORK / settings.batch)} steps of training`;
  return `A copy of this network learns to make its images in two calls of the network, or in one, instead of ${calls}. It takes ${time}; anything else that you start goes first, but for Check and Bench, which wait for its end.`;
}

/** A rough duration, in minutes from 45 seconds on. */
function about(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 45) return `about ${duration(seconds)}`;
  if (minutes <= 1) return 'about a minute';
  return minutes < 100 ? `about ${whole(minutes)} minutes` : `about ${whole(Math.round(minutes / 60))} hours`;
}

/** The progress of distilling, in words. */
export function distilStatus({
  calls,
  noises,
  steps,
  trajectories,
  step,
  secondsLeft,
}: DistillingProgress): string {
  const what =
    step === 0
      ? `trajectory ${whole(trajectories)} of ${whole(noises)}`
      : `step ${whole(step)} of ${whole(steps)}`;
  const left = secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`;
  return `Distilling to ${plural(calls, 'call')}: ${what}${left}`;
}

/** The progress of distilling, from 0 to 1. */
export const distilShare = ({ noises, steps, trajectories, step }: DistillingProgress): number =>
  (trajectories / noises + step / steps) / 2;

/** The reason that a file's network cannot be examined at intermediate noise levels; undefined if it can. */
export const distilledNote = (model: ModelDescription | undefined): string | undefined =>
  model?.sampling.calls === undefined
    ? undefined
    : `${model.name} is distilled to ${plural(model.sampling.calls, 'call')}, and knows no levels in between`;
