/** The flags of `train`, and the run that they ask for: checked as far as that needs no device. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageSet } from '../../src/data/idx';
import { loadPretrained, type PretrainedName } from '../../src/pretrained';
import { type Recipe, type RecipeName, recipeAt, recipeOf, recipeSampling, recipes } from '../../src/recipes';
import { stepsPerEpoch } from '../../src/training/epoch';
import type { UNetConfig } from '../../src/unet/config';
import type { Checkpoint } from '../../src/weights/checkpoint';
import type { RunSettings } from '../../src/weights/run_fields';
import { type Trained, TrainingRun } from '../../src/worker/run';
import { usualHoldOut } from '../pictures/hold_out';
import { OWN_SIZE, SIDES, type Size } from '../pictures/small_pictures';
import { checkBeginning, fitted, RATE_OF_PICTURES } from '../run/beginning';
import {
  batchOf,
  endingAt,
  isPlanned,
  lacksEnd,
  MINUTES,
  openPlan,
  ownSampling,
  type PlanOrder,
  trainerFor,
} from '../run/plan';
import { type Given, integer, number, oneOf, quoted, show, text, texts, toggle, UsageError } from './args';
import { holdOut, loadImages, pictureFlags } from './images';
import { checkKernels, type EngineChoice, kernelChoice, kernelFlags } from './kernel_flags';
import { allRecipes, describeNetwork, networkFlags, networkFromFlags } from './network_flags';
import { CHECKPOINT, type RunFolder } from './run_folder';
import { scheduleFlag, scheduleFor } from './schedule_flag';

/** The most training, in seconds, that is lost when the machine crashes. */
export const SAVE_SECONDS = 60;

/** A value of each recipe as text: `5; digits 6; pictures 12`. */
const ofEach = (value: (recipe: Recipe) => number) =>
  allRecipes.map((name) => (name === 'tutorial' ? '' : `${name} `) + value(recipes[name])).join('; ');

export const flags = {
  out: text('DIR', 'folder of the files (with --resume by default the folder of FILE)'),
  data: texts(
    'mnist|PATH',
    'the 10,000 digits that come along, or files and folders of your own,\n--data for each: PNG pictures, best in folders named after their\nclasses; .npy; IDX (*-images-idx3-ubyte, plain or .gz; merged, train\nbefore t10k) (default mnist)',
  ),
  ...pictureFlags,
  limit: integer('N', 'only the first N images', 1, 2 ** 31),
  holdout: integer(
    'N',
    'the last N images are not trained on but measure the run\n(default: none for the tutorial; for digits a tenth, at most 1000,\nof 100 images or more)',
    0,
    2 ** 31,
  ),
  epochs: integer(
    'N',
    `passes over the images, in all\n(default ${ofEach(({ fit }) => fit.epochs)})`,
    1,
    1_000_000,
  ),
  minutes: number(
    'X',
    `how long to train: sets batch, steps and schedule (default ${MINUTES} for\nyour own files, unless --epochs, --max-steps, --batch, --schedule or\n--recipe tutorial is given); may take half as long again`,
    0.01,
    10_000,
  ),
  'max-steps': integer('N', 'end after N steps, if the epochs are not complete before', 1, 2 ** 31),
  batch: integer(
    'N',
    `images a step; warm-up and averages of the recipe follow\nit (default ${ofEach(({ trainer }) => trainer.batchSize)})`,
    1,
    65536,
  ),
  lr: number('X', 'learning rate of Adam (default 1e-3; digits 3e-3)', 1e-12, 10),
  seed: integer('N', 'fixes weights, shuffling, noise and samples (default 123)', 0, 0xffffffff),
  schedule: scheduleFlag,
  begin: {
    ...oneOf('', 'new', 'pretrained'),
    value: 'new|pretrained',
    help: "initial weights: new ones, or the recipe's pretrained network (default\npretrained for a planned run of pictures in colour, else new)",
  },
  quality: integer(
    'N',
    'samples to measure the quality with, for networks that know digits;\n0: none (default: a tenth of the images trained on, counted in\neach epoch; at most 1000)',
    0,
    100_000,
  ),
  ...networkFlags,
  ...kernelFlags,
  'checkpoint-every': integer(
    'SECONDS',
    `most training that a crash of the machine loses (default ${SAVE_SECONDS})`,
    1,
    86_400,
  ),
  resume: text(
    'FILE',
    `go on from a ${CHECKPOINT} as if never stopped; all settings and the\nkernel variants are in it, images of your own are not: give --data again,\nas before; --epochs may grow, --lr, --quality and --out differ; a plan\nthat has no end yet takes --minutes again`,
  ),
  overwrite: toggle('replace the run or the model that is in DIR already'),
};
export type TrainFlags = Given<typeof flags>;

