/** `train`: the tutorial from end to end. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ImageSet } from '../../src/data/idx';
import { requirements } from '../../src/device';
import type { Engine } from '../../src/engine';
import { EngineError } from '../../src/errors';
import type { Trainer } from '../../src/training/trainer';
import { layersOf, type UNetConfig } from '../../src/unet/config';
import { checkVariants } from '../../src/unet/variants';
import {
  type Checkpoint,
  checkSameData,
  type DataFingerprint,
  fingerprint,
  loadCheckpoint,
  type RunSettings,
  saveCheckpoint,
  saveModel,
  variantsOn,
} from '../../src/weights/checkpoint';
import { type Context, defineCommand, type Given, integer, number, text, toggle, UsageError } from '../args';
import { prepareFolder, readWhole, writeWhole } from '../files';
import { loadImages } from '../images';
import { bfloat16Flag, type EngineChoice, kernelChoice, kernelFlags, Preparations } from '../kernel_flags';
import { variantLines } from '../kernels_text';
import { describeNetwork, networkFlags, networkOf } from '../network_flags';
import { adapterLine, commandLine, nodeEngine } from '../node_engine';
import { encodePng } from '../png';
import { duration, megabytes, Progress, plural, thousands } from '../progress';
import { runFiles, wholeEpochs } from '../run_files';
import { runPictures } from '../run_pictures';
import { versions } from '../versions';

const CHECKPOINT = 'checkpoint.safetensors';
const MODEL = 'model.safetensors';
/** At most so much training is lost when the machine dies. */
const SAVE_SECONDS = 60;

const flags = {
  out: text('DIR', 'where the files go (with --resume by default the folder of FILE)'),
  data: text(
    'mnist|PATH',
    'the 10,000 digits that come along, or a file or folder of IDX\n(*-images-idx3-ubyte, plain or .gz; merged, train before t10k) (default mnist)',
  ),
  limit: integer('N', 'only the first N images', 1, 2 ** 31),
  epochs: integer('N', 'passes over the images, in all (default 5)', 1, 1_000_000),
  batch: integer('N', 'images a step (default 256)', 1, 65536),
  lr: number('X', 'learning rate of Adam (default 1e-3)', 1e-12, 10),
  seed: integer('N', 'fixes weights, shuffling, noise and samples (default 123)', 0, 0xffffffff),
  ...networkFlags,
  ...kernelFlags,
  ...bfloat16Flag,
  resume: text(
    'FILE',
    `go on from a ${CHECKPOINT} as if never stopped; all settings\nand the kernel variants are in it; --epochs may grow, --lr and --out differ`,
  ),
  overwrite: toggle('replace the run that is in DIR already'),
};
type TrainFlags = Given<typeof flags>;

export const train = defineCommand({
  name: 'train',
  summary:
    'Trains a UNet to take noise out of images; writes its loss curve, its pictures, the model and a checkpoint.',
  usage: '--out DIR [flags]',
  flags,
  notes: `Writes losses.csv, epochs.csv, loss.svg, corruption.png, predictions.png, samples-5-steps.png, samples-50-steps.png,
${MODEL}, ${CHECKPOINT} and run.json. The checkpoint is saved after each epoch, every ${SAVE_SECONDS} seconds and at
Ctrl-C; a second Ctrl-C quits at once.`,
  run: runTrain,
});

async function runTrain(given: TrainFlags, { signal }: Context): Promise<number> {
  const out = given.out ?? (given.resume && dirname(given.resume));
  if (!out) throw new UsageError('train needs --out DIR: the folder for the pictures and the model.');
  const checkpoint = given.resume ? loadCheckpoint(await readWhole(given.resume), given.resume) : undefined;
  const inTheWay = join(out, CHECKPOINT);
  const own = given.resume !== undefined && resolve(given.resume) === resolve(inTheWay);
  if (!own && !given.overwrite && existsSync(inTheWay)) {
    throw new UsageError(
      `There is a run in ${out} already. Go on from it with --resume ${inTheWay}, give another folder with --out, or replace it with --overwrite.`,
    );
  }
  const settings = checkpoint ? resumedSettings(given, checkpoint) : newSettings(given);
  const kernels = await kernelChoice(given);
  const source = settings.source ?? 'mnist';
  const images = await loadImages(source, settings.limit, signal);
  const data = fingerprint(images);
  if (checkpoint) checkSameData(checkpoint.data, data);
  const config = checkpoint?.config ?? networkOf(given, images);
  if (kernels.variants) {
    // With all that a device may have; what this one has is seen later.
    const features = new Set(requirements.optionalFeatures);
    const batch = Math.ceil(settings.batchSize / 4) * 4;
    checkVariants(kernels.variants, layersOf(config), batch, features, true);
  }
  await prepareFolder(out);

  const progress = new Progress();
  const preparations = new Preparations(progress);
  const engine = await nodeEngine({ ...kernels, onProgress: preparations.onProgress });
  const run = new Run(engine, {
    out,
    settings,
    images,
    data,
    config,
    source,
    checkpoint,
    kernels,
    bfloat16Gradients: checkpoint?.bfloat16Gradients ?? given['bfloat16-gradients'] ?? false,
    progress,
    preparations,
  });
  await run.prepare();
  await run.train(signal);
  await run.finish(signal);
  return 0;
}

