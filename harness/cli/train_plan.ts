/** The flags of `train`, and the run that they ask for: checked as far as that needs no device. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defined } from '../../src/base/errors';
import type { ImageSet } from '../../src/data/idx';
import { loadPretrained } from '../../src/pretrained';
import {
  findRecipe,
  type Recipe,
  type RecipeName,
  recipeAt,
  recipeSampling,
  recipes,
} from '../../src/recipes';
import { stepsPerEpoch } from '../../src/training/epoch';
import type { UNetConfig } from '../../src/unet/config';
import type { Checkpoint } from '../../src/weights/checkpoint';
import type { RunSettings } from '../../src/weights/run_fields';
import { lastStep, type NewRun, TrainingRun } from '../../src/worker/run';
import { countClasses } from '../pictures/class_names';
import { usualHoldOut } from '../pictures/hold_out';
import { SIDES, sizeAgain, USUAL_SIDE } from '../pictures/small_pictures';
import { fitted, RATE_OF_PICTURES, whyUnfit } from '../run/beginning';
import {
  endingAt,
  isPlanned,
  lacksEnd,
  MINUTES,
  openPlan,
  ownSampling,
  type PlanOrder,
  trainerFor,
} from '../run/plan';
import { type Given, integer, number, oneOf, quoted, show, text, textList, toggle, UsageError } from './args';
import { holdOut, type LoadChoice, loadImages, pictureFlags } from './images';
import { checkKernels, kernelChoice, kernelFlags } from './kernel_flags';
import { allRecipes, networkFlags, networkFromFlags, networkSummary } from './network_flags';
import { CHECKPOINT, type RunFolder } from './run_folder';
import { enlargeBy, enlargeFlag } from './sampling_flags';
import { scheduleFlag, scheduleFor } from './schedule_flag';

/** The most training, in seconds, that is lost when the machine crashes. */
export const SAVE_SECONDS = 60;

/** A value of each recipe as text: `5; digits 6; pictures 12`. */
const ofEach = (value: (recipe: Recipe) => number) =>
  allRecipes.map((name) => (name === 'tutorial' ? '' : `${name} `) + value(recipes[name])).join('; ');

export const flags = {
  out: text('DIR', 'folder of the files (with --resume by default the folder of FILE)'),
  data: textList(
    'mnist|PATH',
    'the 10,000 digits that come along, or files and folders of your own,\n--data for each: PNG pictures, best in folders named after their\nclasses; IDX (*-images-idx3-ubyte, plain or .gz; merged, train\nbefore t10k) (default mnist)',
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
  enlarge: enlargeFlag('pixels for pictures\nthat kept their size, else smooth'),
  overwrite: toggle('replace the run or the model that is in DIR already'),
};
export type TrainFlags = Given<typeof flags>;
/** The flags of a new run, with its recipe. */
type NewFlags = TrainFlags & { readonly recipe: RecipeName };

/** The run that the flags ask for, but for what depends on the adapter. */
export type RunOrder = Awaited<ReturnType<typeof planRun>>;

export interface Begun {
  readonly run: TrainingRun;
  /** Only for a planned run that is new, with its recipe, or has no end yet. */
  readonly planned?: { readonly order: PlanOrder; readonly recipe?: RecipeName };
}

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
  flags: TrainFlags,
  { checkpoint, bytes }: RunFolder,
  signal: AbortSignal,
  progress: (done: number, total: number) => void,
) {
  const plans = isPlannedBy(flags, checkpoint);
  // Most is checked before pictures are read, which take a while.
  const kept = checkpoint && resumedSettings(flags, checkpoint);
  if (!checkpoint) checkSizeFlag(flags, plans);
  const kernels = await kernelChoice(flags);

  const reading = { limit: (kept ?? flags).limit, signal, progress };
  const { sources, all, notes, shrunk } = await imagesOf(flags, reading, checkpoint);
  if (plans && !checkpoint) checkPlannedSides(all.width, all.height);

  const given = { ...flags, recipe: flags.recipe ?? usualRecipe(plans, all.channels) };
  const plansOwn = plans && !sources.includes('mnist');
  const { config, network, begins } = checkpoint
    ? { config: checkpoint.config, network: checkpoint.config }
    : await beginningOf(given, all, plansOwn);

  const asked = kept ?? newSettings(given, all.count, begins !== undefined);
  const { train: images, held } = holdOut(all, asked.holdout ?? 0);
  const { objective } = checkpoint?.training ?? recipes[given.recipe].trainer;
  const enlarge = enlargeBy(flags.enlarge ?? asked.enlarge, { config, objective }, shrunk);
  const settings = defined({ ...asked, enlarge });
  const resumed = bytes && resumedRun(bytes, flags, checkpoint!, { images, settings });
  if (config.conditioning?.classes && !images.labels) {
    throw new UsageError(
      `The checkpoint's network has ${config.conditioning.classes} classes, and ${sources.join(', ')} has no labels. Give the images that it was trained on, with their labels.`,
    );
  }
  checkKernels(kernels, config, settings.batchSize);
  const schedule = flags.schedule && scheduleFor(flags.schedule, lastStep(settings, images.count));

  /** Makes the run. `software`: whether the adapter is. */
  const begin = (software: boolean): Begun => {
    const { minutes = MINUTES } = flags;
    const order = { count: images.count, dropLast: settings.dropLast, minutes, software };
    if (resumed) return plans ? { run: resumed, planned: { order } } : { run: resumed };
    const { recipe } = given;
    const sampling = (plansOwn ? ownSampling : recipeSampling)(recipe, config);
    const parts = { network, images, sampling };
    if (!plans) {
      const trainer = { ...recipeGiven(given).trainer, ...defined({ schedule }) };
      return { run: TrainingRun.begin({ ...parts, trainer, settings }) };
    }
    const { batch: batchSize, epochs } = openPlan(order);
    const trainer = trainerFor(recipeAt(recipe, batchSize).trainer);
    const run = TrainingRun.begin({ ...parts, trainer, settings: { ...settings, batchSize, epochs } });
    return { run, planned: { order, recipe } };
  };
  return {
    begin,
    held,
    config,
    sources,
    kernels,
    begins,
    /** For the same images again, which --resume needs beside the checkpoint. */
    imageFlags: imageFlagsOf(sources, flags),
    /** What else was given, but for what a plan sets and the folder. */
    otherFlags: otherFlagsOf(flags),
    notes: [...notes, ...(plans ? [] : hints(flags, all, sources))],
    heldOutLosses: flags.resume ? heldOutLosses(dirname(flags.resume)) : [],
    saveSeconds: flags['checkpoint-every'] ?? SAVE_SECONDS,
  };
}

