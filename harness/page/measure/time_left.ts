/** How long a check or a bench will still take, in words. Pure. */
import { duration } from '../shell/format';

/** From how far it has come, as a share of its work; empty before that says anything. */
export function timeLeft(seconds: number, share: number): string {
  if (seconds < 2 || share < 0.01) return '';
  const left = (seconds * (1 - share)) / share;
  return `${left < 1 ? '' : 'about '}${duration(left)} left`;
}

/** A bench ends with its budget, or before: what has begun by then is finished. */
export function budgetLeft(seconds: number, budget: number): string {
  const left = budget - seconds;
  return left > 0 ? `at most about ${duration(left)} left` : 'time is up; finishing what has begun';
}
