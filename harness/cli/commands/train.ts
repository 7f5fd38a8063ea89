/** `train`: runs a recipe from end to end. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageSet } from '../../../src/data/idx';
import type { Engine } from '../../../src/engine';
import { requirements } from '../../../src/gpu/request_device';
import { UnusableKernel } from '../../../src/gpu/unusable_kernel';
import type { Schedule } from '../../../src/plan/schedule';
import { padBatch } from '../../../src/plan/tensor';
import { type Recipe, recipeAt, recipeOf, recipes } from '../../../src/recipes';
import { stepsPerEpoch } from '../../../src/training/epoch';
import type { Evaluation } from '../../../src/training/evaluation';
import type { TrainingEvent } from '../../../src/training/options';
import { layersOf, type UNetConfig } from '../../../src/unet/config';
import { checkVariants } from '../../../src/unet/variants';
import { type Checkpoint, loadCheckpoint } from '../../../src/weights/checkpoint';
import type { RunSettings } from '../../../src/weights/fields';
import { saveModel } from '../../../src/weights/model';
import { TrainingRun } from '../../../src/worker/run';
import { adapterText } from '../../run/adapter_text';
import { usualHoldOut } from '../../run/hold_out';
import { variantLines } from '../../run/kernels_text';
import { epochMeans } from '../../run/losses';
import { duration, megabytes, plural, thousands } from '../../run/units';
import {
  type Context,
  defineCommand,
  type Given,
  integer,
  number,
  show,
  text,
  toggle,
  UsageError,
} from '../args';
import { digitPictures } from '../digit_pictures';
import { writeWhole } from '../files';
import { History } from '../history';
import { holdOut, loadImages } from '../images';
import { type EngineChoice, kernelChoice, kernelFlags, Preparations } from '../kernel_flags';
import { levelSvg } from '../level_svg';
import { type Measured, makesDigits, measureQuality, qualityLine } from '../measure_quality';
import { describeNetwork, networkFlags, networkOf, recipeNames } from '../network_flags';
import { commandLine, nodeEngine } from '../node_engine';
import { encodePng } from '../png';
import { Progress } from '../progress';
import { runFiles } from '../run_files';
import { CHECKPOINT, MODEL, RunFolder } from '../run_folder';
import { runPictures } from '../run_pictures';
import { samplingText } from '../sampling_flags';
import { scheduleFlag, scheduleFor } from '../schedule_flag';
import { summaries } from '../summaries';
import { versions } from '../versions';

/** The most training, in seconds, that is lost when the machine crashes. */
const SAVE_SECONDS = 60;

/** What each recipe has: `5; digits 6; digits-3x3 12`. */
const ofEach = (value: (recipe: Recipe) => number) =>
  recipeNames.map((name) => (name === 'tutorial' ? '' : `${name} `) + value(recipes[name])).join('; ');