/** The run that the flags ask for, but for what depends on the adapter. */
export interface Order {
  /** Makes it. `software`: whether the adapter is. */
  begin(software: boolean): Begun;
  /** The images that are held out from training. */
  readonly held: ImageSet | undefined;
  readonly config: UNetConfig;
  /** The pretrained network that it begins with, if it does. */
  readonly begins: PretrainedName | undefined;
  /** The names or paths of the images. */
  readonly sources: readonly string[];
  /** The flags for the same images again, which --resume needs beside the checkpoint. */
  readonly imageFlags: string;
  /** What was left out of the images or changed, a sentence each. */
  readonly notes: readonly string[];
  readonly kernels: EngineChoice;
  readonly heldOutLosses: readonly (number | undefined)[];
  readonly saveSeconds: number;
}

export interface Begun {
  readonly run: TrainingRun;
  /** Only for a planned run that is new, with its recipe, or has no end yet. */
  readonly planned?: { readonly order: PlanOrder; readonly recipe?: RecipeName };
}

/** The recipe of planned runs. */
const RECIPES = { grey: 'digits', colour: 'pictures' } as const satisfies Record<string, RecipeName>;

/** Whether the run is to be planned, or goes on and still is. Throws UsageError where minutes stand beside what a plan sets. */
export function isPlannedBy(given: TrainFlags, checkpoint?: Checkpoint): boolean {
  const goesOn = checkpoint !== undefined && lacksEnd(checkpoint);
  const lengths = ['epochs', 'max-steps'] as const;
  const flags = goesOn ? lengths : ([...lengths, 'batch', 'schedule', 'resume'] as const);
  const set = flags.filter((flag) => given[flag] !== undefined).map((flag) => `--${flag}`);
  if (given.recipe === 'tutorial') set.push('--recipe tutorial');
  if (given.minutes !== undefined && set.length > 0) {
    throw new UsageError(
      `--minutes cannot stand beside ${set.join(', ')}: it sets batch, steps and schedule of a new run. Leave it out, or ${set.length > 1 ? 'them' : set[0]}.`,
    );
  }
  const own = given.data?.some((source) => source !== 'mnist') ?? false;
  return set.length === 0 && (goesOn || given.minutes !== undefined || own);
}

