import type { Engine } from '../../src/engine';
import type { Schedule } from '../../src/plan/schedule';
import type { RecipeName } from '../../src/recipes';
import { imagesOfEpoch } from '../../src/training/epoch';
import type { Evaluation } from '../../src/training/evaluation';
import type { Sampling } from '../../src/unet/sampling';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { saveModel } from '../../src/weights/save_model';
import type { TrainingRun } from '../../src/worker/run';
import { listClasses } from '../pictures/class_names';
import { epochMeans } from '../run/losses';
import { Pace } from '../run/pace';
import { MINUTES, type Plan, planLimit } from '../run/plan';
import { rehearse } from '../run/rehearsal';
import { adapterText } from '../text/adapter_text';
import { variantLines } from '../text/kernels_text';
import { duration, megabytes, plural, whole } from '../text/units';
import { quoted } from './args';
import { digitPictures } from './digit_pictures';
import { writeWhole } from './files';
import { SampleHistory } from './history';
import type { Preparations } from './kernel_flags';
import { levelSvg } from './level_svg';
import { type MeasuredQuality, makesDigits, measureQuality, qualityLine } from './measure_quality';
import { networkSummary } from './network_flags';
import { commandLine } from './node_engine';
import { encodePng } from './png';
import type { ProgressLine } from './progress';
import { runFiles } from './run_files';
import { CHECKPOINT, MODEL, type RunFolder } from './run_folder';
import { runPictures } from './run_pictures';
import { samplingText } from './sampling_flags';
import type { Begun, RunOrder } from './train_plan';
import { versions } from './versions';

interface Options extends RunOrder, Begun {
  readonly folder: RunFolder;
  readonly progress: ProgressLine;
  readonly preparations: Preparations;
}

/** Share of the time in which a planned run trains: files take the rest. */
const TRAINING_SHARE = 0.95;

/** Most lines about epochs, the last one among them, beside the bar of a terminal and in a file: losses.csv has all. */
const EPOCH_LINES = { terminal: 1, file: 12 };

/** Seconds since the process began. */
const now = () => performance.now() / 1000;

/** A run of `train`: trains, writes the files, prints the progress. */
export class Training {
  private readonly engine: Engine;
  private readonly options: Options;
  private readonly run: TrainingRun;
  private readonly progress: ProgressLine;
  private readonly started = new Date();
  private readonly loadedAt = now();
  private readyAt = 0;
  private firstStepAt: number | undefined;
  private epochAt = 0;
  private printedEpoch = 0;
  private savedAt = now();
  private savedStep: number | undefined;
  private trainSeconds = 0;
  private imagesPerSecond = 0;
  private readonly pace = new Pace();
  private readonly epochSeconds = new Map<number, number>();
  /** The held-out loss of each epoch, from the first. */
  private readonly heldOut: (number | undefined)[];
  private evaluation: Evaluation | undefined;
  /** Samples over the run, for a network that is conditioned on classes. */
  private history: SampleHistory | undefined;
  private quality: (MeasuredQuality & { readonly count: number; readonly sampling: Sampling }) | undefined;
  /** The plan of a run in minutes, once its rehearsal is over. */
  private plan: Plan | undefined;
  /** Ends the steps under way when the time of the plan is up. */
  private readonly timeUp = new AbortController();

  constructor(engine: Engine, options: Options) {
    this.engine = engine;
    this.options = options;
    this.run = options.run;
    this.progress = options.progress;
    this.heldOut = [...options.heldOutLosses];
  }

  private printFact(name: string, text: string): void {
    this.progress.print(name.padEnd(12) + text);
  }

