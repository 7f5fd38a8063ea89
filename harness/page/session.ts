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
  loadDigits,
  loadIdx,
  type OptimizerState,
  type Progress,
  type Trainer,
  type UNet,
} from '../../src';
import { loadModel, saveModel } from '../../src/weights/checkpoint';
import { Bunch } from './bunch';
import type { Command, Phase, RunSettings, WorkerEvent } from './protocol';
import { Views } from './views';

/** How long a submission may keep the GPU: a visible page paints every 16 ms. */
const SUBMIT_MS = { visible: 12, hidden: 300 };
/** The live pictures may take this share of the time. */
const PICTURES_SHARE = 0.1;
/** Pictures that took longer are left out where somebody waits for a pause. */
const QUICK_MS = 400;
/** Milliseconds between two copies of the run to the host, from which it goes on when the device is lost. */
const SNAPSHOT_MS = 15_000;

type SampleCommand = Extract<Command, { type: 'sample' }>;

interface Snapshot {
  readonly parameters: Map<string, Float32Array>;
  readonly optimizer: OptimizerState;
}

export class Session {
  private readonly send: (event: WorkerEvent, transfer?: Transferable[]) => void;
  private engine: Engine | undefined;
  private visible = true;
  private images: ImageSet | undefined;
  private settings!: RunSettings;

  private unet: UNet | undefined;
  /** The network came from a file, not from the settings. */
  private opened = false;
  private dataset: Dataset | undefined;
  private trainer: Trainer | undefined;
  private readonly views: Views;
  private snapshot: Snapshot | undefined;
  private snapshotAt = 0;
  private nextPictures = 0;
  private gridTook = Number.POSITIVE_INFINITY;

  // What is wanted, and what is being done about it.
  private training: 'no' | 'step' | 'all' = 'no';
  private readonly requests: (() => Promise<void>)[] = [];
  private active:
    | { readonly what: 'training' | 'sampling'; readonly controller: AbortController }
    | undefined;
  private working = false;
  private resting: Phase = 'starting';

  constructor(send: (event: WorkerEvent, transfer?: Transferable[]) => void) {
    this.send = send;
    this.views = new Views(send);
  }

