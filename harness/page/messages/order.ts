/** The networks that make samples; the samples to make: their number, classes and arrangement; and the names of the files that are saved of them and of runs. Pure. */
import type { SampleOptions } from '../../../src';
import { DIGITS } from '../../../src/data/digits';
import { samplingFor } from '../../../src/recipes';
import type { Objective } from '../../../src/training/step_config';
import type { UNet } from '../../../src/unet/unet';
import type { Model } from '../../../src/weights/model';
import { labelName } from '../../pictures/class_names';
import type { DrawOrder, ModelDescription, Order } from './messages';
import { type FieldPlace, imagesAt, makeFieldNoise, START } from './noise_field';
import { type ImageSize, nearestRecipe, type Settings } from './settings';

/** A network and the objective of its training, which determines how to sample from it. */
export interface Network {
  readonly unet: UNet;
  readonly objective: Objective;
}

/** A trained network, as the page must know it. */
export function describeModel(model: Model): Omit<ModelDescription, 'name'> {
  const { height, width, channels, outChannels = channels, conditioning } = model.config;
  return {
    recipe: nearestRecipe(model),
    sampling: samplingFor(model),
    classes: conditioning?.classes ?? 0,
    classNames: model.data?.classNames,
    data: model.data?.name,
    height,
    width,
    channels: outChannels,
  };
}

/** Sampling steps during training: on a GPU, and on a software adapter. */
const LIVE_STEPS = { flow: { gpu: 20, software: 10 }, tutorial: { gpu: 10, software: 5 } };

/** Steps of the samples that are made during training. */
export const liveSteps = ({ objective }: Pick<Network, 'objective'>, { software }: { software: boolean }) =>
  LIVE_STEPS[objective][software ? 'software' : 'gpu'];

/** With more classes than this, a class has no column of its own. */
const MOST_COLUMNS = 16;

/**
 * A column for each class, or some for each where classes are few, so that there are about half as many rows as columns. Without classes, as
 * many columns as rows or more, so that the last row is full, if that can be. A single long row is split into two.
 */
export function columnsFor(count: number, classes = 0): number {
  if (classes > 0 && classes <= MOST_COLUMNS) {
    if (count > classes) return classes * Math.max(1, Math.floor(Math.sqrt(2 * count) / classes));
    return Math.max(1, count > 5 ? Math.ceil(count / 2) : count);
  }
  const square = Math.max(1, Math.ceil(Math.sqrt(count)));
  for (let columns = square; columns <= 2 * square + 1; columns++) if (count % columns === 0) return columns;
  return square;
}

/** The number of samples, at most `count`, whose last row is full. */
export function fullGrid(count: number, classes = 0): number {
  let full = count;
  while (full > 1 && full % columnsFor(full, classes) !== 0) full--;
  return full;
}

/** Whether each column holds one class, so that it can have its name. */
export const hasNames = (columns: number, classes: number) => classes > 0 && columns % classes === 0;

/** Labels for `all` classes in turn, so that each fills its column; a class that does not exist also means all. */
export function labelsFor(count: number, classes: number, digit: number | 'all'): number[] {
  return Array.from({ length: count }, (_, i) => (digit === 'all' || digit >= classes ? i % classes : digit));
}

/**
 * Images that follow the hand in one turn, by the turn's number. On a processor eight take 1.3 times as long as four: two turns of four for each
 * of eight show the digit under the hand most often, and leave the others not far behind. A GPU is as fast with twelve.
 */
export const handful = ({ software }: { software: boolean }, turn: number) =>
  software ? [4, 4, 8][turn % 3] : 12;

/** Image count of the sampler that makes `images` images. Only a few sizes exist, because each sampler must be prepared. */
export const roomFor = (images: number, { software }: { software: boolean }) =>
  software ? (images > 4 ? 8 : 4) : 12;

/** Labels of an order: a class for each image; undefined for an unconditional network. */
export const orderLabels = (
  { count, digit, labels }: Pick<Order, 'count' | 'digit' | 'labels'>,
  classes: number,
) => (classes === 0 ? undefined : (labels ?? labelsFor(count, classes, digit)));

/**
 * Number of columns of an order's images. A text stands in rows of up to five, a long one of up to ten, all of about the same length; images of
 * one class need no columns of classes, which may leave a row half empty.
 */
export function countColumns(
  { count, digit, labels }: Pick<Order, 'count' | 'digit' | 'labels'>,
  classes: number,
): number {
  if (!labels) {
    const columns = columnsFor(count, classes);
    const isOne = digit !== 'all' && digit < classes;
    return isOne && count % columns !== 0 ? columnsFor(count) : columns;
  }
  const most = labels.length > 20 ? 10 : 5;
  return Math.ceil(labels.length / Math.ceil(labels.length / most));
}

/** Default number of images of a run on the Make view: about 40, or 10 on a software adapter, which takes seconds; as many of each class. */
export function usualCount(
  { recipe, classes }: Pick<ModelDescription, 'recipe' | 'classes'>,
  digit: Order['digit'],
  software: boolean,
): number {
  if (recipe === 'tutorial') return 64;
  const count = software ? 10 : 40;
  const isAll = digit === 'all' || digit >= classes;
  return classes > 0 && isAll ? fullGrid(classes * Math.max(1, Math.floor(count / classes)), classes) : count;
}