/** Determines and checks everything that needs no device. `progress` is called for each picture that is read. */
export async function planRun(
  flagsGiven: TrainFlags,
  { checkpoint, bytes }: RunFolder,
  signal: AbortSignal,
  progress: (done: number, total: number) => void,
): Promise<Order> {
  const plans = isPlannedBy(flagsGiven, checkpoint);
  const isNew = plans && !checkpoint;
  const before = isNew ? { recipe: RECIPES.grey, ...flagsGiven } : flagsGiven;
  const { source = 'mnist', limit } = checkpoint ? resumedSettings(before, checkpoint) : newSettings(before);
  const kernels = await kernelChoice(before);
  const sources = before.data ?? [source];
  const { fit, ink } = before;
  const size = before.size ?? (checkpoint && sizeAgain(checkpoint.data));
  const choice = { ...(size ? { size } : {}), ...(fit ? { fit } : {}), ...(ink ? { ink } : {}) };
  const { images: all, notes, own } = await loadImages(sources, { ...choice, limit, signal, progress });
  const given: TrainFlags = isNew
    ? { recipe: RECIPES[all.channels === 1 ? 'grey' : 'colour'], ...flagsGiven }
    : flagsGiven;
  const asked = checkpoint ? resumedSettings(given, checkpoint) : newSettings(given);
  const recipe = recipeGiven(given);
  // The tutorial trains on all images and holds out none.
  const usual = usualHoldOut(recipe.network.conditioning !== undefined, all.count);
  const holdout = asked.holdout ?? (checkpoint ? 0 : (given.holdout ?? usual));
  const { train: images, held } = holdOut(all, holdout);
  const isOwn = !sources.includes('mnist');
  const wanted = checkpoint?.config ?? networkFromFlags(given, { ...images, classes: classesOf(all) });
  const begins = checkpoint ? undefined : beginningOf(given, wanted, plans && isOwn);
  const rate = begins === 'pictures' && given.lr === undefined ? { learningRate: RATE_OF_PICTURES } : {};
  const settings = { ...asked, ...(holdout > 0 ? { holdout } : {}), ...rate };
  const resumed = bytes && TrainingRun.resume(bytes, { images, settings }, given.resume);
  if (resumed) keepPlan(resumed, given, checkpoint!);
  const trained = begins && fitted(given.recipe ?? 'tutorial', await loadPretrained(begins), wanted);
  const { config } = trained ?? { config: wanted };
  if (config.conditioning?.classes && !images.labels) {
    throw new UsageError(
      `The checkpoint's network has ${config.conditioning.classes} classes, and ${sources.join(', ')} has no labels. Give the images that it was trained on, with their labels.`,
    );
  }
  const perEpoch = stepsPerEpoch({ ...settings, imageCount: images.count });
  const steps = Math.min(perEpoch * settings.epochs, settings.maxSteps ?? Number.POSITIVE_INFINITY);
  const schedule = given.schedule && scheduleFor(given.schedule, steps);
  const trainer = { ...recipe.trainer, ...(schedule ? { schedule } : {}) };
  checkKernels(kernels, config, settings.batchSize);
  const network = trained ?? config;
  const parts = { isOwn, config, network, images, settings };
  const sampling = recipeSampling(given.recipe ?? 'tutorial', config);
  const { minutes = MINUTES } = given;
  const begin = (software: boolean): Begun => {
    if (plans)
      return resumed ? openRun(resumed, minutes) : plannedRun(parts, given.recipe!, minutes, software);
    return { run: resumed ?? TrainingRun.begin({ network, trainer, images, settings, sampling }) };
  };
  return {
    begin,
    held,
    config,
    begins,
    sources,
    imageFlags: imageFlagsOf(sources, before),
    notes: [...notes, ...largerSize(own), ...(plans ? [] : hints(given, all, sources))],
    kernels,
    heldOutLosses: given.resume ? heldOutLosses(dirname(given.resume)) : [],
    saveSeconds: given['checkpoint-every'] ?? SAVE_SECONDS,
  };
}

/** The pretrained network that the run begins with; undefined for new weights. Throws UsageError where it is asked for and does not fit. */
function beginningOf(given: TrainFlags, wanted: UNetConfig, isOpen: boolean): PretrainedName | undefined {
  const { recipe = 'tutorial', begin } = given;
  const isUsual = begin === undefined && isOpen && recipe === 'pictures';
  if (begin !== 'pretrained' && !isUsual) return undefined;
  try {
    return checkBeginning(recipe, wanted);
  } catch (error) {
    if (isUsual) return undefined;
    throw new UsageError(`--begin is pretrained. ${(error as Error).message}`);
  }
}

/** The size is not among them: the checkpoint has it. */
function imageFlagsOf(sources: readonly string[], { fit, ink }: TrainFlags): string {
  const own = sources.filter((source) => source !== 'mnist').map((source) => ['data', source] as const);
  const flags = [...own, ['fit', fit], ['ink', ink]] as const;
  return flags.map(([flag, value]) => (value === undefined ? '' : ` --${flag} ${quoted(value)}`)).join('');
}

/** What makes pictures the images of a checkpoint again. */
function sizeAgain({ height, width }: Pick<ImageSet, 'height' | 'width'>): number | undefined {
  if (height === width) return height >= SIDES.least && height <= SIDES.most ? height : undefined;
  return OWN_SIZE;
}

