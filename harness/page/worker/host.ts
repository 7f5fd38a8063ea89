/**
 * The page's training worker: a session with what the page adds to it: its data, live pictures, drawings, and looks inside. Commands never
 * wait for the GPU: they say what is wanted and interrupt what is not.
 */
import {
  createEngine,
  type Engine,
  type Progress,
  type TrainingEvent,
  type UNet,
  type Warning,
} from '../../../src';
import { Recoverer } from '../../../src/keeping/recoverer';
import type { EventOf, SessionEvent } from '../../../src/worker/events';
import { deviceLostText } from '../../../src/worker/lost_text';
import type { TrainingRun } from '../../../src/worker/run';
import { type SessionHost, TrainingSession } from '../../../src/worker/session';
import { goesOnBy } from '../device_lost';
import type { Replacement } from '../edit/replace';
import type { Command } from '../protocol';
import type { PageSettings } from '../settings';
import { SessionDistil } from './distil';
import { digits, SessionFiles } from './files';
import { SessionMeasures } from './measures';
import { type Post, Workplace } from './place';
import { SessionViews } from './views';

/** How long a submission may keep the GPU: a visible page paints every 16 ms. */
const SUBMIT_MS = { visible: 12, hidden: 300 };

export class Session implements SessionHost {
  private readonly core: TrainingSession;
  private readonly place: Workplace;
  private readonly views: SessionViews;
  private readonly files: SessionFiles;
  private readonly measures: SessionMeasures;
  private readonly distil: SessionDistil;
  private visible = true;
  private digitsWanted = false;
  /** The one in use, or that was lost. */
  private lastEngine: Engine | undefined;
  /** Those that stand in place of the shipped ones. */
  private shaders: readonly Replacement[] = [];

  constructor(post: Post) {
    this.core = new TrainingSession(this);
    this.place = new Workplace(this.core, post);
    this.views = new SessionViews(this.place, () => this.files.loadData(digits));
    this.files = new SessionFiles(this.place, this.views);
    this.measures = new SessionMeasures(this.place, this.views);
    this.distil = new SessionDistil(this.place, this.files);
  }

  handle(command: Command): void {
    if (this.handleTraining(command) || this.handleFiles(command)) return;
    const { tasks } = this.core;
    switch (command.type) {
      case 'open':
        this.visible = command.visible;
        this.place.settings = command.settings;
        this.core.recoverer = new Recoverer(command.losses);
        tasks.request(() => this.open(command.digits));
        break;
      case 'adjust':
        this.adjust(command.settings);
        break;
      case 'sample':
        tasks.request(() => this.views.sample(command.order));
        break;
      case 'follow':
        tasks.request(() => this.views.follow(command));
        break;
      case 'inside':
        tasks.request(() => this.views.lookInside(command.order));
        break;
      case 'shaders':
        tasks.request(() => this.takeShaders(command.shaders));
        break;
      case 'draw':
        tasks.request(() => this.views.draw(command.id, command.order));
        break;
      case 'explain':
        tasks.request(() => this.views.explain(command));
        break;
      case 'example':
        this.views.example(command.at);
        break;
      case 'report':
        void this.report();
        break;
      case 'stopSampling':
        tasks.interrupt('sampling');
        break;
      case 'visible':
        this.visible = command.visible;
        this.pace(this.core.engine);
        break;
    }
  }