/** The recipe of a run that names none. */
function usualRecipe(plans: boolean, channels: number): RecipeName {
  if (!plans) return 'tutorial';
  return channels === 1 ? 'digits' : 'pictures';
}

/** Throws UsageError where planned training would take hours: a plan trains at small sides, and its finished images are enlarged. */
function checkPlannedSides(...sides: readonly number[]): void {
  if (Math.max(...sides) <= USUAL_SIDE) return;
  throw new UsageError(
    `A run in minutes takes images of at most ${USUAL_SIDE} pixels a side; these are ${sides.join(' x ')}. Make pictures smaller (--size), or give --epochs N for a run without a plan.`,
  );
}

/** What a new run begins with: a network to initialize, or the pretrained one of the recipe `begins`, fitted to the images. */
interface RunBeginning {
  readonly config: UNetConfig;
  readonly network: NewRun['network'];
  readonly begins?: RecipeName;
}

async function beginningOf(given: NewFlags, images: ImageSet, plansOwn: boolean): Promise<RunBeginning> {
  const { recipe } = given;
  const config = networkFromFlags(given, { ...images, classes: countClasses(images) ?? 0 });
  if (!beginsPretrained(given, config, plansOwn)) return { config, network: config };
  const network = fitted(recipe, await loadPretrained(recipe), config);
  return { config: network.config, network, begins: recipe };
}

/** The images of all sources, and what was left out of them or changed. */
async function imagesOf(
  { data, fit, ink, size: asked }: TrainFlags,
  reading: Pick<LoadChoice, 'limit' | 'signal' | 'progress'>,
  checkpoint?: Checkpoint,
) {
  const sources = data ?? ['mnist'];
  const size = asked ?? (checkpoint && sizeAgain(checkpoint.data));
  const loaded = await loadImages(sources, { ...defined({ size, fit, ink }), ...reading });
  return { ...loaded, sources, all: loaded.images };
}

/** Whether a new run begins with its recipe's pretrained network. Throws UsageError where that is asked for and does not fit. */
function beginsPretrained({ begin, recipe }: NewFlags, wanted: UNetConfig, plansOwn: boolean): boolean {
  const isUsual = begin === undefined && plansOwn && recipe === 'pictures';
  if (begin !== 'pretrained' && !isUsual) return false;
  const misfit = whyUnfit(recipe, wanted);
  if (misfit && !isUsual) throw new UsageError(`--begin is pretrained. ${misfit}`);
  return !misfit;
}

/** A run that goes on. A planned one keeps its plan; if it is to end elsewhere, with a schedule for that. */
function resumedRun(
  bytes: Uint8Array<ArrayBuffer>,
  { resume, lr }: TrainFlags,
  { settings, training }: Checkpoint,
  options: Pick<NewRun, 'images' | 'settings'>,
): TrainingRun {
  const run = TrainingRun.resume(bytes, options, resume);
  if (isPlanned(training) && run.end !== lastStep(settings, options.images.count)) {
    run.adjust({ ...endingAt(run.end, run, settings.maxSteps), ...(lr ? { learningRate: lr } : {}) });
  }
  return run;
}