const largerSize = (own: Size | undefined): readonly string[] =>
  own ? [`The pictures are ${own.width} x ${own.height}; --size own keeps that.`] : [];

interface RunParts {
  /** Whether the images are the user's own. */
  readonly isOwn: boolean;
  readonly config: UNetConfig;
  /** The configuration, or the trained network of it that the run begins with. */
  readonly network: UNetConfig | Trained;
  readonly images: ImageSet;
  readonly settings: RunSettings;
}

/** A run that is to be planned, on an adapter whose speed is not known. */
function plannedRun(
  { isOwn, config, network, images, settings }: RunParts,
  recipe: RecipeName,
  minutes: number,
  software: boolean,
): Begun {
  const order = { count: images.count, dropLast: settings.dropLast, minutes, software };
  const plan = openPlan(order, batchOf(order, undefined));
  const { batch: batchSize, epochs } = plan;
  const trainer = trainerFor(recipeAt(recipe, batchSize).trainer, plan);
  const sampling = (isOwn ? ownSampling : recipeSampling)(recipe, config);
  const runSettings = { ...settings, batchSize, epochs };
  const run = TrainingRun.begin({ network, trainer, images, settings: runSettings, sampling });
  return { run, planned: { order, recipe } };
}

/** A planned run that goes on before it has an end: it has made no step. */
function openRun(run: TrainingRun, minutes: number): Begun {
  const { images, settings } = run;
  const order = { count: images.count, dropLast: settings.dropLast, minutes, software: true };
  return { run, planned: { order } };
}

/** A planned run that goes on keeps its plan; if it is to end elsewhere, with a schedule for that. */
function keepPlan(run: TrainingRun, { lr }: TrainFlags, { settings, training, losses }: Checkpoint): void {
  const { epochs, maxSteps: steps } = settings;
  const before = Math.min(epochs * run.stepsPerEpoch, steps ?? Number.POSITIVE_INFINITY);
  if (!isPlanned(training) || run.end === before) return;
  run.adjust({ ...endingAt(run.end, { steps, done: losses.length }), ...(lr ? { learningRate: lr } : {}) });
}

/** Number of classes; 0 without labels. */
const classesOf = ({ labels, classNames }: ImageSet): number =>
  labels ? (classNames?.length ?? 1 + labels.reduce((a, b) => Math.max(a, b), 0)) : 0;

/** The default recipe suits MNIST: other images deserve better. */
function hints(
  { recipe, resume }: TrainFlags,
  { channels }: ImageSet,
  [source]: readonly string[],
): readonly string[] {
  if (recipe !== undefined || resume !== undefined || source === 'mnist') return [];
  const what = channels === 1 ? 'greys' : 'colours';
  return [`The recipe tutorial trains on black and white; --recipe digits keeps the ${what}.`];
}

/** The recipe, with the batch that the flags ask for. */
function recipeGiven({ recipe = 'tutorial', batch = recipes[recipe].trainer.batchSize }: TrainFlags): Recipe {
  return recipeAt(recipe, batch);
}

/** Paths as a run's settings have them: text for a reader. */
const sourceText = (paths: TrainFlags['data']) => paths?.join(', ');

function newSettings(given: TrainFlags): RunSettings {
  // Before anything is loaded; the size of the images is known later, but for one that is asked for.
  const { widths } = networkFromFlags(given);
  const halved = 2 ** (widths.length - 1);
  if (given.size !== undefined && given.size % halved > 0) {
    throw new UsageError(
      `--size is ${given.size}; a network of ${widths.length} levels takes multiples of ${halved}. Give one from ${SIDES.least} to ${SIDES.most}, or fewer --widths.`,
    );
  }
  const recipe = recipeGiven(given);
  const { 'max-steps': maxSteps } = given;
  return {
    seed: given.seed ?? 123,
    batchSize: recipe.trainer.batchSize,
    learningRate: given.lr ?? recipe.trainer.learningRate,
    ...recipe.fit,
    epochs: given.epochs ?? recipe.fit.epochs,
    source: sourceText(given.data) ?? 'mnist',
    ...(given.limit === undefined ? {} : { limit: given.limit }),
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(given.quality === undefined ? {} : { quality: given.quality }),
  };
}

