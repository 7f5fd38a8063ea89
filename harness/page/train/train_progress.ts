/** How far training is: by the steps of its epochs, or by the time that was set, whichever ends first. Pure. */
import type { Settings } from '../shell/settings';
import { type State, secondsLeft } from '../shell/state';

export interface TrainingProgress {
  /** From 0 to 1. */
  readonly share: number;
  /** Not a number until that can be said. */
  readonly secondsLeft: number;
}

export function trainingProgress(
  state: State,
  { batch, epochs, minutes }: Pick<Settings, 'batch' | 'epochs' | 'minutes'>,
): TrainingProgress {
  const { run, losses, measured } = state;
  const total = run ? run.stepsPerEpoch * epochs : 0;
  const ofSteps = { share: total > 0 ? Math.min(1, losses.length / total) : 0 };
  const left = secondsLeft(state, batch, epochs);
  if (minutes === 0 || !state.training) return { ...ofSteps, secondsLeft: left };
  const [limit, spent] = [minutes * 60, measured.clock?.press ?? 0];
  const byTime = Math.max(0, limit - spent);
  // Until the speed is known, the time that was set is the one that is.
  const first = Number.isNaN(left) || byTime < left;
  return first
    ? { share: Math.min(1, spent / limit), secondsLeft: byTime }
    : { ...ofSteps, secondsLeft: left };
}
