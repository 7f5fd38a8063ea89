/** What samples are asked for: how many, of which classes, and how they lie beside each other. Pure. */
import type { SampleOptions } from '../../src';
import type { Objective } from '../../src/training/settings';
import type { UNet } from '../../src/unet/unet';
import type { Order } from './protocol';
import type { PageRecipe } from './settings';

/** A network, and what it was trained for, which says how to sample from it. */
export interface Network {
  readonly unet: UNet;
  readonly objective: Objective;
}

/** More classes than this get no column each. */
const MOST_COLUMNS = 16;

/** A column for each class, or about as many columns as rows. What would be a single long row becomes two. */
export function columnsFor(count: number, classes = 0): number {
  if (classes > 0 && classes <= MOST_COLUMNS) {
    if (count > classes) return classes;
    return Math.max(1, count > 5 ? Math.ceil(count / 2) : count);
  }
  return Math.max(1, Math.ceil(Math.sqrt(count)));
}

/** Of `all` classes one after the other, so that each fills its column; a class that there is not stands for all, too. */
export function labelsFor(count: number, classes: number, digit: number | 'all'): number[] {
  return Array.from({ length: count }, (_, i) => (digit === 'all' || digit >= classes ? i % classes : digit));
}

/** Images of a run on the Sample tab where nobody says how many: rows of ten, few where the processor makes them. */
export function usualCount(recipe: PageRecipe, software: boolean): number {
  if (recipe === 'tutorial') return 64;
  return software ? 20 : 40;
}

/** What a sampler is told to make for an order: no more than the network has a use for. */
export function samplingOf(
  { unet, objective }: { readonly unet: Pick<UNet, 'config'>; readonly objective: Objective },
  { steps, count, seed, digit, guidance, method }: Omit<Order, 'source'>,
): Pick<SampleOptions, 'steps' | 'seed' | 'method' | 'labels' | 'guidance'> {
  const { classes = 0 } = unet.config.conditioning ?? {};
  const flow = objective === 'flow';
  return {
    steps,
    seed,
    method: flow ? method : 'mix',
    ...(classes > 0 ? { labels: labelsFor(count, classes, digit) } : {}),
    ...(classes > 0 && flow ? { guidance } : {}),
  };
}
