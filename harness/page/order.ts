/** The samples to make: how many, of which classes, and in which arrangement. Pure. */
import type { SampleOptions } from '../../src';
import type { Objective } from '../../src/training/settings';
import type { UNet } from '../../src/unet/unet';
import type { Order } from './protocol';
import type { PageRecipe } from './settings';

/** A network and the objective of its training, which determines how to sample from it. */
export interface Network {
  readonly unet: UNet;
  readonly objective: Objective;
}

/** Sampling steps while it trains: on a GPU, and on a software adapter. */
const LIVE_STEPS = { flow: { gpu: 20, software: 10 }, tutorial: { gpu: 10, software: 5 } };

/** Steps of the samples that are made while it trains. */
export const liveSteps = ({ objective }: Pick<Network, 'objective'>, { software }: { software: boolean }) =>
  LIVE_STEPS[objective][software ? 'software' : 'gpu'];

/** With more classes than this, a class has no column of its own. */
const MOST_COLUMNS = 16;

/** A column for each class, or about as many columns as rows. A single long row is split into two. */
export function columnsFor(count: number, classes = 0): number {
  if (classes > 0 && classes <= MOST_COLUMNS) {
    if (count > classes) return classes;
    return Math.max(1, count > 5 ? Math.ceil(count / 2) : count);
  }
  return Math.max(1, Math.ceil(Math.sqrt(count)));
}

/** Digits that were written stand in rows of up to ten. */
export const columnsForText = (text: string) => Math.min(text.length, 10);

/** Labels for `all` classes in turn, so that each fills its column; a class that does not exist also means all. */
export function labelsFor(count: number, classes: number, digit: number | 'all'): number[] {
  return Array.from({ length: count }, (_, i) => (digit === 'all' || digit >= classes ? i % classes : digit));
}

/** Default number of images of a run on the Make tab: rows of ten; on a software adapter one of each digit, which takes seconds. */
export function usualCount(recipe: PageRecipe, software: boolean): number {
  if (recipe === 'tutorial') return 64;
  return software ? 10 : 40;
}

/** The sampler's options for an order: only those that the network can use. */
export function samplingOf(
  { unet, objective }: { readonly unet: Pick<UNet, 'config'>; readonly objective: Objective },
  { steps, count, seed, digit, text, guidance, method }: Omit<Order, 'source'>,
): Pick<SampleOptions, 'steps' | 'seed' | 'method' | 'labels' | 'guidance'> {
  const { classes = 0 } = unet.config.conditioning ?? {};
  const flow = objective === 'flow';
  return {
    steps,
    seed,
    method: flow ? method : 'mix',
    ...(classes > 0 ? { labels: text ? [...text].map(Number) : labelsFor(count, classes, digit) } : {}),
    ...(classes > 0 && flow ? { guidance } : {}),
  };
}

/** Of what is shown and measured while it trains: a young network needs more steps than it will. Guidance is the network's usual. */
export function liveSampling({ unet, objective }: Network, adapter: { software: boolean }, count: number) {
  const { classes = 0 } = unet.config.conditioning ?? {};
  return {
    steps: liveSteps({ objective }, adapter),
    method: objective === 'flow' ? 'euler' : 'mix',
    ...(classes > 0 ? { labels: labelsFor(count, classes, 'all') } : {}),
  } as const;
}
