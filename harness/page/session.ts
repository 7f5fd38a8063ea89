/**
 * The training session that lives in the worker: one engine, at most one network and its run, and a loop that does one thing
 * at a time. Commands never wait for the GPU: they say what is wanted and interrupt what is not.
 */
import {
  createEngine,
  type Dataset,
  type Engine,
  EngineError,
  type ImageSet,
  loadIdx,
  loadLabels,
  type Progress,
  recipes,
  type Trainer,
  type TrainingEvent,
  type UNet,
  type UNetConfig,
  type Warning,
} from '../../src';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { type Attempt, Recoverer } from '../../src/keeping/recoverer';
import { SAVE_MS } from '../../src/keeping/saver';
import { stepIn } from '../../src/keeping/slots';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { assertSameData, type DataFingerprint, fingerprintImages } from '../../src/weights/fingerprint';
import { loadModel, saveModel } from '../../src/weights/model';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { ConstantImageWatch } from '../run/constant_image';
import { imagesFrom, split } from '../run/hold_out';
import { levelsOf } from '../run/network';
import { resumeTrainer } from '../run/resume';
import { deviceLostMessage, goesOnBy } from './device_lost';
import { divergedMessage } from './diverged';
import { Drawing } from './drawing';
import type { Replacement } from './edit/replace';
import { checkBeginning } from './fine_tune';
import type { InsideOrder } from './inside/protocol';
import { Inside } from './inside/worker';
import { KeptRuns } from './kept_runs';
import { type Kind, LiveMeasures } from './live_measures';
import { LivePictures } from './live_pictures';
import { LossBatcher } from './loss_batcher';
import { createNetwork, Models } from './models';
import type { Network } from './order';
import type { Command, DrawOrder, Order, Phase, RunSettings, Source, WorkerEvent } from './protocol';
import { heldOutOf, recipeOf, settingsOf } from './settings';
import { TrainingClock } from './training_clock';

/** How long a submission may keep the GPU: a visible page paints every 16 ms. */
const SUBMIT_MS = { visible: 12, hidden: 300 };
/** The live pictures may take this share of the time. */
const PICTURES_SHARE = 0.1;
type DataCommand = Pick<Extract<Command, { type: 'data' }>, 'files' | 'labels' | 'checkpoint'>;
/** Those that come with the page. */
const digits: DataCommand = { files: [], labels: [], checkpoint: false };

export class Session {
  private readonly send: (event: WorkerEvent, transfer?: Transferable[]) => void;
  private engine: Engine | undefined;
  private visible = true;
  private images: ImageSet | undefined;
  /** Where they came from, as the command line calls it. */
  private source = '';
  private settings!: RunSettings;

  /** The settings that the run was begun with. Whatever the page says later, only learning rate and epochs may change. */
  private run: RunSettings | undefined;
  /** The run's network, or one that nobody has trained yet. */
  private unet: UNet | undefined;
  private dataset: Dataset | undefined;
  private data: DataFingerprint | undefined;
  private trainer: Trainer | undefined;
  private losses: number[] = [];
  /** As a checkpoint from elsewhere says; the page itself leaves it to `fit`. */
  private binarize: boolean | undefined;
  /** The run as it was a moment ago: a file to save, and what it goes on from when the device is lost. */
  private checkpoint: Uint8Array<ArrayBuffer> | undefined;
  /** The copy before, from which a run that diverged goes on: what led there may be in the last one already. */
  private before: Uint8Array<ArrayBuffer> | undefined;
  private keptAt = 0;
  private readonly kept: KeptRuns;
  /** One that the browser keeps, which waits for its images. */
  private awaiting: string | undefined;
  /** Whether the last attempt to train has ended so: what was kept before it is worth more than what there is now. */
  private diverged = false;
  private watch: ConstantImageWatch | undefined;
  private readonly models = new Models();
  private readonly pictures: LivePictures;
  private readonly clock = new TrainingClock();
  private readonly measures: LiveMeasures;
  private readonly inside: Inside;
  private readonly drawing = new Drawing();
  /** Those that stand in place of the shipped ones. */
  private shaders: readonly Replacement[] = [];
  private nextPictures = 0;
  private gridTook = Number.POSITIVE_INFINITY;

  // What is wanted, and what is being done about it.
  private digitsWanted = false;
  private training: 'no' | 'step' | 'all' = 'no';
  private readonly requests: (() => Promise<void>)[] = [];
  private active:
    | { readonly what: 'training' | 'sampling' | 'pictures'; readonly controller: AbortController }
    | undefined;
  private working = false;
  private resting: Phase = 'starting';