/** The sampler's options for an order: only those that the network can use. */
export function orderSampling(
  of: Pick<ModelDescription, 'classes'> & ImageSize & Pick<Network, 'objective'>,
  order: Omit<Order, 'source' | 'place'> & { readonly place?: FieldPlace },
): Pick<SampleOptions, 'steps' | 'seed' | 'noise' | 'method' | 'labels' | 'guidance'> {
  const { steps, count, seed, place = START, guidance, method } = order;
  const { objective, classes, height, width, channels } = of;
  const labels = orderLabels(order, classes);
  const flow = objective === 'flow';
  const isMixed = flow && (place.across > 0 || place.down > 0);
  return {
    steps,
    seed,
    ...(isMixed ? { noise: makeFieldNoise(seed, imagesAt(place, count), height * width * channels) } : {}),
    method: flow ? method : 'mix',
    ...(labels ? { labels } : {}),
    ...(labels && flow ? { guidance } : {}),
  };
}

/** Sampling options during training, for pictures and measurements: a young network needs more steps, and no polish. Guidance is the network's default. */
export function liveSampling({ unet, objective }: Network, adapter: { software: boolean }, count: number) {
  const { classes = 0 } = unet.config.conditioning ?? {};
  return {
    steps: liveSteps({ objective }, adapter),
    method: objective === 'flow' ? 'euler' : 'mix',
    polish: false,
    ...(classes > 0 ? { labels: labelsFor(count, classes, 'all') } : {}),
  } as const;
}

// ---------------------------------------------------------------- drawings

/** Steps when a drawing is answered from pure noise; fewer at lower noise levels, in proportion. */
const DRAWING_STEPS = 20;
const ROUGH = { method: 'adams', steps: 3, polish: false } as const;

/** The sampler's options for an answer to a drawing: rough at first, then fine. */
export function samplingOfDrawing(order: Exclude<DrawOrder, { ask: 'classify' }>) {
  const level = order.ask === 'denoise' ? order.level : 1;
  const steps = Math.max(2, Math.round(DRAWING_STEPS * level));
  const fine = { method: 'euler', steps, polish: false } as const;
  return order.rough && fine.steps > ROUGH.steps ? ROUGH : fine;
}

/** The same question, for a better answer; undefined if there is none. */
export function refined(order: DrawOrder): DrawOrder | undefined {
  if (order.ask === 'classify' || samplingOfDrawing(order) !== ROUGH) return undefined;
  return { ...order, rough: false };
}

// ---------------------------------------------------------------- names of files

/** The most characters of an order's text in the name of a file. */
const MOST_TEXT = 60;

/** Most characters of a data set's name in a file's. */
const LONGEST = 24;

/** What a file is named after: the recipe, or the images that the network was trained on where these are not the digits. */
function namedAfter(recipe: string, data: string | undefined): string {
  if (data === undefined || data === DIGITS) return recipe;
  const name = data
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, LONGEST);
  return name.replace(/^-|-$/g, '') || recipe;
}

/**
 * `digits-checkpoint-step-200-seed-123.safetensors`.
 *
 * @param data the name of the images that the run trains on
 */
export const runFileName = (
  { recipe, seed }: Pick<Settings, 'recipe' | 'seed'>,
  data: string | undefined,
  what: string,
  ending: string,
): string => `${namedAfter(recipe, data)}-${what}-seed-${seed}.${ending}`;

/**
 * `digits-2026-step-20-of-20-seed-123-at-50-37.5.png`: all that is needed to make it again, but for guidance and method.
 *
 * @param step one step, `all`, or the two columns of a comparison
 */
export function fileName(
  { recipe, data, classNames }: Pick<ModelDescription, 'recipe' | 'data' | 'classNames'>,
  { source, text, digit, steps, seed, place }: Order,
  step: number | string,
  ending: string,
): string {
  const network = namedAfter(source === 'instant' ? 'digits-instant' : recipe, data);
  const named = text || (digit === 'all' ? digit : labelName(digit, classNames));
  const ordered = named.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, MOST_TEXT);
  const what = recipe === 'tutorial' ? network : `${network}-${ordered}`;
  const all = `${steps}-steps`;
  // The polish comes after the last step.
  const stepName = (step: number) => (step > steps ? `${all}-polished` : `step-${step}-of-${steps}`);
  const which = step === 'all' ? all : typeof step === 'string' ? step : stepName(step);
  const { across, down } = place;
  const at = across > 0 || down > 0 ? `-at-${across}-${down}` : '';
  return `${what}-${which}-seed-${seed}${at}.${ending}`;
}

export function drawnName({ ask, level, noise }: Pick<Settings, 'ask' | 'level' | 'noise'>): string {
  const which = {
    denoise: `-noise-${level}-percent-seed-${noise}`,
    fill: `-filled-seed-${noise}`,
    classify: '',
  };
  return `digits-drawing${which[ask]}.png`;
}