  /** Uploads everything to the GPU and prints what is going to happen. */
  async prepare(): Promise<void> {
    const { engine, options, progress, run } = this;
    const { held, config, folder, sources, begins, planned } = options;
    const { settings, images } = run;
    const { checkpoint } = folder;
    await run.build(engine);
    const trainer = run.trainer!;
    if (checkpoint && folder.own) this.savedStep = checkpoint.state.step;
    const unet = run.unet!;
    if (run.objective === 'flow') this.history = await SampleHistory.create(engine, unet, settings);
    const { count, height, width, channels, classNames } = images;
    this.printFact('Adapter', adapterText(engine.adapter));
    const heldOut = held ? `, and ${plural(held.count, 'image')} held out` : '';
    const all = `${plural(count, 'image')} of ${height}x${width}x${channels}`;
    this.printFact('Data', `${sources.join(', ')}: ${all}${heldOut}`);
    const classes = config.conditioning?.classes ?? 0;
    if (classes > 0) this.printFact('', `classes ${listClasses({ classes, classNames })}`);
    for (const line of options.notes) this.printFact('', line);
    this.printFact('Network', `${networkSummary(config)}: ${whole(unet.parameterCount)} parameters`);
    if (begins) this.printFact('', `begins with the pretrained network ${begins}`);
    const parts = { training: trainer.bytes, network: unet.bytes, data: run.dataset!.buffer.size };
    const memory = Object.entries(parts).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
    this.printFact('GPU memory', `${megabytes(run.bytes)}: ${memory.join(', ')}`);
    if (planned) this.printPlan(planned);
    else this.printTraining();
    if (checkpoint) {
      const { learningRate: before } = checkpoint.settings;
      const changed =
        before === settings.learningRate ? '' : `, with a learning rate of ${before} until then`;
      this.printFact('Resumed', `after step ${whole(checkpoint.state.step)}${changed}`);
      for (const line of [checkpoint.note, run.otherKernels]) if (line) this.printFact('', line);
    }
    const chosen = () => options.preparations.origin(engine, options.kernels.variants !== undefined);
    this.printFact('Kernels', checkpoint && !run.otherKernels ? 'as the run began' : chosen());
    for (const line of variantLines(trainer.variants)) this.printFact('', line);
    this.printFact('Output', folder.path);
    progress.print();
  }

  private printPlan({ order: { minutes }, recipe }: Required<Begun>['planned']): void {
    const { settings, images } = this.run;
    if (recipe)
      this.printFact('Recipe', `${recipe}, for ${images.channels === 1 ? 'grey' : 'coloured'} images`);
    const steps = `steps of ${plural(settings.batchSize, 'image')}`;
    this.printFact('Plan', `${steps}, as many as fit into ${minutes} min`);
  }

  private printTraining(): void {
    const { run, plan } = this;
    const { epochs, batchSize, learningRate, seed } = run.settings;
    const time = plan && !Number.isNaN(plan.seconds) ? `about ${duration(plan.seconds)}, ` : '';
    const late =
      plan?.fits === false
        ? `longer than ${this.options.planned!.order.minutes} min: samples need them, `
        : '';
    this.printFact(
      'Training',
      `${plural(epochs, 'epoch')} of ${plural(run.stepsPerEpoch, 'step')}: ${plural(run.end, 'step')} of ${plural(batchSize, 'image')}, ${time}${late}learning rate ${learningRate}${scheduleText(run.trainer!.schedule)}, seed ${seed}`,
    );
  }

  async train(signal: AbortSignal): Promise<void> {
    const { run, progress, history, timeUp, options } = this;
    if (run.complete) {
      progress.print(
        `The run is complete (${plural(run.settings.epochs, 'epoch')}); --epochs N trains on. Making the pictures again.`,
      );
      await this.evaluate();
      await this.save();
      return;
    }
    try {
      if (options.planned) {
        // Fixes the end and the schedule, by the time of the steps.
        this.plan = await rehearse(run, { order: options.planned.order, share: TRAINING_SHARE, signal });
        this.printTraining();
        progress.print();
      }
      this.readyAt = this.epochAt = now();
      this.pace.begin();
      const either = AbortSignal.any([signal, timeUp.signal]);
      await history?.add(run.losses.length, signal);
      while (!run.complete && !timeUp.signal.aborted) {
        try {
          for await (const { loss, imagesPerSecond } of run.train({ steps: this.stretch, signal: either })) {
            this.imagesPerSecond = imagesPerSecond;
            await this.add(loss);
          }
        } catch (error) {
          if (signal.aborted || error !== either.reason) throw error;
          // Interrupted, `fit` waits for a second only. A copy has the losses of the steps that it had no word of.
          await run.trainer!.idle;
          const losses = await run.takeCheckpoint();
          for (const loss of losses.subarray(run.losses.length)) await this.add(loss);
        }
        await history?.add(run.losses.length, signal);
      }
      if (!run.complete) await this.endInTime();
    } catch (error) {
      progress.clear();
      if (signal.aborted) {
        await this.save();
        progress.print(`Stopped after step ${whole(run.losses.length)}. Go on with: ${this.resumeLine()}`);
      } else if (this.savedStep !== undefined) {
        progress.print(`The last checkpoint, ${this.path(CHECKPOINT)}, is of step ${whole(this.savedStep)}.`);
      }
      throw error;
    }
  }