  /** Commands about the run. Whether this is one. */
  private handleTraining(command: Command): boolean {
    const { core } = this;
    switch (command.type) {
      case 'list':
        core.kept.list();
        return true;
      case 'train':
      case 'step':
        this.distil.stop();
        this.measures.clock.press(performance.now());
        core.train(command.type === 'step' ? 1 : undefined);
        return true;
      case 'pause':
        core.pause();
        return true;
      case 'reset':
        core.stop();
        core.tasks.request(async () => {
          core.reset();
          void core.kept.end({ discard: true }).catch((error) => this.place.report(error, 'task'));
          await this.views.strip(0);
        });
        return true;
      case 'putAside':
        core.stop();
        core.tasks.request(() => this.files.putAside());
        return true;
      case 'distil':
        core.tasks.request(() => this.distil.begin(command.calls));
        return true;
      case 'stopDistilling':
        this.distil.stop();
        return true;
      case 'measure':
        core.tasks.request(() => this.measures.measure('quality'));
        return true;
      case 'goBack':
        core.tasks.request(async () => {
          if (core.goBack()) core.train();
        });
        return true;
      case 'goOn':
        core.tasks.request(() => this.files.goOn(command.id, command.drawings));
        return true;
      case 'discard':
        void core.kept.discard(command.id).catch((error) => this.place.report(error, 'data'));
        return true;
    }
    return false;
  }

  /** Commands about files and data. Whether this is one. */
  private handleFiles(command: Command): boolean {
    const { tasks } = this.core;
    switch (command.type) {
      case 'digits':
        this.digitsWanted = true;
        tasks.work();
        return true;
      case 'data':
        tasks.request(() => this.files.loadData(command));
        return true;
      case 'model':
        tasks.request(() => this.files.openFile(command.file));
        return true;
      case 'saveModel':
        // Reading the weights disturbs nobody: an update is one dispatch.
        void this.files.saveModel().catch((error) => this.place.report(error, 'task'));
        return true;
      case 'saveCheckpoint':
        // Weights and moments must be of the same step, so none may be under way.
        tasks.request(() => this.files.saveCheckpoint());
        return true;
    }
    return false;
  }

  // ---------------------------------------------------------------- what the session asks of the page's worker

  send(event: SessionEvent): void {
    switch (event.type) {
      case 'lost': {
        // What was asked for was for what people saw then.
        this.core.tasks.drop();
        const { why, attempt, losses } = event;
        const message = attempt ? this.lostMessage({ why, attempt }) : deviceLostText(why);
        this.place.post({ type: 'lost', message, losses });
        break;
      }
      case 'stillLost':
        this.place.post({ type: 'stillLost', message: this.lostMessage(event) });
        break;
      case 'recovered': {
        const from = this.core.run ? ` The run goes on from step ${event.step.toLocaleString('en-US')}.` : '';
        const message = `The GPU device was lost, and another took its place.${from}`;
        this.place.post({ type: 'notice', message });
        break;
      }
      case 'built':
        this.files.awaiting = undefined;
        this.views.clock.reset();
        this.place.post({
          ...event,
          held: this.place.imagesOf(this.place.current).held?.count ?? 0,
          begin: this.place.began,
        });
        break;
      case 'freed':
        this.measures.clock.reset();
        this.place.post(event);
        break;
      default:
        this.place.post(event);
    }
  }

  async createEngine(): Promise<Engine> {
    const onProgress = (progress: Progress) => this.place.post({ type: 'preparing', progress });
    const onWarning = ({ message }: Warning) => this.place.post({ type: 'notice', message });
    const engine = await createEngine({ onProgress, onWarning });
    this.lastEngine = engine;
    this.pace(engine);
    this.setTune(engine);
    return engine;
  }

  async newRun(): Promise<TrainingRun> {
    if (!this.place.images) {
      await this.files.loadData(digits);
      this.core.phase('compiling');
    }
    return this.place.newRun();
  }

  background(): (() => Promise<void>) | undefined {
    if (!this.digitsWanted || this.place.images || !this.core.engine) return this.distil.background();
    return async () => {
      // Once: what cannot be loaded is told, and tried again where it is needed.
      this.digitsWanted = false;
      await this.files.loadData(digits);
    };
  }

  built(run: TrainingRun, engine: Engine): void {
    this.measures.begin(run, engine);
  }

  training(on: boolean): void {
    this.measures.training(on);
  }

