import type { Engine } from '../../src/engine';
import type { Schedule } from '../../src/plan/schedule';
import type { RecipeName } from '../../src/recipes';
import { imagesOfEpoch } from '../../src/training/epoch';
import type { Evaluation } from '../../src/training/evaluation';
import type { TrainingEvent } from '../../src/training/options';
import { UnusableKernel } from '../../src/trust/unusable_kernel';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { saveModel } from '../../src/weights/save_model';
import type { TrainingRun } from '../../src/worker/run';
import { listOf } from '../pictures/class_names';
import { epochMeans } from '../run/losses';
import { limitOf, MINUTES, type Plan } from '../run/plan';
import { rehearse } from '../run/rehearsal';
import { adapterText } from '../text/adapter_text';
import { variantLines } from '../text/kernels_text';
import { duration, megabytes, plural, whole } from '../text/units';
import { quoted } from './args';
import { digitPictures } from './digit_pictures';
import { writeWhole } from './files';
import { History } from './history';
import type { Preparations } from './kernel_flags';
import { levelSvg } from './level_svg';
import { type MeasuredQuality, makesDigits, measureQuality, qualityLine } from './measure_quality';
import { describeNetwork } from './network_flags';
import { commandLine } from './node_engine';
import { encodePng } from './png';
import type { Progress } from './progress';
import { runFiles } from './run_files';
import { CHECKPOINT, MODEL, type RunFolder } from './run_folder';
import { runPictures } from './run_pictures';
import { samplingText } from './sampling_flags';
import type { Begun, Order } from './train_plan';
import { versions } from './versions';

interface Options extends Order, Begun {
  readonly folder: RunFolder;
  readonly progress: Progress;
  readonly preparations: Preparations;
}

/** Share of the time in which a planned run trains: files take the rest. */
const TRAINING_SHARE = 0.95;

type StepMade = Pick<TrainingEvent, 'step' | 'epoch' | 'loss' | 'imagesPerSecond'>;

/** A run of `train`: trains, writes the files, prints the progress. */
export class Training {
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
  private quality: MeasuredQuality | undefined;
  private plan: Plan | undefined;
  /** Ends the steps under way when the time of the plan is up. */
  private interruption = new AbortController();
  private timeUp = false;

  constructor(engine: Engine, options: Options) {
    this.engine = engine;
    this.options = options;
    this.run = options.run;
    this.progress = options.progress;
    this.heldOut = [...options.heldOutLosses];
    this.plan = options.planned?.plan;
  }

  /** The step at which the run ends. */
  private get steps(): number {
    return this.run.end;
  }