function newSettings(given: TrainFlags): RunSettings {
  networkOf(given); // Before anything is loaded; the size of the images comes later.
  return {
    seed: given.seed ?? 123,
    batchSize: given.batch ?? 256,
    learningRate: given.lr ?? 1e-3,
    epochs: given.epochs ?? 5,
    source: given.data ?? 'mnist',
    ...(given.limit === undefined ? {} : { limit: given.limit }),
  };
}

/** The checkpoint's settings, with more epochs or another learning rate if those are wanted. Throws UsageError where a flag contradicts them. */
export function resumedSettings(
  given: TrainFlags,
  { settings, config, losses, data, bfloat16Gradients }: Checkpoint,
): RunSettings {
  if (given.variants !== undefined) {
    throw new UsageError(
      '--variants cannot stand beside --resume: a run goes on with the kernel variants that it began with. Leave it out, or start a new run without --resume.',
    );
  }
  if (given['bfloat16-gradients'] && !bfloat16Gradients) {
    throw new UsageError(
      '--bfloat16-gradients is given, but the checkpoint was trained without. Leave it out to go on, or start a new run without --resume.',
    );
  }
  const fixed = {
    seed: settings.seed,
    batch: settings.batchSize,
    widths: config.widths,
    'kernel-size': config.kernelSize,
    limit: settings.limit,
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
  const done = Math.floor(losses.length / Math.ceil(data.count / settings.batchSize));
  if (epochs < settings.epochs && epochs <= done) {
    throw new UsageError(
      `--epochs is ${epochs}, but the checkpoint has completed ${done}: it counts from the run's beginning. Give more, or leave it out.`,
    );
  }
  const { lr: learningRate = settings.learningRate, data: source = settings.source } = given;
  return { ...settings, epochs, learningRate, source };
}

// ---------------------------------------------------------------- the run

interface RunOptions {
  readonly out: string;
  readonly settings: RunSettings;
  readonly images: ImageSet;
  readonly data: DataFingerprint;
  readonly config: UNetConfig;
  readonly source: string;
  readonly checkpoint: Checkpoint | undefined;
  readonly kernels: EngineChoice;
  readonly bfloat16Gradients: boolean;
  readonly progress: Progress;
  readonly preparations: Preparations;
}

class Run {
  private readonly engine: Engine;
  private readonly options: RunOptions;
  private readonly progress: Progress;
  private readonly losses: number[];
  private readonly stepsPerEpoch: number;
  private readonly started = new Date();
  private trainer!: Trainer;
  private dataset!: Awaited<ReturnType<Engine['createDataset']>>;
  private savedAt = performance.now();
  private savedStep: number | undefined;
  private trainSeconds = 0;
  /** Seconds since the process began. */
  private readonly loadedAt = performance.now() / 1000;
  private readyAt = 0;
  private firstStepAt: number | undefined;
  private readonly epochSeconds = new Map<number, number>();

  constructor(engine: Engine, options: RunOptions) {
    this.engine = engine;
    this.options = options;
    this.progress = options.progress;
    this.losses = [...(options.checkpoint?.losses ?? [])];
    this.stepsPerEpoch = Math.ceil(options.images.count / options.settings.batchSize);
  }

  private get steps(): number {
    return this.stepsPerEpoch * this.options.settings.epochs;
  }

  /** Brings everything to the GPU and says what is going to happen. */
  async prepare(): Promise<void> {
    const { engine, options, progress } = this;
    const { settings, images, config, checkpoint, source, out, bfloat16Gradients } = options;
    const unet = await engine.createUNet(config, { seed: settings.seed });
    const common = {
      batchSize: settings.batchSize,
      learningRate: settings.learningRate,
      bfloat16Gradients,
      ...checkpoint?.state.adam,
    };
    let otherKernels = '';
    try {
      const variants = checkpoint && variantsOn(engine.adapter, checkpoint);
      if (checkpoint && !variants)
        otherKernels = `the run began on ${checkpoint.adapter || 'an adapter without a name'}`;
      this.trainer = await engine.createTrainer(unet, { ...common, variants });
    } catch (error) {
      if (!checkpoint || !(error instanceof EngineError) || error.code !== 'argument') throw error;
      otherKernels = error.message;
      this.trainer = await engine.createTrainer(unet, common);
    }
    this.dataset = await engine.createDataset(images);
    if (checkpoint) {
      await unet.setParameters(checkpoint.parameters);
      this.trainer.setState(checkpoint.state);
      this.savedStep = checkpoint.state.step;
    }
    const { count, height, width, channels } = images;
    const [net, trainer, set] = [unet.bytes, this.trainer.bytes, this.dataset.buffer.size];
    progress.print(`Adapter     ${adapterLine(engine)}`);
    progress.print(`Data        ${source}: ${plural(count, 'image')} of ${height}x${width}x${channels}`);
    progress.print(`Network     ${describeNetwork(config)}: ${thousands(unet.parameterCount)} parameters`);
    progress.print(
      `GPU memory  ${megabytes(net + trainer + set)}: training ${megabytes(trainer)}, network ${megabytes(net)}, data ${megabytes(set)}`,
    );
    progress.print(
      `Training    ${plural(settings.epochs, 'epoch')} of ${plural(this.stepsPerEpoch, 'step')}: ${plural(this.steps, 'step')} of ${plural(settings.batchSize, 'image')}, learning rate ${settings.learningRate}, seed ${settings.seed}`,
    );
    if (checkpoint) {
      const before = checkpoint.settings.learningRate;
      const changed =
        before === settings.learningRate ? '' : `, with a learning rate of ${before} until then`;
      progress.print(`Resumed     after step ${thousands(checkpoint.state.step)}${changed}`);
      if (otherKernels) {
        progress.print(`            with other kernels, so the last digits will differ: ${otherKernels}`);
      }
    }
    const origin = checkpoint
      ? otherKernels
        ? this.options.preparations.origin(engine, false)
        : 'as the run began'
      : this.options.preparations.origin(engine, this.options.kernels.variants !== undefined);
    progress.print(`Kernels     ${origin}`);
    for (const line of variantLines(this.trainer.variants)) progress.print(`            ${line}`);
    if (bfloat16Gradients) progress.print('            the first layer’s gradient in bfloat16');
    progress.print(`Output      ${out}`);
    progress.print();
    this.readyAt = performance.now() / 1000;
  }

  async train(signal: AbortSignal): Promise<void> {
    const { trainer, losses, progress, stepsPerEpoch, steps } = this;
    const { epochs, seed, binarize } = this.options.settings;
    if (losses.length >= steps) {
      progress.print(
        `The run is complete (${plural(epochs, 'epoch')}); --epochs N trains on. Making the pictures again.`,
      );
      await this.save();
      return;
    }
    const start = performance.now();
    let epochStart = start;
    try {
      for await (const event of trainer.fit(this.dataset, { epochs, seed, binarize, signal })) {
        const now = performance.now();
        losses.push(event.loss);
        if (this.firstStepAt === undefined) {
          this.firstStepAt = now / 1000;
          const [loading, preparing] = [this.loadedAt, this.readyAt - this.loadedAt].map(duration);
          progress.print(
            `First step  after ${duration(this.firstStepAt)}: loading ${loading}, preparing ${preparing}, the step ${duration(this.firstStepAt - this.readyAt)}`,
          );
        }
        const epochDone = event.step % stepsPerEpoch === 0;
        const imagesLeft = Math.max(steps - event.step, 0) * Math.min(trainer.batchSize, this.dataset.count);
        progress.update({
          done: event.step,
          total: steps,
          text: `epoch ${event.epoch}/${epochs}  step ${event.step}/${steps}  loss ${event.loss.toFixed(4)}  ${speed(event.imagesPerSecond)}`,
          secondsLeft: imagesLeft / event.imagesPerSecond,
        });
        if (epochDone) {
          // Not of an epoch that another process began.
          if (event.step - (this.options.checkpoint?.state.step ?? 0) >= stepsPerEpoch) {
            this.epochSeconds.set(event.epoch, (now - epochStart) / 1000);
          }
          const mean = wholeEpochs(losses, stepsPerEpoch)[event.epoch - 1];
          progress.print(
            `Epoch ${event.epoch}/${epochs}: mean loss ${mean.toFixed(5)}, ${duration((now - epochStart) / 1000)}, ${speed(event.imagesPerSecond)}`,
          );
          epochStart = now;
        }
        this.trainSeconds = (now - start) / 1000;
        const last = event.step === steps;
        if (last || epochDone || now - this.savedAt > SAVE_SECONDS * 1000) await this.save();
      }
    } catch (error) {
      this.progress.clear();
      if (signal.aborted) {
        await this.save();
        progress.print(
          `Stopped after step ${thousands(losses.length)}. Go on with: ${commandLine('train')} --resume ${this.path(CHECKPOINT)}`,
        );
      } else if (this.savedStep !== undefined) {
        progress.print(
          `The last checkpoint, ${this.path(CHECKPOINT)}, is of step ${thousands(this.savedStep)}.`,
        );
      }
      throw error;
    }
  }

  /** Model, pictures and run.json. */
  async finish(signal: AbortSignal): Promise<void> {
    const { engine, trainer, progress, options } = this;
    await writeWhole(this.path(MODEL), await saveModel(trainer.unet));
    const written = [...Object.keys(this.files()), CHECKPOINT, MODEL];
    const start = performance.now();
    const onStep = (name: string, done: number, total: number) =>
      progress.update({ done, total, text: `${name}.png: step ${done} of ${total}` });
    const pictures = runPictures(engine, trainer.unet, options.images, {
      seed: options.settings.seed,
      signal,
      onStep,
    });
    for await (const { name, picture } of pictures) {
      await writeWhole(this.path(`${name}.png`), await encodePng(picture));
      written.push(`${name}.png`);
    }
    progress.clear();
    const pictureSeconds = (performance.now() - start) / 1000;
    await writeWhole(this.path('run.json'), `${JSON.stringify(this.report(pictureSeconds), null, 2)}\n`);
    written.push('run.json');

    const means = wholeEpochs(this.losses, this.stepsPerEpoch);
    progress.print();
    progress.print(
      `Mean loss of the last epoch ${means[means.length - 1].toFixed(5)}. Training took ${duration(this.trainSeconds)}, the pictures ${duration(pictureSeconds)}.`,
    );
    progress.print(`Wrote in ${options.out}: ${written.join(', ')}.`);
    engine.destroy();
  }

  /** Checkpoint and loss files. */
  private async save(): Promise<void> {
    const { trainer, losses } = this;
    const { settings, data } = this.options;
    const bytes = await saveCheckpoint({ trainer, settings, data, losses });
    await writeWhole(this.path(CHECKPOINT), bytes);
    for (const [name, content] of Object.entries(this.files())) await writeWhole(this.path(name), content);
    this.savedAt = performance.now();
    this.savedStep = losses.length;
  }

  private files(): Record<string, string> {
    const { losses, stepsPerEpoch } = this;
    const { settings, images, source } = this.options;
    const subtitle = `${source}, ${thousands(images.count)} images, batch ${settings.batchSize}, learning rate ${settings.learningRate}, seed ${settings.seed}`;
    return runFiles({ losses, stepsPerEpoch, subtitle });
  }

  private path(name: string): string {
    return join(this.options.out, name);
  }

  private report(pictureSeconds: number) {
    const { engine, trainer, losses, stepsPerEpoch, trainSeconds, options } = this;
    const { settings, config, data, images, checkpoint } = options;
    const resumedAt = checkpoint?.state.step ?? 0;
    const means = wholeEpochs(losses, stepsPerEpoch);
    const epochsNow = Math.max(losses.length - resumedAt, 0) / stepsPerEpoch;
    return {
      settings: {
        ...settings,
        network: config,
        variants: trainer.variants,
        bfloat16Gradients: trainer.bfloat16Gradients,
      },
      data,
      adapter: engine.adapter,
      versions: versions(),
      parameters: trainer.unet.parameterCount,
      gpuMemoryBytes: {
        trainer: trainer.bytes,
        network: trainer.unet.bytes,
        data: this.dataset.buffer.size,
      },
      steps: losses.length,
      stepsPerEpoch,
      ...(checkpoint
        ? { resumedAtStep: resumedAt, learningRateUntilThen: checkpoint.settings.learningRate }
        : {}),
      epochs: means.map((meanLoss, i) => ({
        epoch: i + 1,
        meanLoss,
        seconds: this.epochSeconds.get(i + 1) ?? null,
      })),
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