  /** The steps until an epoch is evaluated or the history needs a frame: no later one is submitted before. */
  private get stretch(): number {
    const { losses, stepsPerEpoch, end } = this.run;
    const epoch = this.options.held ? stepsPerEpoch - (losses.length % stepsPerEpoch) : end;
    return Math.min(epoch, (this.history?.next ?? end) - losses.length);
  }

  /** Adds a step to the run, and does what is due after it. */
  private async add(loss: number): Promise<void> {
    const { run, plan, options } = this;
    const madeAt = now();
    const warning = run.add(loss);
    if (warning) this.progress.print(`Warning: ${warning}`);
    this.trainSeconds = madeAt - this.readyAt;
    const limit = plan && planLimit(plan, options.planned!.order.minutes);
    if (limit !== undefined && this.trainSeconds >= limit && !run.complete) this.timeUp.abort();
    const step = run.losses.length;
    this.showStep(madeAt);
    const epochDone = step % run.stepsPerEpoch === 0;
    if (epochDone) {
      await this.endEpoch(madeAt - this.epochAt);
      this.epochAt = now();
    }
    const due = this.savedStep === undefined || madeAt - this.savedAt > options.saveSeconds;
    if (run.complete || epochDone || due) await this.save();
  }

  /** The end of a run whose plan takes longer than half as long again as its minutes. */
  private async endInTime(): Promise<void> {
    const { losses, end } = this.run;
    await this.save();
    this.progress.print(
      `The time of the plan, and half as long again, is up after step ${whole(losses.length)} of ${whole(end)}: the network is the average of its steps. To its end: ${this.resumeLine()}`,
    );
  }

  private resumeLine(): string {
    const { imageFlags, planned } = this.options;
    const { minutes = MINUTES } = planned?.order ?? {};
    // A plan that has an end keeps it.
    const isAsked = minutes !== MINUTES && !this.plan;
    return `${commandLine('train')} --resume ${quoted(this.path(CHECKPOINT))}${imageFlags}${isAsked ? ` --minutes ${minutes}` : ''}`;
  }

  /** Moves the progress line on, and reports the first step of this process. */
  private showStep(madeAt: number): void {
    const { run, progress, loadedAt, readyAt, pace } = this;
    if (this.firstStepAt === undefined) {
      this.firstStepAt = madeAt;
      const [all, loading, preparing, step] = [madeAt, loadedAt, readyAt - loadedAt, madeAt - readyAt].map(
        duration,
      );
      progress.print(
        `First step  after ${all}: loading ${loading}, preparing ${preparing}, the step ${step}`,
      );
    }
    const { losses, end, stepsPerEpoch, settings, images } = run;
    const step = losses.length;
    const batch = Math.min(run.trainer!.batchSize, images.count);
    pace.add(batch);
    const speedNow = pace.imagesPerSecond;
    progress.update({
      done: step,
      total: end,
      text: `epoch ${Math.ceil(step / stepsPerEpoch)}/${settings.epochs}  step ${step}  loss ${losses[step - 1].toFixed(4)}  ${speed(this.imagesPerSecond)}`,
      secondsLeft: speedNow && (Math.max(end - step, 0) * batch) / speedNow,
    });
  }

  /** Evaluates the epoch that the last step ends, and reports it. */
  private async endEpoch(seconds: number): Promise<void> {
    const { losses, stepsPerEpoch, settings } = this.run;
    const step = losses.length;
    const epoch = step / stepsPerEpoch;
    // Only for an epoch that this process began.
    if (step - (this.options.folder.checkpoint?.state.step ?? 0) >= stepsPerEpoch)
      this.epochSeconds.set(epoch, seconds);
    await this.evaluate();
    const held = this.evaluation;
    if (held) this.heldOut[epoch - 1] = held.loss;
    const lines = this.progress.isTerminal ? EPOCH_LINES.terminal : EPOCH_LINES.file;
    if (epoch < settings.epochs && epoch - this.printedEpoch < settings.epochs / lines) return;
    this.printedEpoch = epoch;
    const mean = epochMeans(losses, stepsPerEpoch)[epoch - 1];
    this.progress.print(
      `Epoch ${epoch}/${settings.epochs}: mean loss ${mean.toFixed(5)}${held ? `, held out ${held.loss.toFixed(5)}` : ''}, ${duration(seconds)}, ${speed(this.imagesPerSecond)}`,
    );
  }