  async between(event: TrainingEvent, signal: AbortSignal): Promise<void> {
    if (this.core.wanted === 'steps' || signal.aborted) return;
    await this.views.between(event.step, signal);
    this.measures.between(event);
  }

  async rested(step: number): Promise<void> {
    await this.views.lastPictures(step);
    const { run } = this.core;
    if (run?.trainer && run.complete) this.core.tasks.request(() => this.measures.last());
  }

  freeUses(unet?: UNet): void {
    this.distil.free(unet);
    this.views.free(unet);
    if (!unet || unet === this.core.run?.unet) this.measures.free();
    if (unet) return;
    this.place.models.free();
    this.place.freeUntrained();
  }

  failed(error: unknown): void {
    this.place.report(error, 'task');
  }

  private lostMessage({ why, attempt }: Pick<EventOf<'stillLost'>, 'why' | 'attempt'>): string {
    const step = this.core.run?.losses.length ?? 0;
    return `${deviceLostText(why)} ${goesOnBy(attempt, step, this.core.kept.step >= step)}`;
  }

  // ---------------------------------------------------------------- device and settings

  private async open(withDigits: boolean): Promise<void> {
    this.core.kept.list();
    try {
      const { adapter } = await this.core.device();
      this.place.post({ type: 'adapter', adapter });
    } catch (error) {
      this.core.resting = 'failed';
      this.place.report(error, 'start');
      return;
    }
    if (withDigits) await this.files.loadData(digits);
    else this.core.resting = 'idle';
  }

  private async report(): Promise<void> {
    this.place.post({ type: 'report', report: await this.lastEngine?.report() });
  }

  private setTune(engine: Engine | undefined): void {
    const { tune } = this.place.settings;
    if (engine) engine.tune = tune === 'auto' ? !engine.adapter.software : tune === 'on';
  }

  private pace(engine: Engine | undefined): void {
    if (engine) engine.maxSubmitMilliseconds = this.visible ? SUBMIT_MS.visible : SUBMIT_MS.hidden;
  }

  private adjust(settings: PageSettings): void {
    const { core, place, views } = this;
    const before = place.settings;
    place.settings = settings;
    this.setTune(core.engine);
    // The noise in the strip of pictures follows from recipe and seed.
    if (!core.run && settings.recipe !== before.recipe) {
      core.tasks.request(async () => {
        if (!core.run) place.freeUntrained();
        await views.strip(core.run?.losses.length ?? 0);
      });
    } else if (!core.run && settings.seed !== before.seed && !core.tasks.busy)
      core.tasks.request(() => views.strip(0));
    if (!core.run) return;
    try {
      core.adjust({ learningRate: settings.lr, epochs: settings.epochs });
    } catch (error) {
      place.report(error, 'task');
    }
    if (settings.lr !== before.lr)
      place.post({
        type: 'rate',
        changed: { step: core.run.losses.length, lr: settings.lr, before: before.lr },
      });
    if (settings.samples !== before.samples || settings.refresh !== before.refresh) views.clock.reset();
  }

  /** The run goes on with other shaders from where it is; if they are refused, with those before. */
  private async takeShaders(shaders: readonly Replacement[]): Promise<void> {
    const { core, place } = this;
    const { replaceShaders } = await import('../edit/replace');
    if (core.run?.diverged) {
      const problem = 'the run has diverged. Go back, or reset it, and try again.';
      place.post({ type: 'shaders', problem });
      return;
    }
    if (core.run?.trainer) await core.keep();
    const before = this.shaders;
    let problem: string | undefined;
    for (const all of [shaders, before]) {
      replaceShaders(all);
      core.freeAll();
      this.shaders = all;
      try {
        if (core.run && core.engine) await core.build();
        break;
      } catch (error) {
        problem ??= error instanceof Error ? error.message : String(error);
      }
    }
    place.post({ type: 'shaders', problem });
  }
}