  private get qualityCount(): number {
    const { quality, batchSize } = this.run.settings;
    return quality ?? Math.min(1000, Math.floor((this.steps * batchSize) / 10));
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
    const { held, config, folder, sources } = options;
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
      `Data        ${sources.join(', ')}: ${plural(count, 'image')} of ${height}x${width}x${channels}${held ? `, and ${plural(held.count, 'image')} held out` : ''}`,
    );
    const classes = { classes: config.conditioning?.classes ?? 0, classNames: images.classNames };
    const named = classes.classes > 0 ? [`classes ${listOf(classes)}`] : [];
    for (const line of [...named, ...options.notes]) progress.print(`            ${line}`);
    progress.print(`Network     ${describeNetwork(config)}: ${whole(unet.parameterCount)} parameters`);
    if (options.begins) progress.print(`            begins with the pretrained network ${options.begins}`);
    progress.print(
      `GPU memory  ${megabytes(net + trainer + set)}: training ${megabytes(trainer)}, network ${megabytes(net)}, data ${megabytes(set)}`,
    );
    if (options.planned) this.printPlan(options.planned);
    if (!this.isOpen) this.printTraining();
    if (checkpoint) {
      const before = checkpoint.settings.learningRate;
      const changed =
        before === settings.learningRate ? '' : `, with a learning rate of ${before} until then`;
      progress.print(`Resumed     after step ${whole(checkpoint.state.step)}${changed}`);
      if (checkpoint.note) progress.print(`            ${checkpoint.note}`);
      if (run.otherKernels) progress.print(`            ${run.otherKernels}`);
    }
    const { preparations, kernels } = options;
    const chosen = () => preparations.origin(engine, kernels.variants !== undefined);
    progress.print(`Kernels     ${checkpoint && !run.otherKernels ? 'as the run began' : chosen()}`);
    for (const line of variantLines(this.trainer.variants)) progress.print(`            ${line}`);
    progress.print(`Output      ${folder.path}`);
    progress.print();
    this.readyAt = performance.now() / 1000;
  }

  /** Whether the run is planned and has no end yet. */
  private get isOpen(): boolean {
    return this.plan !== undefined && this.plan.steps === undefined;
  }

  private printPlan({ order: { minutes }, recipe }: Required<Begun>['planned']): void {
    const { progress, run } = this;
    if (recipe)
      progress.print(`Recipe      ${recipe}, for ${run.images.channels === 1 ? 'grey' : 'coloured'} images`);
    progress.print(
      `Plan        steps of ${plural(run.settings.batchSize, 'image')}, as many as fit into ${minutes} min`,
    );
  }

  private printTraining(): void {
    const { progress, run, plan } = this;
    const { settings } = run;
    const epochs = `${plural(settings.epochs, 'epoch')} of ${plural(this.stepsPerEpoch, 'step')}`;
    const time = plan && !Number.isNaN(plan.seconds) ? `about ${duration(plan.seconds)}, ` : '';
    const late =
      plan?.fits === false
        ? `longer than ${this.options.planned!.order.minutes} min: samples need them, `
        : '';
    progress.print(
      `Training    ${epochs}: ${plural(this.steps, 'step')} of ${plural(settings.batchSize, 'image')}, ${time}${late}learning rate ${settings.learningRate}${scheduleText(this.trainer.schedule)}, seed ${settings.seed}`,
    );
  }

  /** Fixes the end and the schedule of a planned run, by the time of its steps. */
  private async rehearse(signal: AbortSignal): Promise<void> {
    const { order } = this.options.planned!;
    this.plan = await rehearse(this.run, { order, share: TRAINING_SHARE, signal });
    this.printTraining();
    this.progress.print();
  }

  /** Ends the steps under way where the time of the plan is up. */
  private limitTime(now: number, start: number): void {
    const { plan } = this;
    if (!plan) return;
    const limit = limitOf(plan, this.options.planned!.order.minutes);
    this.timeUp = (now - start) / 1000 >= limit && this.losses.length < this.steps;
    if (this.timeUp) this.interruption.abort();
  }

  /** Takes the run back to where it began here. */
  undo(): void {
    this.history?.destroy();
    this.run.free();
    this.run.undo();
  }

  async train(signal: AbortSignal): Promise<void> {
    const { run, losses, progress } = this;
    const { saveSeconds } = this.options;
    if (losses.length >= this.steps) {
      progress.print(
        `The run is complete (${plural(run.settings.epochs, 'epoch')}); --epochs N trains on. Making the pictures again.`,
      );
      await this.evaluate();
      await this.save();
      return;
    }
    let start = performance.now();
    let epochStart = start;
    try {
      if (this.isOpen) {
        await this.rehearse(signal);
        start = epochStart = performance.now();
        this.readyAt = start / 1000;
      }
      for await (const event of this.events(signal)) {
        const now = performance.now();
        const warning = run.add(event.loss);
        if (warning) progress.print(`Warning: ${warning}`);
        this.limitTime(now, start);
        this.showStep(event, now);
        const epochDone = event.step % this.stepsPerEpoch === 0;
        if (epochDone) {
          await this.endEpoch(event, (now - epochStart) / 1000);
          epochStart = performance.now();
        }
        this.trainSeconds = (now - start) / 1000;
        const last = event.step === this.steps;
        const due = this.savedStep === undefined || now - this.savedAt > saveSeconds * 1000;
        if (last || epochDone || due) await this.save();
      }
      if (this.timeUp) await this.endInTime();
    } catch (error) {
      this.progress.clear();
      if (signal.aborted) {
        await this.save();
        progress.print(`Stopped after step ${whole(losses.length)}. Go on with: ${this.resumeLine()}`);
      } else if (this.savedStep !== undefined && !(error instanceof UnusableKernel)) {
        progress.print(`The last checkpoint, ${this.path(CHECKPOINT)}, is of step ${whole(this.savedStep)}.`);
      }
      throw error;
    }
  }

  /** The end of a run whose plan takes longer than half as long again as its minutes. */
  private async endInTime(): Promise<void> {
    await this.save();
    this.progress.print(
      `The time of the plan, and half as long again, is up after step ${whole(this.losses.length)} of ${whole(this.steps)}: the network is the average of its steps. To its end: ${this.resumeLine()}`,
    );
  }

  private resumeLine(): string {
    const { imageFlags, planned } = this.options;
    const { minutes = MINUTES } = planned?.order ?? {};
    // A plan that has an end keeps it.
    const isAsked = minutes !== MINUTES && this.isOpen;
    return `${commandLine('train')} --resume ${quoted(this.path(CHECKPOINT))}${imageFlags}${isAsked ? ` --minutes ${minutes}` : ''}`;
  }

  /** Moves the progress line on, and reports the first step of this process. `now` in milliseconds since the process began. */
  private showStep({ step, epoch, loss, imagesPerSecond }: StepMade, now: number): void {
    const { run, progress, steps } = this;
    if (this.firstStepAt === undefined) {
      this.firstStepAt = now / 1000;
      const [loading, preparing] = [this.loadedAt, this.readyAt - this.loadedAt].map(duration);
      progress.print(
        `First step  after ${duration(this.firstStepAt)}: loading ${loading}, preparing ${preparing}, the step ${duration(this.firstStepAt - this.readyAt)}`,
      );
    }
    const imagesLeft = Math.max(steps - step, 0) * Math.min(run.trainer!.batchSize, run.images.count);
    progress.update({
      done: step,
      total: steps,
      text: `epoch ${epoch}/${run.settings.epochs}  step ${step}  loss ${loss.toFixed(4)}  ${speed(imagesPerSecond)}`,
      secondsLeft: imagesLeft / imagesPerSecond,
    });
  }

  /** Evaluates the epoch that `event` ends, and reports it. */
  private async endEpoch({ step, epoch, imagesPerSecond }: StepMade, seconds: number): Promise<void> {
    const { run, losses, progress, stepsPerEpoch } = this;
    // Only for an epoch that this process began.
    if (step - (this.options.folder.checkpoint?.state.step ?? 0) >= stepsPerEpoch)
      this.epochSeconds.set(epoch, seconds);
    const mean = epochMeans(losses, stepsPerEpoch)[epoch - 1];
    const { loss: heldOut } = (await this.evaluate(epoch)) ?? {};
    progress.print(
      `Epoch ${epoch}/${run.settings.epochs}: mean loss ${mean.toFixed(5)}${heldOut === undefined ? '' : `, held out ${heldOut.toFixed(5)}`}, ${duration(seconds)}, ${speed(imagesPerSecond)}`,
    );
  }

  /**
   * The events of `fit` up to the end of the run. It interrupts `fit` where an epoch is evaluated or the history needs a frame, so that no
   * later step has been submitted by then.
   */
  private async *events(signal: AbortSignal): AsyncGenerator<StepMade, void, undefined> {
    const { run, losses, history } = this;
    await history?.add(losses.length, signal);
    while (losses.length < this.steps && !this.timeUp) {
      const { steps, stepsPerEpoch } = this;
      const done = losses.length;
      const epochEnd = this.options.held ? done - (done % stepsPerEpoch) + stepsPerEpoch : steps;
      const maxSteps = Math.min(epochEnd, history?.next ?? steps, steps) - done;
      this.interruption = new AbortController();
      const both = AbortSignal.any([signal, this.interruption.signal]);
      // Yields the last event only after `fit` has ended, so that the receiver may evaluate and sample.
      let last: StepMade | undefined;
      try {
        for await (const event of run.train({ steps: maxSteps, signal: both })) {
          if (last) yield last;
          last = event;
        }
      } catch (error) {
        await run.trainer?.idle;
        if (signal.aborted || error !== both.reason) {
          if (last) yield last;
          throw error;
        }
      }
      if (last) yield last;
      if (last && this.interruption.signal.aborted) yield* this.missed(last);
      await history?.add(losses.length, signal);
    }
  }

  /** The steps after `last` of which `fit` had no word, as it waits for a second only once it is interrupted. */
  private async *missed({
    step: from,
    imagesPerSecond,
  }: StepMade): AsyncGenerator<StepMade, void, undefined> {
    const losses = await this.run.takeCheckpoint();
    for (let step = from + 1; step <= losses.length; step++) {
      const epoch = Math.ceil(step / this.stepsPerEpoch);
      yield { step, epoch, loss: losses[step - 1], imagesPerSecond };
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
    await writeWhole(this.path(MODEL), await saveModel(trainer.unet, { objective, data: run.data }));
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
    const measures = options.sources[0] === 'mnist' && makesDigits(trainer.unet.config);
    if (measures && this.qualityCount >= 6 && this.flow) {
      const total = this.qualityCount;
      const onImages = (done: number) =>
        progress.update({ done, total, text: `quality: ${done} of ${total} samples` });
      this.quality = await measureQuality(engine, trainer.unet, { count: total, seed, signal, onImages });
    }
    progress.clear();
    const pictureSeconds = (performance.now() - start) / 1000;
    await writeWhole(this.path('run.json'), `${JSON.stringify(this.report(pictureSeconds), null, 2)}\n`);
    written.push('run.json');
    this.printSummary(pictureSeconds, written);
    engine.destroy();
  }

  private printSummary(pictureSeconds: number, written: readonly string[]): void {
    const { trainer, progress, options } = this;
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
        `Quality of ${this.qualityCount} samples (${samplingText(trainer.unet.sampling!)}): ${qualityLine(this.quality)}.`,
      );
    }
    if (options.planned?.recipe) this.printFlags(options.planned.recipe);
    progress.print(`Wrote in ${options.folder.path}: ${written.join(', ')}.`);
    if (!this.flow) {
      progress.print(
        `This is the tutorial's network; ${commandLine('train')} --recipe digits --out DIR makes digits that can be read, to order.`,
      );
    }
  }

  /** The flags of a run without a plan that has the same length and schedule from its first step on. */
  private printFlags(recipe: RecipeName): void {
    const { run, trainer, progress } = this;
    const { batchSize, epochs, maxSteps, learningRate } = run.settings;
    if (maxSteps === undefined) return;
    const begun = this.options.begins ? ` --begin pretrained --lr ${learningRate}` : '';
    progress.print(
      `The same length and schedule again: --recipe ${recipe}${begun} --batch ${batchSize} --epochs ${epochs} --max-steps ${maxSteps} --schedule ${trainer.schedule.decay},warmup=${trainer.schedule.warmup}`,
    );
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
    const { settings, images } = this.run;
    const subtitle = `${settings.source}, ${whole(images.count)} images, batch ${settings.batchSize}, learning rate ${settings.learningRate}, seed ${settings.seed}`;
    const held = this.options.held ? { heldOut } : {};
    return {
      ...runFiles({ losses, stepsPerEpoch, subtitle, ...held }),
      ...(evaluation ? { 'loss-by-noise-level.svg': levelSvg(evaluation, subtitle) } : {}),
    };
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
    const imagesNow = epochsNow * imagesOfEpoch({ ...settings, imageCount: images.count });
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
      ...(options.begins ? { begins: options.begins } : {}),
      ...(options.planned ? { minutes: options.planned.order.minutes } : {}),
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
        ? { quality: { count: this.qualityCount, sampling: trainer.unet.sampling, ...this.quality } }
        : {}),
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

/** The text after the learning rate. */
function scheduleText(schedule: Schedule): string {
  const { warmup } = schedule;
  const parts = [...(warmup > 0 ? [`after ${plural(warmup, 'step')} of warm-up`] : [])];
  if (schedule.decay === 'linear') parts.push('constant half of the way');
  if (schedule.decay !== 'none')
    parts.push(
      `${schedule.decay === 'cosine' ? 'by a cosine' : 'in a line'} to ${schedule.floor} of it at step ${schedule.steps}`,
    );
  return parts.length > 0 ? ` ${parts.join(', then ')}` : '';
}