  private async evaluate(): Promise<void> {
    const { trainer, settings } = this.run;
    const { held } = this.options;
    if (held) this.evaluation = await trainer!.evaluate(held, { binarize: settings.binarize });
  }

  /** Writes the model, the pictures and run.json. */
  async finish(signal: AbortSignal): Promise<void> {
    const { engine, progress, options, run, history } = this;
    const { objective, data, images, settings } = run;
    const unet = run.unet!;
    options.folder.check();
    // Samples may need kernels that training does not: their check is no part of the training that has ended.
    progress.clear();
    options.preparations.purpose = 'For the pictures: ';
    await this.write(MODEL, await saveModel(unet, { objective, data }));
    await this.evaluate();
    const written = [...(await this.writeFiles()), CHECKPOINT, MODEL];
    const write = async (name: string, content: string | Uint8Array) => {
      await this.write(name, content);
      written.push(name);
    };
    const start = now();
    const onStep = (name: string, done: number, total: number) =>
      progress.update({ done, total, text: `${name}.png: step ${done} of ${total}` });
    const { seed, batchSize, enlarge } = settings;
    const picturesOf = history ? digitPictures : runPictures;
    for await (const { name, picture } of picturesOf(engine, unet, images, { seed, signal, onStep, enlarge }))
      await write(`${name}.png`, encodePng(picture));
    if (history) await write('history.gif', history.encode());
    const { quality: count = Math.min(1000, Math.floor((run.end * batchSize) / 10)) } = settings;
    if (history && count >= 6 && options.sources[0] === 'mnist' && makesDigits(unet.config)) {
      const onImages = (done: number) =>
        progress.update({ done, total: count, text: `quality: ${done} of ${count} samples` });
      const measured = await measureQuality(engine, unet, { count, seed, signal, onImages });
      this.quality = { count, sampling: unet.sampling!, ...measured };
    }
    progress.clear();
    const pictureSeconds = now() - start;
    await write('run.json', `${JSON.stringify(this.report(pictureSeconds), null, 2)}\n`);
    this.printSummary(pictureSeconds, written);
    engine.destroy();
  }

  private printSummary(pictureSeconds: number, written: readonly string[]): void {
    const { progress, options, run, evaluation, quality } = this;
    // A run that ends before its first epoch has no mean yet.
    const [mean] = epochMeans(run.losses, run.stepsPerEpoch).slice(-1);
    const loss = mean === undefined ? '' : `Mean loss of the last whole epoch ${mean.toFixed(5)}. `;
    progress.print();
    progress.print(
      `${loss}Training took ${duration(this.trainSeconds)}, the pictures ${duration(pictureSeconds)}.`,
    );
    if (evaluation) progress.print(`Held-out loss ${evaluation.loss.toFixed(5)}.`);
    if (quality)
      progress.print(
        `Quality of ${quality.count} samples (${samplingText(quality.sampling)}): ${qualityLine(quality)}.`,
      );
    if (options.planned?.recipe) this.printFlags(options.planned.recipe);
    progress.print(`Wrote in ${options.folder.path}: ${written.join(', ')}.`);
    if (run.objective === 'tutorial')
      progress.print(
        `This is the tutorial's network; ${commandLine('train')} --recipe digits --out DIR makes digits that can be read, to order.`,
      );
  }

  /** The flags of a run without a plan that has the same length and schedule from its first step on. */
  private printFlags(recipe: RecipeName): void {
    const { settings, trainer } = this.run;
    const { batchSize, epochs, maxSteps, learningRate } = settings;
    if (maxSteps === undefined) return;
    const { decay, warmup } = trainer!.schedule;
    const { begins, otherFlags, folder } = this.options;
    const begun = begins ? ` --begin pretrained --lr ${learningRate}` : '';
    this.progress.print(
      `The same length and schedule again: ${commandLine('train')} --recipe ${recipe}${begun} --batch ${batchSize} --epochs ${epochs} --max-steps ${maxSteps} --schedule ${decay},warmup=${warmup}${otherFlags} --out ${quoted(`${folder.path}-again`)}`,
    );
  }