  // After the loss of a device.
  private recoverer = new Recoverer();
  private lostWhy = '';
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (event: WorkerEvent, transfer?: Transferable[]) => void) {
    this.send = send;
    this.pictures = new LivePictures(send);
    this.inside = new Inside(send);
    this.measures = new LiveMeasures(send, this.clock);
    this.kept = new KeptRuns(send);
  }

  handle(command: Command): void {
    switch (command.type) {
      case 'list':
        this.kept.list();
        break;
      case 'open':
        this.visible = command.visible;
        this.settings = command.settings;
        this.recoverer = new Recoverer(command.losses);
        this.request(() => this.open(command.digits));
        break;
      case 'digits':
        this.digitsWanted = true;
        this.work();
        break;
      case 'train':
      case 'step':
        this.clock.press(performance.now());
        this.train(command.type === 'train' ? 'all' : 'step');
        break;
      case 'pause':
        this.training = 'no';
        if (this.active?.what === 'sampling') this.phase('sampling');
        else if (this.working) this.phase('pausing');
        this.interrupt('training');
        break;
      case 'reset':
        this.training = 'no';
        this.requests.length = 0;
        this.request(async () => {
          this.reset();
          void this.kept.end({ discard: true }).catch((error) => this.report(error, 'task'));
          await this.strip(0);
        });
        break;
      case 'putAside':
        this.training = 'no';
        this.request(() => this.putAside());
        break;
      case 'measure':
        this.request(() => this.measure('quality'));
        break;
      case 'goBack':
        this.request(async () => this.goBack());
        break;
      case 'goOn':
        this.request(() => this.goOn(command.id));
        break;
      case 'discard':
        void this.kept.discard(command.id).catch((error) => this.report(error, 'data'));
        break;
      case 'adjust':
        this.adjust(command.settings);
        break;
      case 'sample':
        this.request(() => this.sample(command.order));
        break;
      case 'inside':
        this.request(() => this.lookInside(command.order));
        break;
      case 'shaders':
        this.request(() => this.takeShaders(command.shaders));
        break;
      case 'draw':
        this.request(() => this.draw(command.id, command.order));
        break;
      case 'explain':
        this.request(() => this.explain(command));
        break;
      case 'example':
        if (this.images) this.example(command.at, this.images);
        else
          this.request(async () => {
            await this.loadData(digits);
            if (this.images) this.example(command.at, this.images);
          });
        break;
      case 'stopSampling':
        this.interrupt('sampling');
        break;
      case 'data':
        this.request(() => this.loadData(command));
        break;
      case 'model':
        this.request(() => this.openFile(command.file));
        break;
      case 'saveModel':
        // Reading the weights disturbs nobody: an update is one dispatch.
        void this.saveModel().catch((error) => this.report(error, 'task'));
        break;
      case 'saveCheckpoint':
        // Weights and moments must be of the same step, so none may be under way.
        this.request(() => this.saveCheckpoint());
        break;
      case 'visible':
        this.visible = command.visible;
        this.pace();
        break;
    }
  }

  // ---------------------------------------------------------------- the loop

  /** Does `task` as soon as what is being done now has stopped. Training goes on afterwards. */
  private request(task: () => Promise<void>): void {
    this.requests.push(task);
    this.interrupt();
    this.work();
  }

  private interrupt(what = this.active?.what): void {
    if (this.active?.what === what) this.active?.controller.abort();
  }

  private train(mode: 'step' | 'all'): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.training = mode;
    this.interrupt('pictures');
    this.work();
  }

  private work(): void {
    if (this.working) return;
    this.working = true;
    void this.loop().finally(() => {
      this.working = false;
    });
  }

  private async loop(): Promise<void> {
    for (;;) {
      const request = this.requests.shift();
      const digitsWanted = this.digitsWanted && !this.images && this.engine !== undefined;
      if (!request && this.training === 'no' && !digitsWanted) break;
      try {
        if (request) await request();
        else if (this.training === 'no') await this.loadWantedDigits();
        else await this.makeSteps();
      } catch (error) {
        const { training } = this;
        this.training = 'no';
        if (!request && training !== 'no' && this.isStillLost(error)) this.stillLost(training);
        else this.report(error, 'task');
      }
    }
    this.phase(this.resting);
  }

  /** Runs something that an interruption may end. Whether it ran to its end. */
  private async interruptible(
    what: 'training' | 'sampling' | 'pictures',
    task: (signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    // What was asked for while this was being prepared comes first.
    if (this.requests.length > 0) return false;
    const controller = new AbortController();
    const { signal } = controller;
    this.active = { what, controller };
    try {
      await task(signal);
      return true;
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
      return false;
    } finally {
      this.active = undefined;
    }
  }

  private phase(phase: Phase): void {
    this.send({ type: 'phase', phase, training: this.training !== 'no' });
  }

  private report(error: unknown, at: 'start' | 'data' | 'task'): void {
    const code = error instanceof EngineError ? error.code : 'unexpected';
    // The loss of the device is told once, by its own handler, which destroys what was at work.
    if ((code === 'device-lost' || code === 'destroyed') && !this.engine) return;
    if (code === 'unexpected') console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    if (code === 'diverged') {
      const copy = this.before ?? this.checkpoint;
      const back = copy && stepIn(copy);
      this.send({ type: 'error', at, code, message: divergedMessage(message, back), back });
    } else this.send({ type: 'error', at, code, message });
  }

  // ---------------------------------------------------------------- device and data

  private async open(withDigits: boolean): Promise<void> {
    this.kept.list();
    try {
      const { adapter } = await this.device();
      this.send({ type: 'adapter', adapter });
    } catch (error) {
      this.resting = 'failed';
      this.report(error, 'start');
      return;
    }
    if (withDigits) await this.loadData(digits);
    else this.resting = 'idle';
  }

  /** Once: what cannot be loaded is told, and tried again where it is needed. */
  private async loadWantedDigits(): Promise<void> {
    this.digitsWanted = false;
    await this.loadData(digits);
  }

  private async device(): Promise<Engine> {
    if (this.engine) return this.engine;
    const onProgress = (progress: Progress) => this.send({ type: 'preparing', progress });
    const onWarning = ({ message }: Warning) => this.send({ type: 'notice', message });
    const engine = await createEngine({ onProgress, onWarning });
    this.engine = engine;
    if (this.resting === 'lost') {
      this.resting = this.run ? 'paused' : 'idle';
      const from = this.run
        ? ` The run goes on from step ${this.losses.length.toLocaleString('en-US')}.`
        : '';
      this.send({ type: 'notice', message: `The GPU device was lost, and another took its place.${from}` });
    }
    this.pace();
    this.setTune();
    void engine.device.lost.then(({ reason, message }) => {
      if (this.engine !== engine || reason === 'destroyed') return;
      this.deviceLost(message);
    });
    return engine;
  }

  private setTune(): void {
    const { engine, settings } = this;
    if (engine) engine.tune = settings.tune === 'auto' ? !engine.adapter.software : settings.tune === 'on';
  }

  private pace(): void {
    if (this.engine) this.engine.maxSubmitMilliseconds = this.visible ? SUBMIT_MS.visible : SUBMIT_MS.hidden;
  }

  private deviceLost(why: string): void {
    const { training } = this;
    this.training = 'no';
    this.requests.length = 0;
    this.interrupt();
    this.freeAll();
    this.engine?.destroy();
    this.engine = undefined;
    this.resting = 'lost';
    this.losses = this.checkpoint ? [...loadCheckpoint(this.checkpoint).losses] : [];
    this.lostWhy = why;
    const attempt = this.recoverer.lost(Date.now());
    const message = training === 'no' ? deviceLostMessage(why) : this.lostMessage(attempt);
    this.send({ type: 'lost', message, losses: Float32Array.from(this.losses) });
    if (training !== 'no') this.tryAgain(attempt, training);
    if (!this.working) this.phase('lost');
  }

  private lostMessage(attempt: Attempt): string {
    const step = this.losses.length;
    return `${deviceLostMessage(this.lostWhy)} ${goesOnBy(attempt, step, this.kept.step >= step)}`;
  }

  private tryAgain({ wait }: Attempt, mode: 'step' | 'all'): void {
    this.retry = setTimeout(() => this.train(mode), wait);
  }

  /** Whether an attempt to train got no device. One that it got and lost has told that itself. */
  private isStillLost(error: unknown): boolean {
    return (
      this.resting === 'lost' &&
      this.retry === undefined &&
      error instanceof EngineError &&
      ['no-adapter', 'device-lost', 'limit'].includes(error.code)
    );
  }

  private stillLost(training: 'step' | 'all'): void {
    const attempt = this.recoverer.failed(Date.now());
    this.send({ type: 'stillLost', message: this.lostMessage(attempt) });
    this.tryAgain(attempt, training);
  }

  private async loadData({ files, labels, checkpoint }: DataCommand): Promise<void> {
    this.phase('loading');
    try {
      const builtIn = files.length === 0;
      const images = builtIn ? await loadLabelledDigits() : await loadFiles(files, labels);
      // Whoever has images only should not lose those before for it. A checkpoint, or a run that waits for them, says the recipe.
      if (!checkpoint && !this.awaiting) checkLabels(images, networkOf(this.settings, images));
      this.images = images;
      const { count, height, width } = images;
      const name = builtIn ? 'MNIST digits' : files.map((f) => f.name).join(', ');
      this.source = builtIn ? 'mnist' : name;
      this.send({ type: 'data', data: { name, builtIn, count, height, width, classes: classesOf(images) } });
      this.resting = 'idle';
      if (this.awaiting) await this.goOn(this.awaiting);
      else await this.strip(0);
    } catch (error) {
      if (this.resting === 'starting') this.resting = 'idle';
      this.report(error, 'data');
    }
  }

  // ---------------------------------------------------------------- the run

  private async build(): Promise<Trainer> {
    if (this.trainer) return this.trainer;
    if (!this.images) await this.loadData(digits);
    this.phase('compiling');
    const saved = this.checkpoint && loadCheckpoint(this.checkpoint);
    this.run ??= this.settings;
    try {
      const { train: images, held } = this.imagesOf(this.run);
      checkLabels(images, saved?.config ?? networkOf(this.run, this.images));
      const { batch, recipe } = this.run;
      const engine = await this.device();
      const unet = await this.network();
      this.data = fingerprintImages(images);
      this.dataset = await engine.createDataset(images);
      const options = {
        ...(saved ? { ...saved.state.adam, ...saved.training } : recipes[recipe].trainer),
        batchSize: batch,
        learningRate: this.settings.lr,
      };
      this.binarize = saved?.settings.binarize;
      this.trainer = saved
        ? (await resumeTrainer(engine, unet, options, saved)).trainer
        : await engine.createTrainer(unet, options);
      if (saved) this.trainer.setState(saved.state);
      this.watch = new ConstantImageWatch(images, this.trainer.settings.objective, this.binarize);
      this.measures.begin({
        ...{ engine, held, binarize: this.binarize, seed: this.run.seed, trainer: this.trainer },
        network: { unet, objective: this.objective },
        isDigits: this.source === 'mnist',
      });
      this.send({
        type: 'built',
        images: images.count,
        held: held?.count ?? 0,
        stepsPerEpoch: Math.ceil(images.count / batch),
        parameters: unet.parameterCount,
        classes: unet.config.conditioning?.classes ?? 0,
        bytes: unet.bytes + this.dataset.buffer.size + this.trainer.bytes,
        variants: this.trainer.variants,
      });
    } catch (error) {
      this.freeRun();
      if (!saved) this.run = undefined;
      throw error;
    }
    this.awaiting = undefined;
    this.nextPictures = 0;
    this.keptAt = performance.now();
    return this.trainer;
  }

  /** The first `limit` of the images (0 means all): those to train on, and the last ones, which are held out. */
  private imagesOf({ limit, ...rest }: Pick<RunSettings, 'recipe' | 'limit' | 'holdout'>) {
    const { images: all } = this;
    if (!all)
      throw new EngineError('data', 'There are no images to train on: choose some, or reload the page.');
    const count = limit > 0 ? Math.min(limit, all.count) : all.count;
    const held = heldOutOf(rest, count);
    if (held >= count) {
      throw new EngineError(
        'argument',
        `${held} images are to be held out, and there are ${count}: hold out fewer, so that some are left to train on.`,
      );
    }
    return split(imagesFrom(all, 0, count), held);
  }

  /** The network of the run, else a new one as the settings have it. */
  private async network(): Promise<UNet> {
    if (this.unet && this.trainer) return this.unet;
    this.freeNetwork();
    const engine = await this.device();
    if (this.checkpoint) this.unet = await createNetwork(engine, loadModel(this.checkpoint));
    else {
      const settings = this.run ?? this.settings;
      const config = networkOf(settings, this.images);
      if (settings.begin === 'pretrained') {
        const model = await this.models.modelOf(settings.recipe);
        checkBeginning(model.config, config);
        this.unet = await createNetwork(engine, model);
      } else this.unet = await engine.createUNet(config, { seed: settings.seed });
    }
    return this.unet;
  }

  /** Of the run, or of the one that the settings would make. */
  private get objective() {
    return recipes[(this.run ?? this.settings).recipe].trainer.objective;
  }

  /** Trains until the epochs are complete, or one step, or an interruption. */
  private async makeSteps(): Promise<void> {
    const trainer = await this.build();
    const mode = this.training;
    this.resting = 'paused';
    // A pause may have come meanwhile.
    if (mode === 'no') return;
    this.phase('training');
    const { binarize } = this;
    const { epochs } = this.settings;
    const { seed } = this.run!;
    const maxSteps = mode === 'step' ? 1 : undefined;
    const batcher = new LossBatcher(this.send);
    let speed = 0;
    const add = (loss: number) => {
      this.losses.push(loss);
      batcher.add(this.losses.length, loss, speed);
      const message = this.watch?.warning(this.losses, this.settings.lr);
      if (message) this.send({ type: 'warning', message });
    };
    let ended = false;
    this.diverged = false;
    this.clock.start(performance.now());
    try {
      ended = await this.interruptible('training', async (signal) => {
        for await (const event of trainer.fit(this.dataset!, { epochs, seed, binarize, maxSteps, signal })) {
          if (this.trainer !== trainer) break;
          speed = event.imagesPerSecond;
          add(event.loss);
          if (mode === 'all') await this.between(trainer, event, signal, batcher);
        }
      });
    } catch (error) {
      this.diverged = error instanceof EngineError && error.code === 'diverged';
      throw error;
    } finally {
      this.clock.stop(performance.now());
      // When the device was lost, the page went back to what was kept; later steps are not the run's any more.
      if (this.trainer === trainer) batcher.flush();
    }
    if (this.trainer !== trainer) return;
    if (ended) this.training = 'no';
    const losses = await this.keep(trainer);
    // Where the pictures were interrupted, steps that were under way meanwhile have not told theirs.
    losses.slice(this.losses.length).forEach(add);
    batcher.flush();
    await this.lastPictures(losses.length);
    if (this.trainer === trainer && this.complete) this.requests.push(() => this.lastMeasures());
  }

  /** Of the network at the end of the run; nobody waits for them. */
  private async lastMeasures(): Promise<void> {
    for (const kind of ['heldOut', 'quality'] as const) if (this.training === 'no') await this.measure(kind);
  }

  /** Measures the network as it is now; an interruption ends that. Training, if it is wanted, goes on afterwards. */
  private async measure(kind: Kind): Promise<void> {
    const { trainer } = this;
    if (!trainer || !this.measures.can(kind, this.losses.length)) return;
    const trains = this.training !== 'no';
    if (trains) this.clock.start(performance.now());
    else this.phase(this.resting);
    try {
      await this.interruptible(trains ? 'training' : 'pictures', (signal) =>
        this.measures.measure(kind, { step: this.losses.length, counts: trains, signal }),
      );
    } finally {
      this.clock.stop(performance.now());
    }
    // It was a pause that ended it, and not the loss of the device.
    if (trains && this.training === 'no' && this.trainer === trainer)
      await this.lastPictures(this.losses.length);
  }

  /** The pictures of the network as it is now, at the end of a stretch of steps: both, so that they show the same network. */
  private async lastPictures(step: number): Promise<void> {
    // Nobody waits for the end of a run, but somebody does for a pause: that is told first.
    if (this.complete) this.resting = 'finished';
    else if (this.training === 'no') this.phase(this.resting);
    else return;
    await this.interruptible('pictures', async (signal) => {
      await this.strip(step);
      signal.throwIfAborted();
      await this.grid(step, signal);
    });
  }

  private get complete(): boolean {
    const { count } = this.dataset!;
    return this.losses.length >= this.settings.epochs * Math.ceil(count / this.run!.batch);
  }

  /** What is due between two steps. No further step is submitted before this is done, so all of it shows the same network. */
  private async between(
    trainer: Trainer,
    { step, imagesPerSecond }: Pick<TrainingEvent, 'step' | 'imagesPerSecond'>,
    signal: AbortSignal,
    batcher: LossBatcher,
  ): Promise<void> {
    if (signal.aborted) return;
    const start = performance.now();
    if (start >= this.nextPictures) {
      batcher.flush();
      // The first ones are compiled on the way, which says nothing about the next.
      const isFirst = this.gridTook === Number.POSITIVE_INFINITY;
      await this.strip(step);
      await this.grid(step, signal);
      const end = performance.now();
      const rest = isFirst ? 0 : (end - start) * (1 / PICTURES_SHARE - 1);
      this.nextPictures = end + Math.max(this.settings.refresh * 1000, rest);
    }
    if (start - this.keptAt > SAVE_MS) await this.keep(trainer);
    const now = performance.now();
    this.measures.tell(imagesPerSecond);
    const due = this.measures.due(imagesPerSecond);
    if (this.clock.isOver(now, this.settings.minutes)) {
      this.training = 'no';
      this.send({ type: 'timeUp' });
      this.interrupt('training');
    } else if (due) this.request(() => this.measure(due));
  }

  /** Copies the run, the steps that are under way included, to the host and from there to the browser's storage. Returns all losses. */
  private async keep(trainer: Trainer): Promise<Float32Array> {
    const { source, losses, binarize } = this;
    const { lr: learningRate, epochs } = this.settings;
    const { seed, batch: batchSize } = this.run!;
    const { held } = this.imagesOf(this.run!);
    const count = this.dataset!.count + (held?.count ?? 0);
    const limit = count < this.images!.count ? { limit: count } : {};
    const holdout = held ? { holdout: held.count } : {};
    const settings = { seed, batchSize, learningRate, epochs, binarize, source, ...limit, ...holdout };
    const checkpoint = await saveCheckpoint({ trainer, settings, data: this.data!, losses });
    const all = decodeSafetensors(checkpoint).tensors.get('losses')!.data as Float32Array;
    if (this.checkpoint && stepIn(this.checkpoint) < all.length) this.before = this.checkpoint;
    this.checkpoint = checkpoint;
    this.keptAt = performance.now();
    this.kept.save(checkpoint, all.length);
    return all;
  }

  private adjust(settings: RunSettings): void {
    const before = this.settings;
    this.settings = settings;
    this.setTune();
    // The noise in the strip of pictures follows from recipe and seed.
    if (!this.run && settings.recipe !== before.recipe) {
      this.request(async () => {
        if (!this.run) this.freeNetwork();
        await this.strip(this.losses.length);
      });
    } else if (!this.run && settings.seed !== before.seed && !this.working) this.request(() => this.strip(0));
    if (!this.trainer) return;
    try {
      this.trainer.learningRate = settings.lr;
    } catch (error) {
      this.report(error, 'task');
    }
    if (settings.lr !== before.lr)
      this.send({ type: 'rate', changed: { step: this.losses.length, lr: settings.lr } });
    if (settings.samples !== before.samples || settings.refresh !== before.refresh) this.nextPictures = 0;
    // The end of a run is fixed when fit begins. Beginning again costs the step under way, no more.
    if (settings.epochs !== before.epochs && this.training === 'all') this.interrupt('training');
  }

  private reset(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.freeRun();
    this.run = undefined;
    this.losses = [];
    this.checkpoint = undefined;
    this.before = undefined;
    this.diverged = false;
    this.clock.reset();
    this.resting = 'idle';
    this.send({ type: 'freed' });
  }

  /** Leaves the run where the browser keeps it, from where it can be gone on with. */
  private async putAside(): Promise<void> {
    if (!this.run) return;
    if (this.trainer && this.losses.length > 0 && !this.diverged) await this.keep(this.trainer);
    const step = this.checkpoint ? stepIn(this.checkpoint) : 0;
    await this.kept.settled();
    if (this.kept.step < step) {
      throw new EngineError(
        'data',
        'This browser does not keep the run, so it cannot be put aside: save its checkpoint, and reset it.',
      );
    }
    this.reset();
    await this.kept.end();
    await this.strip(0);
  }

  private goBack(): void {
    const copy = this.before ?? this.checkpoint;
    if (!copy) return;
    this.freeRun();
    this.checkpoint = copy;
    this.before = undefined;
    this.diverged = false;
    this.losses = [...loadCheckpoint(copy).losses];
    this.send({ type: 'wentBack', losses: Float32Array.from(this.losses) });
    this.training = 'all';
  }

  /** All that is compiled; what it was made from stays. */
  private freeAll(): void {
    this.freeRun();
    this.pictures.free();
    this.drawing.free();
    this.models.free();
  }

  private freeRun(): void {
    this.measures.free();
    this.trainer?.destroy();
    this.trainer = undefined;
    this.dataset?.destroy();
    this.dataset = undefined;
    this.freeNetwork();
  }

  private freeNetwork(): void {
    if (this.unet) this.freeUses(this.unet);
    this.unet?.destroy();
    this.unet = undefined;
  }

  private freeUses(unet: UNet): void {
    this.pictures.free(unet);
    this.drawing.free(unet);
  }

  // ---------------------------------------------------------------- pictures

  private async grid(step: number, signal?: AbortSignal): Promise<void> {
    const { samples: count } = this.settings;
    const { seed } = this.run!;
    const start = performance.now();
    const network = { unet: this.unet!, objective: this.objective };
    await this.pictures.grid(this.engine!, network, { step, count, seed, signal });
    this.gridTook = performance.now() - start;
  }

  private async strip(step: number): Promise<void> {
    const { seed } = this.run ?? this.settings;
    if (this.images) await this.pictures.strip(this.images, this.objective, this.unet, { step, seed });
  }

  private async sample(order: Order): Promise<void> {
    this.phase('compiling');
    const network = await this.networkFrom(order.source);
    const run = await this.pictures.run(this.engine!, network, order);
    this.phase('sampling');
    await this.interruptible('sampling', run);
  }

  private async lookInside(order: InsideOrder): Promise<void> {
    const gather = async () => {
      const source = 'source' in order ? order.source : order.picture.source;
      const engine = await this.device();
      const network = await this.networkFrom(source);
      const trainer = source === 'run' ? this.trainer : undefined;
      const settings = this.run ?? this.settings;
      if (!this.images) await this.loadData(digits);
      return { engine, network, images: this.imagesOf(settings).train, trainer, settings };
    };
    // Timing takes long, and gives way to whatever is asked for; the others are done before anybody notices.
    const controller = new AbortController();
    if (order.kind === 'time') this.active = { what: 'sampling', controller };
    await this.inside.answer(order, gather, controller.signal);
    this.active = undefined;
  }

  /** The run goes on with other shaders from where it is; if they are refused, with those before. */
  private async takeShaders(shaders: readonly Replacement[]): Promise<void> {
    const { replaceShaders } = await import('./edit/replace');
    if (this.diverged) {
      this.send({ type: 'shaders', problem: 'the run has diverged. Go back, or reset it, and try again.' });
      return;
    }
    if (this.trainer) await this.keep(this.trainer);
    const before = this.shaders;
    let problem: string | undefined;
    for (const all of [shaders, before]) {
      replaceShaders(all);
      this.freeAll();
      this.shaders = all;
      try {
        if (this.run && this.engine) await this.build();
        break;
      } catch (error) {
        problem ??= error instanceof Error ? error.message : String(error);
      }
    }
    this.send({ type: 'shaders', problem });
  }

  /** A drawing always gets an answer, since the page waits for one before it asks again. */
  private async draw(id: number, order: DrawOrder): Promise<void> {
    try {
      const { unet } =
        order.source === 'pretrained'
          ? await this.models.ofRecipe('digits', await this.device())
          : await this.networkFrom(order.source);
      const answer = await this.drawing.answer(this.engine!, unet, order);
      this.send({ type: 'drawn', id, answer });
    } catch (error) {
      this.send({ type: 'drawn', id, problem: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Like a drawing, a question of the Explain tab always gets an answer. */
  private async explain({ key, id, order }: Extract<Command, { type: 'explain' }>): Promise<void> {
    try {
      const { answerExplain } = await import('./explain/worker');
      const engine = await this.device();
      const answer = await answerExplain(order, {
        engine,
        settings: this.run ?? this.settings,
        images: async () => {
          if (!this.images) await this.loadData(digits);
          return this.imagesOf(this.run ?? this.settings).train;
        },
        network: (of) =>
          of === 'digits' || of === 'tutorial' ? this.models.ofRecipe(of, engine) : this.networkFrom(of),
      });
      this.send({ type: 'explained', key, id, answer });
    } catch (error) {
      this.send({
        type: 'explained',
        key,
        id,
        problem: error instanceof Error ? error.message : String(error),
      });
    }
  }

  private example(at: number, { images, count, height, width, channels }: ImageSet): void {
    const size = height * width * channels;
    const first = (at % count) * size;
    this.send({ type: 'example', image: images.slice(first, first + size) });
  }

  private async networkFrom(source: Source): Promise<Network> {
    const engine = await this.device();
    if (source === 'file') return this.models.ofFile(engine);
    if (source === 'pretrained') return this.models.ofRecipe((this.run ?? this.settings).recipe, engine);
    return { unet: await this.network(), objective: this.objective };
  }

  // ---------------------------------------------------------------- files

  /** A checkpoint is gone on from; of a model samples are made. */
  private async openFile(file: File): Promise<void> {
    this.phase('loading');
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (decodeSafetensors(bytes, file.name).metadata.kind === 'checkpoint')
        await this.resume(bytes, file.name);
      else await this.openModel(bytes, file.name);
    } catch (error) {
      this.report(error, 'data');
    }
  }

  private async openModel(bytes: Uint8Array, name: string): Promise<void> {
    const model = loadModel(bytes, name);
    const before = await this.models.open(model, await this.device());
    if (before) this.freeUses(before);
    before?.destroy();
    const { config, objective, note } = model;
    const { height, width, conditioning } = config;
    const { classes = 0 } = conditioning ?? {};
    this.send({ type: 'model', model: { name, recipe: recipeOf(objective), classes, height, width }, note });
  }

  /** Goes on with a run that the browser keeps, with the images that it was trained on. */
  private async goOn(id: string): Promise<void> {
    if (this.run) return;
    this.phase('loading');
    const asked = this.awaiting === id;
    this.awaiting = undefined;
    try {
      const { bytes, checkpoint } = await this.kept.take(id);
      try {
        if (!this.hasDataOf(checkpoint) && checkpoint.settings.source === 'mnist')
          await this.loadData(digits);
        if (this.hasDataOf(checkpoint)) await this.resume(bytes, 'The run', id);
        else {
          this.awaiting = id;
          this.send({ type: 'needsData', id });
          if (asked) throw new EngineError('data', 'These are not the images that the run trains on.');
        }
      } finally {
        if (!this.run) void this.kept.end().catch((error) => this.report(error, 'data'));
      }
      if (this.resting === 'paused') this.training = 'all';
    } catch (error) {
      this.report(error, 'data');
    }
  }

  private hasDataOf({ data, settings, config, objective }: Checkpoint): boolean {
    const asked = settingsOf({ settings, config, objective, data }, 'The run');
    try {
      assertSameData(data, fingerprintImages(this.imagesOf(asked).train));
      return true;
    } catch {
      return false;
    }
  }

  private async resume(bytes: Uint8Array<ArrayBuffer>, name: string, id?: string): Promise<void> {
    if (this.run) {
      throw new EngineError(
        'argument',
        `A run is under way, which that of ${name} would replace. Save its checkpoint to keep it, reset it, and open ${name} again.`,
      );
    }
    const saved = loadCheckpoint(bytes, name);
    const settings = settingsOf(saved, name);
    if (!this.images) await this.loadData(digits);
    const images = this.imagesOf(settings).train;
    assertSameData(saved.data, fingerprintImages(images));
    checkLabels(images, saved.config);
    this.settings = { ...this.settings, ...settings };
    this.run = this.settings;
    this.checkpoint = bytes;
    this.losses = [...saved.losses];
    const { losses, note } = saved;
    this.send({ type: 'resumed', name, kept: id !== undefined, id, settings, losses, note });
    try {
      await this.build();
    } catch (error) {
      this.reset();
      throw error;
    }
    this.resting = this.complete ? 'finished' : 'paused';
    await this.strip(this.losses.length);
    await this.grid(this.losses.length);
  }

  private async saveModel(): Promise<void> {
    const { unet, objective } = this;
    if (unet) this.saved('model.safetensors', await saveModel(unet, { objective }));
  }

  private async saveCheckpoint(): Promise<void> {
    if (this.trainer && !(this.diverged && this.checkpoint)) await this.keep(this.trainer);
    if (!this.checkpoint) return;
    this.saved('checkpoint.safetensors', this.checkpoint.slice(), stepIn(this.checkpoint));
  }

  private saved(name: string, bytes: Uint8Array<ArrayBuffer>, step?: number): void {
    this.send({ type: 'saved', name, bytes, step }, [bytes.buffer]);
  }
}

async function loadLabelledDigits(): Promise<ImageSet> {
  const [images, labels] = await Promise.all([loadDigits(), loadDigitLabels()]);
  return { ...images, labels };
}

async function loadFiles(files: readonly File[], labels: readonly File[]): Promise<ImageSet> {
  const images = await loadIdx(files);
  return labels.length > 0
    ? { ...images, labels: await loadLabels(labels, { count: images.count }) }
    : images;
}

/** Classes are counted from 0. */
const classesOf = (images?: ImageSet) =>
  images?.labels && images.labels.reduce((most, label) => Math.max(most, label), 0) + 1;

/** The network of a recipe, for these images; without any, for digits. */
function networkOf({ recipe, widths }: RunSettings, images: ImageSet | undefined): UNetConfig {
  const { network }: { network: UNetConfig } = recipes[recipe];
  const { height, width, channels } = images ?? network;
  const told = network.conditioning;
  const conditioning = told && { ...told, classes: classesOf(images) ?? told.classes };
  return {
    ...network,
    height,
    width,
    channels,
    ...levelsOf(network, widths),
    ...(told ? { conditioning } : {}),
  };
}

/** Throws unless the images have the labels that a network is told. */
function checkLabels({ labels }: ImageSet, { conditioning }: UNetConfig): void {
  if (!conditioning?.classes || labels) return;
  throw new EngineError(
    'data',
    'These images come without labels, which the recipe digits is told. Choose or drop their files of labels (…-labels-idx1-ubyte) together with those of images, or train the recipe tutorial on them.',
  );
}