  handle(command: Command): void {
    switch (command.type) {
      case 'open':
        this.visible = command.visible;
        this.settings = command.settings;
        this.request(() => this.open());
        break;
      case 'train':
      case 'step':
        this.training = command.type === 'train' ? 'all' : 'step';
        this.work();
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
          await this.strip(0);
        });
        break;
      case 'adjust':
        this.adjust(command.settings);
        break;
      case 'sample':
        this.request(() => this.sample(command));
        break;
      case 'stopSampling':
        this.interrupt('sampling');
        break;
      case 'data':
        this.request(() => this.loadData(command.files));
        break;
      case 'model':
        this.request(() => this.openModel(command.file));
        break;
      case 'save':
        // Reading the weights disturbs nobody: an update is one dispatch.
        void this.save().catch((error) => this.report(error, 'task'));
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
      if (!request && this.training === 'no') break;
      try {
        if (request) await request();
        else await this.train();
      } catch (error) {
        this.training = 'no';
        this.report(error, 'task');
      }
    }
    this.phase(this.resting);
  }

  /** Runs something that an interruption may end. Whether it ran to its end. */
  private async interruptible(
    what: 'training' | 'sampling',
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
    // The loss of the device is told once, by its own handler.
    if (code === 'device-lost' && !this.engine) return;
    if (code === 'unexpected') console.error(error);
    this.send({ type: 'error', at, code, message: error instanceof Error ? error.message : String(error) });
  }

  // ---------------------------------------------------------------- device and data

  private async open(): Promise<void> {
    try {
      const { adapter } = await this.device();
      this.send({ type: 'adapter', adapter });
    } catch (error) {
      this.resting = 'failed';
      this.report(error, 'start');
      return;
    }
    await this.loadData([]);
  }

  private async device(): Promise<Engine> {
    if (this.engine) return this.engine;
    const onProgress = (progress: Progress) => this.send({ type: 'preparing', progress });
    const engine = await createEngine({ onProgress });
    this.engine = engine;
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

  private deviceLost(message: string): void {
    this.training = 'no';
    this.requests.length = 0;
    this.interrupt();
    this.freeRun();
    this.freeNetwork();
    this.engine?.destroy();
    this.engine = undefined;
    this.resting = 'lost';
    const why = message ? ` (${message.replace(/\.$/, '')})` : '';
    this.send({
      type: 'lost',
      message: `The GPU device was lost${why}. Drivers reset it when they crash, are updated, or run out of memory.`,
      step: this.snapshot?.optimizer.step ?? 0,
    });
    if (!this.working) this.phase('lost');
  }

  private async loadData(files: readonly File[]): Promise<void> {
    this.phase('loading');
    try {
      const images = files.length > 0 ? await loadIdx(files) : await loadDigits();
      this.images = images;
      const { count, height, width } = images;
      const name = files.length > 0 ? files.map((f) => f.name).join(', ') : 'MNIST digits';
      this.send({ type: 'data', data: { name, builtIn: files.length === 0, count, height, width } });
      this.resting = 'idle';
      await this.strip(0);
    } catch (error) {
      if (this.resting === 'starting') this.resting = 'idle';
      this.report(error, 'data');
    }
  }

  // ---------------------------------------------------------------- the run

  private async build(): Promise<Trainer> {
    if (this.trainer) return this.trainer;
    this.phase('compiling');
    const { images: all, settings } = this;
    if (!all)
      throw new EngineError('data', 'There are no images to train on: choose IDX files, or reload the page.');
    const engine = await this.device();
    const count = settings.limit > 0 ? Math.min(settings.limit, all.count) : all.count;
    const bytes = count * all.height * all.width * all.channels;
    try {
      const unet = await this.network();
      this.dataset = await engine.createDataset({ ...all, count, images: all.images.subarray(0, bytes) });
      this.trainer = await engine.createTrainer(unet, {
        batchSize: settings.batch,
        learningRate: settings.lr,
      });
      if (this.snapshot) this.trainer.setState(this.snapshot.optimizer);
      this.send({
        type: 'built',
        images: count,
        stepsPerEpoch: Math.ceil(count / settings.batch),
        parameters: unet.parameterCount,
        bytes: unet.bytes + this.dataset.buffer.size + this.trainer.bytes,
        variants: this.trainer.variants,
      });
    } catch (error) {
      this.freeRun();
      throw error;
    }
    this.nextPictures = 0;
    this.snapshotAt = performance.now();
    return this.trainer;
  }

  /** The network of the run or of the file, else a new one as the settings have it. */
  private async network(): Promise<UNet> {
    if (this.unet && (this.trainer || this.opened)) return this.unet;
    this.freeNetwork();
    const { seed, widths } = this.settings;
    const { height, width, channels } = this.images ?? { height: 28, width: 28, channels: 1 };
    const engine = await this.device();
    this.unet = await engine.createUNet({ height, width, channels, widths }, { seed });
    if (this.snapshot) await this.unet.setParameters(this.snapshot.parameters);
    return this.unet;
  }

  /** Trains until the epochs are complete, or one step, or an interruption. */
  private async train(): Promise<void> {
    const trainer = await this.build();
    const mode = this.training;
    this.resting = 'paused';
    // A pause may have come meanwhile.
    if (mode === 'no') return;
    this.phase('training');
    const { epochs, seed } = this.settings;
    const maxSteps = mode === 'step' ? 1 : undefined;
    const bunch = new Bunch(this.send);
    let ended = false;
    try {
      ended = await this.interruptible('training', async (signal) => {
        for await (const event of trainer.fit(this.dataset!, { epochs, seed, maxSteps, signal })) {
          bunch.add(event.step, event.loss, event.imagesPerSecond);
          if (mode === 'all') await this.between(trainer, event.step, signal, bunch);
        }
      });
    } finally {
      bunch.flush();
    }
    if (ended) this.training = 'no';
    const { step } = await this.keep(trainer);
    await this.strip(step);
    const finished = step >= epochs * Math.ceil(this.dataset!.count / trainer.batchSize);
    if (finished) this.resting = 'finished';
    // Somebody waits for a pause, but nobody does for the end.
    if (finished || this.gridTook < QUICK_MS) await this.grid(step);
  }

  /** What is due between two steps. No further step is submitted before this is done, so all of it shows the same network. */
  private async between(trainer: Trainer, step: number, signal: AbortSignal, bunch: Bunch): Promise<void> {
    const start = performance.now();
    if (start >= this.nextPictures) {
      bunch.flush();
      await this.strip(step);
      await this.grid(step, signal);
      const end = performance.now();
      this.nextPictures =
        end + Math.max(this.settings.refresh * 1000, (end - start) * (1 / PICTURES_SHARE - 1));
    }
    if (start - this.snapshotAt > SNAPSHOT_MS) await this.keep(trainer);
  }

  private async keep(trainer: Trainer): Promise<OptimizerState> {
    const optimizer = await trainer.getState();
    this.snapshot = { parameters: await this.unet!.getParameters(), optimizer };
    this.snapshotAt = performance.now();
    return optimizer;
  }

  private adjust(settings: RunSettings): void {
    const before = this.settings;
    this.settings = settings;
    this.setTune();
    if (!this.trainer) {
      // The noise in the strip of pictures follows from the seed.
      if (settings.seed !== before.seed && !this.working) this.request(() => this.strip(0));
      return;
    }
    try {
      this.trainer.learningRate = settings.lr;
    } catch (error) {
      this.report(error, 'task');
    }
    if (settings.samples !== before.samples || settings.refresh !== before.refresh) this.nextPictures = 0;
    // The end of a run is fixed when fit begins. Beginning again costs the step under way, no more.
    if (settings.epochs !== before.epochs && this.training === 'all') this.interrupt('training');
  }

  private reset(): void {
    this.freeRun();
    this.freeNetwork();
    this.snapshot = undefined;
    this.resting = 'idle';
    this.send({ type: 'freed' });
  }

  private freeRun(): void {
    this.trainer?.destroy();
    this.trainer = undefined;
    this.dataset?.destroy();
    this.dataset = undefined;
    if (!this.opened) this.freeNetwork();
  }

  private freeNetwork(): void {
    this.views.free();
    this.unet?.destroy();
    this.unet = undefined;
    this.opened = false;
  }

  // ---------------------------------------------------------------- pictures

  private async grid(step: number, signal?: AbortSignal): Promise<void> {
    const { seed, samples: count } = this.settings;
    const start = performance.now();
    await this.views.grid(this.engine!, this.unet!, { step, count, seed, signal });
    this.gridTook = performance.now() - start;
  }

  private async strip(step: number): Promise<void> {
    if (this.images) await this.views.strip(this.images, this.unet, step, this.settings.seed);
  }

  private async sample(command: SampleCommand): Promise<void> {
    this.phase('compiling');
    const unet = await this.network();
    const run = await this.views.run(this.engine!, unet, command);
    this.phase('sampling');
    await this.interruptible('sampling', run);
  }

  // ---------------------------------------------------------------- files

  private async openModel(file: File): Promise<void> {
    this.phase('loading');
    try {
      const { config, parameters } = loadModel(new Uint8Array(await file.arrayBuffer()), file.name);
      const engine = await this.device();
      const unet = await engine.createUNet(config);
      try {
        await unet.setParameters(parameters);
      } catch (error) {
        unet.destroy();
        throw error;
      }
      this.reset();
      this.unet = unet;
      this.opened = true;
      this.send({ type: 'model', name: file.name, parameters: unet.parameterCount });
    } catch (error) {
      this.report(error, 'data');
    }
  }

  private async save(): Promise<void> {
    if (!this.unet) return;
    const bytes = await saveModel(this.unet);
    const step = this.snapshot?.optimizer.step ?? 0;
    this.send({ type: 'saved', bytes, step }, [bytes.buffer]);
  }
}