  /** Saves the checkpoint and the loss files. */
  private async save(): Promise<void> {
    await this.run.takeCheckpoint();
    const bytes = this.run.checkpoint!;
    // Parse the new checkpoint before it replaces one that is known to be readable. It also contains the steps that were in flight.
    const { step } = loadCheckpoint(bytes).state;
    this.options.folder.check();
    await this.write(CHECKPOINT, bytes);
    this.savedStep = step;
    await this.writeFiles();
    this.savedAt = now();
  }

  private async writeFiles(): Promise<readonly string[]> {
    const { evaluation, heldOut, options } = this;
    const { settings, images, losses, stepsPerEpoch } = this.run;
    const subtitle = `${settings.source}, ${whole(images.count)} images, batch ${settings.batchSize}, learning rate ${settings.learningRate}, seed ${settings.seed}`;
    const files = {
      ...runFiles({ losses, stepsPerEpoch, subtitle, ...(options.held ? { heldOut } : {}) }),
      ...(evaluation ? { 'loss-by-noise-level.svg': levelSvg(evaluation, subtitle) } : {}),
    };
    for (const [name, content] of Object.entries(files)) await this.write(name, content);
    return Object.keys(files);
  }

  private write(name: string, content: string | Uint8Array): Promise<void> {
    return writeWhole(this.path(name), content);
  }

  private path(name: string): string {
    return this.options.folder.file(name);
  }

  private report(pictureSeconds: number) {
    const { engine, trainSeconds, options, run, evaluation, quality } = this;
    const { config, held, begins, planned, folder } = options;
    const { settings, data, images, losses, stepsPerEpoch } = run;
    const trainer = run.trainer!;
    const unet = run.unet!;
    const { checkpoint } = folder;
    const resumedAt = checkpoint?.state.step ?? 0;
    const epochsNow = Math.max(losses.length - resumedAt, 0) / stepsPerEpoch;
    const imagesNow = epochsNow * imagesOfEpoch({ ...settings, imageCount: images.count });
    return {
      settings: { ...settings, network: config, variants: trainer.variants, ...trainer.config },
      data,
      adapter: engine.adapter,
      versions: versions(),
      parameters: unet.parameterCount,
      gpuMemoryBytes: { trainer: trainer.bytes, network: unet.bytes, data: run.dataset!.buffer.size },
      steps: losses.length,
      stepsPerEpoch,
      ...(begins ? { begins } : {}),
      ...(planned ? { minutes: planned.order.minutes } : {}),
      ...(checkpoint
        ? { resumedAtStep: resumedAt, learningRateUntilThen: checkpoint.settings.learningRate }
        : {}),
      epochs: epochMeans(losses, stepsPerEpoch).map((meanLoss, i) => ({
        epoch: i + 1,
        meanLoss,
        ...(held ? { heldOutLoss: this.heldOut[i] ?? null } : {}),
        seconds: this.epochSeconds.get(i + 1) ?? null,
      })),
      ...(evaluation ? { heldOut: { images: held!.count, ...evaluation } } : {}),
      ...(quality ? { quality } : {}),
      timings: {
        started: this.started.toISOString(),
        finished: new Date().toISOString(),
        secondsToFirstStep: this.firstStepAt ?? null,
        trainSeconds,
        imagesPerSecond: trainSeconds > 0 ? imagesNow / trainSeconds : null,
        pictureSeconds,
      },
    };
  }
}

const speed = (imagesPerSecond: number) =>
  `${imagesPerSecond < 10 ? imagesPerSecond.toFixed(1) : whole(imagesPerSecond)} images/s`;

function scheduleText(schedule: Schedule): string {
  const { warmup } = schedule;
  const parts = warmup > 0 ? [`after ${plural(warmup, 'step')} of warm-up`] : [];
  if (schedule.decay === 'linear') parts.push('constant half of the way');
  if (schedule.decay !== 'none')
    parts.push(
      `${schedule.decay === 'cosine' ? 'by a cosine' : 'in a line'} to ${schedule.floor} of it at step ${schedule.steps}`,
    );
  return parts.length > 0 ? ` ${parts.join(', then ')}` : '';
}