const flags = {
  out: text('DIR', 'where the files go (with --resume by default the folder of FILE)'),
  data: text(
    'mnist|PATH',
    'the 10,000 digits that come along, or a file or folder of IDX\n(*-images-idx3-ubyte, plain or .gz; merged, train before t10k) (default mnist)',
  ),
  limit: integer('N', 'only the first N images', 1, 2 ** 31),
  holdout: integer(
    'N',
    'the last N images are not trained on but measure the run\n(default: none for the tutorial; for digits a tenth, at most 1000,\nof 100 images or more)',
    0,
    2 ** 31,
  ),
  epochs: integer(
    'N',
    `passes over the images, in all (default ${ofEach(({ fit }) => fit.epochs)})`,
    1,
    1_000_000,
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
  quality: integer(
    'N',
    'samples that tell how good the digits are, for networks that know digits;\n0: none (default 1000)',
    0,
    100_000,
  ),
  ...networkFlags,
  ...kernelFlags,
  'checkpoint-every': integer(
    'SECONDS',
    `how much training may be lost when the machine dies (default ${SAVE_SECONDS})`,
    1,
    86_400,
  ),
  resume: text(
    'FILE',
    `go on from a ${CHECKPOINT} as if never stopped; all settings and the\nkernel variants are in it, images of your own are not: give --data again;\n--epochs may grow, --lr and --out differ`,
  ),
  overwrite: toggle('replace the run that is in DIR already'),
};
type TrainFlags = Given<typeof flags>;

export const train = defineCommand({
  name: 'train',
  summary: summaries.train,
  usage: '--out DIR [flags]',
  flags,
  notes: `Writes losses.csv, epochs.csv, loss.svg, corruption.png, predictions.png, samples-5-steps.png, samples-50-steps.png,
${MODEL}, ${CHECKPOINT} and run.json. With --recipe digits samples.png (a column for each digit),
trajectory.png (how noise becomes a digit) and history.gif (the samples over the run) in place of the last two
pictures; with --holdout the held-out losses in epochs.csv and loss-by-noise-level.svg. The checkpoint is saved after
the first step, after each epoch, every ${SAVE_SECONDS} seconds (--checkpoint-every), at Ctrl-C and when the terminal is closed;
a second Ctrl-C quits at once.`,
  run: runTrain,
});

async function runTrain(given: TrainFlags, { signal }: Context): Promise<number> {
  const folder = await RunFolder.of(given);
  const plan = await planRun(given, folder, signal);
  await folder.open();
  try {
    const progress = new Progress();
    const preparations = new Preparations(progress);
    const engine = await nodeEngine({ ...plan.kernels, ...preparations.handlers });
    for (;;) {
      const training = new Training(engine, { ...plan, folder, progress, preparations });
      await training.prepare();
      try {
        await training.train(signal);
      } catch (error) {
        if (!(error instanceof UnusableKernel && error.wasUsed)) throw error;
        // The engine does not use that kernel again.
        progress.print(`${error.text} The run begins again.`);
        training.undo();
        continue;
      }
      await training.finish(signal);
      return 0;
    }
  } finally {
    folder.close();
  }
}

/** Determines and checks everything that needs no device. */
async function planRun(
  given: TrainFlags,
  { checkpoint, bytes }: RunFolder,
  signal: AbortSignal,
): Promise<Plan> {
  const asked = checkpoint ? resumedSettings(given, checkpoint) : newSettings(given);
  const kernels = await kernelChoice(given);
  const source = asked.source ?? 'mnist';
  const all = await loadImages(source, asked.limit, signal);
  const recipe = recipeGiven(given);
  // The tutorial trains on all images and holds out none.
  const usual = usualHoldOut(recipe.network.conditioning !== undefined, all.count);
  const holdout = asked.holdout ?? (checkpoint ? 0 : (given.holdout ?? usual));
  const { train: images, held } = holdOut(all, holdout);
  const settings = { ...asked, ...(holdout > 0 ? { holdout } : {}) };
  const resumed = bytes && TrainingRun.resume(bytes, { images, settings }, given.resume);
  const classes = images.labels && 1 + images.labels.reduce((a, b) => Math.max(a, b), 0);
  const config = checkpoint?.config ?? networkOf(given, { ...images, classes });
  if (config.conditioning?.classes && !images.labels) {
    throw new UsageError(
      `--recipe ${given.recipe ?? 'digits'} needs labels, and ${source} has none. Put the *-labels-idx1-ubyte file beside each file of images, or train --recipe tutorial.`,
    );
  }
  const perEpoch = stepsPerEpoch({ ...settings, imageCount: images.count });
  const steps = Math.min(perEpoch * settings.epochs, settings.maxSteps ?? Number.POSITIVE_INFINITY);
  const schedule = given.schedule && scheduleFor(given.schedule, steps);
  const trainer = { ...recipe.trainer, ...(schedule ? { schedule } : {}) };
  if (kernels.variants) {
    // Checks with every optional feature; the features of the actual device are checked later.
    const features = new Set(requirements.optionalFeatures);
    checkVariants(kernels.variants, layersOf(config), padBatch(settings.batchSize), features, true);
  }
  return {
    run: resumed ?? TrainingRun.begin({ network: config, trainer }, { images, settings }),
    held,
    config,
    source,
    kernels,
    steps,
    heldOutLosses: given.resume ? heldOutLosses(dirname(given.resume)) : [],
    qualityCount: given.quality ?? 1000,
    saveSeconds: given['checkpoint-every'] ?? SAVE_SECONDS,
  };
}

/** The recipe, with the batch that the flags ask for. */
function recipeGiven({ recipe = 'tutorial', batch = recipes[recipe].trainer.batchSize }: TrainFlags): Recipe {
  return recipeAt(recipe, batch);
}

function newSettings(given: TrainFlags): RunSettings {
  networkOf(given); // before anything is loaded; the size of the images is known later
  const recipe = recipeGiven(given);
  const { 'max-steps': maxSteps } = given;
  return {
    seed: given.seed ?? 123,
    batchSize: recipe.trainer.batchSize,
    learningRate: given.lr ?? recipe.trainer.learningRate,
    ...recipe.fit,
    epochs: given.epochs ?? recipe.fit.epochs,
    source: given.data ?? 'mnist',
    ...(given.limit === undefined ? {} : { limit: given.limit }),
    ...(maxSteps === undefined ? {} : { maxSteps }),
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
export function resumedSettings(
  given: TrainFlags,
  { settings, config, losses, data, training }: Checkpoint,
): RunSettings {
  if (given.variants !== undefined) {
    throw new UsageError(
      '--variants cannot stand beside --resume: a run goes on with the kernel variants that it began with. Leave it out, or start a new run without --resume.',
    );
  }
  if (given.recipe !== undefined && recipes[given.recipe].trainer.objective !== training.objective) {
    const other = recipeNames.find((name) => recipes[name].trainer.objective === training.objective);
    throw new UsageError(
      `--recipe is ${given.recipe}, but the checkpoint is of a run of the recipe ${other}. Leave it out to go on, or start a new run without --resume.`,
    );
  }
  if (given.recipe !== undefined && given.recipe !== recipeOf({ config, objective: training.objective })) {
    throw new UsageError(
      `--recipe is ${given.recipe}, but the checkpoint's network is ${describeNetwork(config)}. Leave it out to go on, or start a new run without --resume.`,
    );
  }
  if (given.schedule !== undefined) {
    throw new UsageError(
      '--schedule cannot stand beside --resume: a run keeps the schedule that it began with. Leave it out, or start a new run without --resume.',
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
  const { epochs = settings.epochs } = given;
  const done = Math.floor(losses.length / stepsPerEpoch({ ...settings, imageCount: data.count }));
  if (epochs < settings.epochs && epochs <= done) {
    throw new UsageError(
      `--epochs is ${epochs}, but the checkpoint has completed ${done}: it counts from the run's beginning. Give more, or leave it out.`,
    );
  }
  const { lr: learningRate = settings.learningRate, data: source = 'mnist' } = given;
  const { source: was = 'mnist' } = settings;
  // A checkpoint may name any file of this machine; only the user decides which files are opened.
  if (given.data === undefined && was !== 'mnist') {
    throw new UsageError(
      `The checkpoint was trained on images from ${show(was)}, which is not opened on a file's word. Say where they are with --data PATH.`,
    );
  }
  // More epochs extend the run, also beyond the former limit of steps.
  const { maxSteps: before, ...rest } = settings;
  const maxSteps = given['max-steps'] ?? (given.epochs === undefined ? before : undefined);
  return { ...rest, epochs, learningRate, source, ...(maxSteps === undefined ? {} : { maxSteps }) };
}

// ---------------------------------------------------------------- the run

interface Plan {
  readonly run: TrainingRun;
  /** The images that are held out from training. */
  readonly held: ImageSet | undefined;
  readonly config: UNetConfig;
  readonly source: string;
  readonly kernels: EngineChoice;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly heldOutLosses: readonly (number | undefined)[];
  readonly qualityCount: number;
  readonly saveSeconds: number;
}

interface Options extends Plan {
  readonly folder: RunFolder;
  readonly progress: Progress;
  readonly preparations: Preparations;
}

/** A run, and what the command makes of it: files, and lines that say how it goes. */
class Training {
  private readonly engine: Engine;
  private readonly options: Options;
  private readonly run: TrainingRun;
  private readonly progress: Progress;
  private readonly started = new Date();
  private savedAt = performance.now();
  private savedStep: number | undefined;
  private trainSeconds = 0;
  /** Seconds since the process began. */
  private readonly loadedAt = performance.now() / 1000;
  private readyAt = 0;
  private firstStepAt: number | undefined;
  private readonly epochSeconds = new Map<number, number>();
  /** The held-out loss of each epoch, from the first. */
  private readonly heldOut: (number | undefined)[];
  private evaluation: Evaluation | undefined;
  /** Samples over the run, for a network that is conditioned on classes. */
  private history: History | undefined;
  private quality: Measured | undefined;

  constructor(engine: Engine, options: Options) {
    this.engine = engine;
    this.options = options;
    this.run = options.run;
    this.progress = options.progress;
    this.heldOut = [...options.heldOutLosses];
  }

  private get steps(): number {
    return this.options.steps;
  }

  private get losses(): readonly number[] {
    return this.run.losses;
  }

  private get stepsPerEpoch(): number {
    return this.run.stepsPerEpoch;
  }

  private get trainer() {
    return this.run.trainer!;
  }

  /** Whether the network learns a flow from noise to images. */
  private get flow(): boolean {
    return this.run.objective === 'flow';
  }

  /** Uploads everything to the GPU and prints what is going to happen. */
  async prepare(): Promise<void> {
    const { engine, options, progress, run } = this;
    const { held, config, folder, source } = options;
    const { settings, images } = run;
    const { checkpoint } = folder;
    await run.build(engine);
    if (checkpoint && folder.own) this.savedStep = checkpoint.state.step;
    const unet = run.unet!;
    const { count, height, width, channels } = images;
    if (this.flow) this.history = await History.create(engine, unet, settings);
    const [net, trainer, set] = [unet.bytes, this.trainer.bytes, run.dataset!.buffer.size];
    progress.print(`Adapter     ${adapterText(engine.adapter)}`);
    progress.print(
      `Data        ${source}: ${plural(count, 'image')} of ${height}x${width}x${channels}${held ? `, and ${plural(held.count, 'image')} held out` : ''}`,
    );
    progress.print(`Network     ${describeNetwork(config)}: ${thousands(unet.parameterCount)} parameters`);
    progress.print(
      `GPU memory  ${megabytes(net + trainer + set)}: training ${megabytes(trainer)}, network ${megabytes(net)}, data ${megabytes(set)}`,
    );
    progress.print(
      `Training    ${plural(settings.epochs, 'epoch')} of ${plural(this.stepsPerEpoch, 'step')}: ${plural(this.steps, 'step')} of ${plural(settings.batchSize, 'image')}, learning rate ${settings.learningRate}${scheduleText(this.trainer.config.schedule)}, seed ${settings.seed}`,
    );
    if (checkpoint) {
      const before = checkpoint.settings.learningRate;
      const changed =
        before === settings.learningRate ? '' : `, with a learning rate of ${before} until then`;
      progress.print(`Resumed     after step ${thousands(checkpoint.state.step)}${changed}`);
      if (checkpoint.note) progress.print(`            ${checkpoint.note}`);
      if (run.otherKernels) {
        progress.print(`            with other kernels, so the last digits will differ: ${run.otherKernels}`);
      }
    }
    const origin = checkpoint
      ? run.otherKernels
        ? this.options.preparations.origin(engine, false)
        : 'as the run began'
      : this.options.preparations.origin(engine, this.options.kernels.variants !== undefined);
    progress.print(`Kernels     ${origin}`);
    for (const line of variantLines(this.trainer.variants)) progress.print(`            ${line}`);
    progress.print(`Output      ${folder.path}`);
    progress.print();
    this.readyAt = performance.now() / 1000;
  }

  /** Takes the run back to where it began here. */
  undo(): void {
    this.run.free();
    this.run.undo();
  }

  async train(signal: AbortSignal): Promise<void> {
    const { run, losses, progress, stepsPerEpoch, steps } = this;
    const { saveSeconds } = this.options;
    const { epochs } = run.settings;
    if (losses.length >= steps) {
      progress.print(
        `The run is complete (${plural(epochs, 'epoch')}); --epochs N trains on. Making the pictures again.`,
      );
      await this.evaluate();
      await this.save();
      return;
    }
    const start = performance.now();
    let epochStart = start;
    try {
      for await (const event of this.events(signal)) {
        const now = performance.now();
        const warning = run.add(event.loss);
        if (warning) progress.print(`Warning: ${warning}`);
        if (this.firstStepAt === undefined) {
          this.firstStepAt = now / 1000;
          const [loading, preparing] = [this.loadedAt, this.readyAt - this.loadedAt].map(duration);
          progress.print(
            `First step  after ${duration(this.firstStepAt)}: loading ${loading}, preparing ${preparing}, the step ${duration(this.firstStepAt - this.readyAt)}`,
          );
        }
        const epochDone = event.step % stepsPerEpoch === 0;
        const imagesLeft =
          Math.max(steps - event.step, 0) * Math.min(run.trainer!.batchSize, run.images.count);
        progress.update({
          done: event.step,
          total: steps,
          text: `epoch ${event.epoch}/${epochs}  step ${event.step}  loss ${event.loss.toFixed(4)}  ${speed(event.imagesPerSecond)}`,
          secondsLeft: imagesLeft / event.imagesPerSecond,
        });
        if (epochDone) {
          // Only for an epoch that this process began.
          if (event.step - (this.options.folder.checkpoint?.state.step ?? 0) >= stepsPerEpoch) {
            this.epochSeconds.set(event.epoch, (now - epochStart) / 1000);
          }
          const mean = epochMeans(losses, stepsPerEpoch)[event.epoch - 1];
          const { loss: heldOut } = (await this.evaluate(event.epoch)) ?? {};
          progress.print(
            `Epoch ${event.epoch}/${epochs}: mean loss ${mean.toFixed(5)}${heldOut === undefined ? '' : `, held out ${heldOut.toFixed(5)}`}, ${duration((now - epochStart) / 1000)}, ${speed(event.imagesPerSecond)}`,
          );
          epochStart = performance.now();
        }
        this.trainSeconds = (now - start) / 1000;
        const last = event.step === steps;
        const due = this.savedStep === undefined || now - this.savedAt > saveSeconds * 1000;
        if (last || epochDone || due) await this.save();
      }
    } catch (error) {
      this.progress.clear();
      if (signal.aborted) {
        await this.save();
        progress.print(
          `Stopped after step ${thousands(losses.length)}. Go on with: ${commandLine('train')} --resume ${this.path(CHECKPOINT)}${this.dataFlag()}`,
        );
      } else if (this.savedStep !== undefined && !(error instanceof UnusableKernel)) {
        progress.print(
          `The last checkpoint, ${this.path(CHECKPOINT)}, is of step ${thousands(this.savedStep)}.`,
        );
      }
      throw error;
    }
  }

  /**
   * The events of `fit` up to the end of the run. It interrupts `fit` where an epoch is evaluated or the history needs a frame, so that no
   * later step has been submitted by then.
   */
  private async *events(signal: AbortSignal): AsyncGenerator<TrainingEvent, void, undefined> {
    const { run, losses, stepsPerEpoch, steps, history } = this;
    await history?.add(losses.length, signal);
    while (losses.length < steps) {
      const done = losses.length;
      const epochEnd = this.options.held ? done - (done % stepsPerEpoch) + stepsPerEpoch : steps;
      const maxSteps = Math.min(epochEnd, history?.next ?? steps, steps) - done;
      // Yields the last event only after `fit` has ended, so that the receiver may evaluate and sample.
      let last: TrainingEvent | undefined;
      try {
        for await (const event of run.train({ steps: maxSteps, signal })) {
          if (last) yield last;
          last = event;
        }
      } catch (error) {
        if (last) yield last;
        throw error;
      }
      if (last) yield last;
      await history?.add(losses.length, signal);
    }
  }

  /** Evaluates the held-out images, if there are any: at the end of `epoch`, if given. */
  private async evaluate(epoch?: number): Promise<Evaluation | undefined> {
    const { held } = this.options;
    if (!held) return undefined;
    this.evaluation = await this.trainer.evaluate(held, { binarize: this.run.settings.binarize });
    if (epoch !== undefined) this.heldOut[epoch - 1] = this.evaluation.loss;
    return this.evaluation;
  }

  /** Writes the model, the pictures and run.json. */
  async finish(signal: AbortSignal): Promise<void> {
    const { engine, trainer, progress, options, run } = this;
    const { objective } = run;
    options.folder.check();
    await writeWhole(this.path(MODEL), await saveModel(trainer.unet, { objective }));
    await this.evaluate();
    await this.writeFiles();
    const written = [...Object.keys(this.files()), CHECKPOINT, MODEL];
    const start = performance.now();
    const onStep = (name: string, done: number, total: number) =>
      progress.update({ done, total, text: `${name}.png: step ${done} of ${total}` });
    const { seed } = run.settings;
    const shown = { seed, signal, onStep };
    const pictures = this.flow
      ? digitPictures(engine, trainer.unet, run.images, shown)
      : runPictures(engine, trainer.unet, run.images, shown);
    for await (const { name, picture } of pictures) {
      await writeWhole(this.path(`${name}.png`), encodePng(picture));
      written.push(`${name}.png`);
    }
    if (this.history) {
      await writeWhole(this.path('history.gif'), this.history.encode());
      written.push('history.gif');
    }
    const measures = options.source === 'mnist' && makesDigits(trainer.unet.config);
    if (measures && options.qualityCount >= 6 && this.flow) {
      this.quality = await measureQuality(engine, trainer.unet, {
        count: options.qualityCount,
        seed,
        signal,
        onImages: (done) =>
          progress.update({
            done,
            total: options.qualityCount,
            text: `quality: ${done} of ${options.qualityCount} samples`,
          }),
      });
    }
    progress.clear();
    const pictureSeconds = (performance.now() - start) / 1000;
    await writeWhole(this.path('run.json'), `${JSON.stringify(this.report(pictureSeconds), null, 2)}\n`);
    written.push('run.json');

    // A run that ends before its first epoch has no mean yet.
    const [mean] = epochMeans(this.losses, this.stepsPerEpoch).slice(-1);
    const loss = mean === undefined ? '' : `Mean loss of the last whole epoch ${mean.toFixed(5)}. `;
    progress.print();
    progress.print(
      `${loss}Training took ${duration(this.trainSeconds)}, the pictures ${duration(pictureSeconds)}.`,
    );
    if (this.evaluation) progress.print(`Held-out loss ${this.evaluation.loss.toFixed(5)}.`);
    if (this.quality) {
      progress.print(
        `Quality of ${options.qualityCount} samples (${samplingText(trainer.unet.sampling!)}): ${qualityLine(this.quality)}.`,
      );
    }
    progress.print(`Wrote in ${options.folder.path}: ${written.join(', ')}.`);
    if (!this.flow) {
      progress.print(
        `This is the tutorial's network; ${commandLine('train')} --recipe digits --out DIR makes digits that can be read, to order.`,
      );
    }
    engine.destroy();
  }

  /** Saves the checkpoint and the loss files. */
  private async save(): Promise<void> {
    await this.run.takeCheckpoint();
    const bytes = this.run.checkpoint!;
    // Parse the new checkpoint before it replaces one that is known to be readable. It also contains the steps that were in flight.
    const { step } = loadCheckpoint(bytes).state;
    this.options.folder.check();
    await writeWhole(this.path(CHECKPOINT), bytes);
    this.savedStep = step;
    await this.writeFiles();
    this.savedAt = performance.now();
  }

  private async writeFiles(): Promise<void> {
    for (const [name, content] of Object.entries(this.files())) await writeWhole(this.path(name), content);
  }

  private files(): Record<string, string> {
    const { losses, stepsPerEpoch, heldOut, evaluation } = this;
    const { source } = this.options;
    const { settings, images } = this.run;
    const subtitle = `${source}, ${thousands(images.count)} images, batch ${settings.batchSize}, learning rate ${settings.learningRate}, seed ${settings.seed}`;
    const held = this.options.held ? { heldOut } : {};
    return {
      ...runFiles({ losses, stepsPerEpoch, subtitle, ...held }),
      ...(evaluation ? { 'loss-by-noise-level.svg': levelSvg(evaluation, subtitle) } : {}),
    };
  }

  /** The flags that --resume needs again. */
  private dataFlag(): string {
    const { source } = this.options;
    if (source === 'mnist') return '';
    return ` --data ${/^[\w@%+=:,./-]+$/.test(source) ? source : `'${source.replaceAll("'", "'\\''")}'`}`;
  }

  private path(name: string): string {
    return this.options.folder.file(name);
  }

  private report(pictureSeconds: number) {
    const { engine, trainer, losses, stepsPerEpoch, trainSeconds, options, run } = this;
    const { config } = options;
    const { settings, data, images } = run;
    const { checkpoint } = options.folder;
    const resumedAt = checkpoint?.state.step ?? 0;
    const means = epochMeans(losses, stepsPerEpoch);
    const epochsNow = Math.max(losses.length - resumedAt, 0) / stepsPerEpoch;
    return {
      settings: {
        ...settings,
        network: config,
        variants: trainer.variants,
        ...trainer.config,
      },
      data,
      adapter: engine.adapter,
      versions: versions(),
      parameters: trainer.unet.parameterCount,
      gpuMemoryBytes: {
        trainer: trainer.bytes,
        network: trainer.unet.bytes,
        data: run.dataset!.buffer.size,
      },
      steps: losses.length,
      stepsPerEpoch,
      ...(checkpoint
        ? { resumedAtStep: resumedAt, learningRateUntilThen: checkpoint.settings.learningRate }
        : {}),
      epochs: means.map((meanLoss, i) => ({
        epoch: i + 1,
        meanLoss,
        ...(this.options.held ? { heldOutLoss: this.heldOut[i] ?? null } : {}),
        seconds: this.epochSeconds.get(i + 1) ?? null,
      })),
      ...(this.evaluation ? { heldOut: { images: this.options.held!.count, ...this.evaluation } } : {}),
      ...(this.quality
        ? { quality: { count: options.qualityCount, sampling: trainer.unet.sampling, ...this.quality } }
        : {}),
      timings: {
        started: this.started.toISOString(),
        finished: new Date().toISOString(),
        secondsToFirstStep: this.firstStepAt ?? null,
        trainSeconds,
        imagesPerSecond: trainSeconds > 0 ? (epochsNow * images.count) / trainSeconds : null,
        pictureSeconds,
      },
    };
  }
}

const speed = (imagesPerSecond: number) =>
  `${imagesPerSecond < 10 ? imagesPerSecond.toFixed(1) : thousands(Math.round(imagesPerSecond))} images/s`;

/** The text after the learning rate. */
function scheduleText(schedule: Schedule): string {
  const { warmup } = schedule;
  const parts = [...(warmup > 0 ? [`after ${plural(warmup, 'step')} of warm-up`] : [])];
  if (schedule.decay === 'cosine')
    parts.push(`by a cosine to ${schedule.floor} of it at step ${schedule.steps}`);
  return parts.length > 0 ? ` ${parts.join(', then ')}` : '';
}