/** The size is not among them: the checkpoint has it. */
function imageFlagsOf(sources: readonly string[], { fit, ink }: TrainFlags): string {
  const own = sources.filter((source) => source !== 'mnist').map((source) => ['data', source] as const);
  const flags = [...own, ['fit', fit], ['ink', ink]] as const;
  return flags.map(([flag, value]) => (value === undefined ? '' : ` --${flag} ${quoted(value)}`)).join('');
}

const PLANNED = ['minutes', 'recipe', 'begin', 'lr', 'batch', 'epochs', 'max-steps', 'schedule'];
const PLACES = ['out', 'overwrite', 'resume'];

function otherFlagsOf(flags: TrainFlags): string {
  const others = Object.entries(flags).filter(([flag]) => ![...PLANNED, ...PLACES].includes(flag));
  return others
    .flatMap(([flag, value]) => {
      if (value === true) return ` --${flag}`;
      const values = flag === 'data' ? (value as readonly string[]) : [value];
      return values.map((each) => ` --${flag} ${quoted(String(each))}`);
    })
    .join('');
}

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
function recipeGiven({ recipe, batch = recipes[recipe].trainer.batchSize }: NewFlags): Recipe {
  return recipeAt(recipe, batch);
}

/** Throws UsageError where there is no such network, or none for images of this size; only one that is asked for is known already. */
function checkSizeFlag({ size, ...given }: TrainFlags, plans: boolean): void {
  const { widths } = networkFromFlags({ ...given, recipe: given.recipe ?? usualRecipe(plans, 1) });
  const halved = 2 ** (widths.length - 1);
  if (size === undefined) return;
  if (size % halved > 0) {
    throw new UsageError(
      `--size is ${size}; a network of ${widths.length} levels takes multiples of ${halved}. Give one from ${SIDES.least} to ${SIDES.most}, or fewer --widths.`,
    );
  }
  if (plans) checkPlannedSides(size, size);
}

/** The settings of a new run on `count` images. */
function newSettings(given: NewFlags, count: number, isPretrained: boolean): RunSettings {
  const { network, trainer, fit } = recipeGiven(given);
  const rate = isPretrained && given.recipe === 'pictures' ? RATE_OF_PICTURES : trainer.learningRate;
  // The tutorial trains on all images and holds out none.
  const usual = usualHoldOut(network.conditioning !== undefined, count);
  const { seed = 123, lr = rate, epochs = fit.epochs, holdout = usual, limit, quality } = given;
  return defined({
    seed,
    batchSize: trainer.batchSize,
    learningRate: lr,
    ...fit,
    epochs,
    source: given.data?.join(', ') ?? 'mnist',
    limit,
    maxSteps: given['max-steps'],
    quality,
    holdout: holdout || undefined,
  });
}

/** The held-out losses of the epochs that another process trained, from its epochs.csv. */
function heldOutLosses(folder: string): (number | undefined)[] {
  const path = join(folder, 'epochs.csv');
  if (!existsSync(path)) return [];
  const [head, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  const column = head.split(',').indexOf('held_out_loss');
  return rows
    .map((row) => Number.parseFloat(row.split(',')[column]))
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
  // A checkpoint may name any file of this machine; only the user decides which files are opened.
  if (given.data === undefined && was !== 'mnist') {
    throw new UsageError(
      `The checkpoint was trained on images from ${show(was)}, which is not opened on a file's word. Say where they are with --data PATH.`,
    );
  }
  // More epochs extend the run, also beyond the former limit of steps.
  const { maxSteps: before, ...rest } = settings;
  const maxSteps = given['max-steps'] ?? (given.epochs === undefined ? before : undefined);
  const source = given.data?.join(', ') ?? was;
  return defined({ ...rest, epochs, learningRate, source, maxSteps, quality });
}

/** Throws UsageError where a flag asks for what a checkpoint fixes. */
function refuseOtherFlags(given: TrainFlags, { settings, config, training }: Checkpoint): void {
  const refuse = (what: string) => {
    throw new UsageError(`${what}, or start a new run without --resume.`);
  };
  const kept = {
    variants: 'goes on with the kernel variants that it began with',
    schedule: 'keeps the schedule that it began with',
    begin: 'goes on with the weights that it has',
  } as const;
  for (const [flag, why] of Object.entries(kept)) {
    if (given[flag as keyof typeof kept] !== undefined)
      refuse(`--${flag} cannot stand beside --resume: a run ${why}. Leave it out`);
  }
  const { recipe } = given;
  if (recipe !== undefined && recipe !== findRecipe({ config, objective: training.objective })) {
    const isKin = (name: RecipeName) => recipes[name].trainer.objective === training.objective;
    const was = isKin(recipe)
      ? `'s network is ${networkSummary(config)}`
      : ` is of a run of the recipe ${allRecipes.find(isKin)}`;
    refuse(`--recipe is ${recipe}, but the checkpoint${was}. Leave it out to go on`);
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
    if (now === undefined || String(now) === String(was)) continue;
    const before = was ?? 'all images';
    refuse(
      `--${flag} is ${now}, but the checkpoint was trained with ${before}. Leave --${flag} out to go on`,
    );
  }
}