/** The held-out losses of the epochs that another process trained, from its epochs.csv. */
function heldOutLosses(folder: string): (number | undefined)[] {
  const path = join(folder, 'epochs.csv');
  if (!existsSync(path)) return [];
  const [head, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  const column = head.split(',').indexOf('held_out_loss');
  return rows
    .map((row) => Number(row.split(',')[column] || Number.NaN))
    .map((loss) => (Number.isFinite(loss) ? loss : undefined));
}

/** The checkpoint's settings, with more epochs or another learning rate if requested. Throws UsageError where a flag contradicts them. */
export function resumedSettings(given: TrainFlags, checkpoint: Checkpoint): RunSettings {
  refuseOtherFlags(given, checkpoint);
  const { settings, losses, data } = checkpoint;
  const { epochs = settings.epochs } = given;
  const done = Math.floor(losses.length / stepsPerEpoch({ ...settings, imageCount: data.count }));
  if (epochs < settings.epochs && epochs <= done) {
    throw new UsageError(
      `--epochs is ${epochs}, but the checkpoint has completed ${done}: it counts from the run's beginning. Give more, or leave it out.`,
    );
  }
  const { source: was = 'mnist' } = settings;
  const { lr: learningRate = settings.learningRate, quality = settings.quality } = given;
  const source = sourceText(given.data) ?? was;
  // A checkpoint may name any file of this machine; only the user decides which files are opened.
  if (given.data === undefined && was !== 'mnist') {
    throw new UsageError(
      `The checkpoint was trained on images from ${show(was)}, which is not opened on a file's word. Say where they are with --data PATH.`,
    );
  }
  // More epochs extend the run, also beyond the former limit of steps.
  const { maxSteps: before, ...rest } = settings;
  const maxSteps = given['max-steps'] ?? (given.epochs === undefined ? before : undefined);
  return {
    ...rest,
    epochs,
    learningRate,
    source,
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(quality === undefined ? {} : { quality }),
  };
}

/** Throws UsageError where a flag asks for what a checkpoint fixes. */
function refuseOtherFlags(given: TrainFlags, { settings, config, training }: Checkpoint): void {
  const kept = {
    variants: 'goes on with the kernel variants that it began with',
    schedule: 'keeps the schedule that it began with',
    begin: 'goes on with the weights that it has',
  } as const;
  for (const [flag, why] of Object.entries(kept)) {
    if (given[flag as keyof typeof kept] === undefined) continue;
    throw new UsageError(
      `--${flag} cannot stand beside --resume: a run ${why}. Leave it out, or start a new run without --resume.`,
    );
  }
  if (given.recipe !== undefined && recipes[given.recipe].trainer.objective !== training.objective) {
    const other = allRecipes.find((name) => recipes[name].trainer.objective === training.objective);
    throw new UsageError(
      `--recipe is ${given.recipe}, but the checkpoint is of a run of the recipe ${other}. Leave it out to go on, or start a new run without --resume.`,
    );
  }
  if (given.recipe !== undefined && given.recipe !== recipeOf({ config, objective: training.objective })) {
    throw new UsageError(
      `--recipe is ${given.recipe}, but the checkpoint's network is ${describeNetwork(config)}. Leave it out to go on, or start a new run without --resume.`,
    );
  }
  const fixed = {
    seed: settings.seed,
    batch: settings.batchSize,
    widths: config.widths,
    'kernel-size': config.kernelSize,
    convolutions: config.convolutionsPerLevel ?? config.widths.map(() => 1),
    residual: config.residual ?? false,
    limit: settings.limit,
    holdout: settings.holdout ?? 0,
  };
  for (const [flag, was] of Object.entries(fixed)) {
    const now = given[flag as keyof typeof fixed];
    if (now !== undefined && String(now) !== String(was)) {
      throw new UsageError(
        `--${flag} is ${now}, but the checkpoint was trained with ${was ?? 'all images'}. Leave --${flag} out to go on, or start a new run without --resume.`,
      );
    }
  }
}
