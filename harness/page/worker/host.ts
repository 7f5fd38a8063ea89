/** The page's part of its training worker: what the page adds to the session that every worker has. */
import type { Engine, TrainingEvent, UNet } from '../../../src';
import { Recoverer } from '../../../src/keeping/recoverer';
import type { Model } from '../../../src/weights/model';
import type { CallContext } from '../../../src/worker';
import type { PageCalls } from '../messages/calls';
import type { Order } from '../messages/messages';
import { descriptionOf } from '../messages/order';
import type { Replacement } from '../messages/replace';
import { type PageSettings, PICTURE_KEYS } from '../messages/settings';
import { Distilling } from './distil';
import type { Host, NewRun, TrainingRun, TrainingSession } from './door';
import { digits, Files } from './files';
import { Measures } from './measures';
import { type Post, Workplace } from './place';
import { Views } from './views';

/** Longest GPU time of a submission: a visible page paints every 16 ms. */
const SUBMIT_MS = { visible: 12, hidden: 300 };

export class PageHost implements Host {
  private readonly session: TrainingSession;
  private readonly place: Workplace;
  private readonly views: Views;
  private readonly files: Files;
  private readonly measures: Measures;
  private readonly distil: Distilling;
  private visible = true;
  private digitsWanted = false;
  /** The engine in use, or the one whose device was lost. */
  private lastEngine: Engine | undefined;
  /** Shaders that replace the shipped ones. */
  private shaders: readonly Replacement[] = [];

  constructor(session: TrainingSession, tell: CallContext['tell']) {
    const post: Post = ({ type, ...value }, transfer) => tell(type, value, transfer);
    this.session = session;
    session.idlePhase = 'starting';
    this.place = new Workplace(session, post);
    this.views = new Views(this.place, () => this.files.loadData(digits));
    this.files = new Files(this.place, this.views);
    this.measures = new Measures(this.place, this.views);
    this.distil = new Distilling(this.place);
  }

  readonly calls = {
    open: (given) => {
      this.visible = given.visible;
      this.place.settings = given.settings;
      this.session.recoverer = new Recoverer(given.losses);
      this.soon(() => this.open(given.digits));
    },
    visible: (visible) => {
      this.visible = visible;
      this.pace(this.session.engine);
    },
    adjust: (settings) => this.adjust(settings),
    report: () => this.lastEngine?.report(),

    press: (wish) => {
      this.distil.stop();
      this.measures.clock.press(performance.now());
      this.place.planning.press(wish);
    },
    shaders: (shaders, { inTurn }) => inTurn(() => this.takeShaders(shaders)),

    distil: (calls) => this.soon(() => this.distil.begin(calls)),
    stopDistilling: () => this.distil.stop(),
    measure: (kind) => this.soon(() => this.measures.measure(kind)),

    digits: () => {
      this.digitsWanted = true;
      this.session.tasks.work();
    },
    data: (order) => this.soon(() => this.files.takeData(order)),
    stopReading: () => void this.files.stopReading(),
    keepImages: (id) => this.files.keepImages(id),
    tidyImages: () => this.files.tidyImages(),

    stopTiming: () => this.session.tasks.interrupt('sampling'),
    example: (at, { inTurn }) => this.views.example(at, inTurn),
    follow: ({ order, images }, { inTurn }) => inTurn(() => this.views.follow(order, images)),
    draw: (order, { inTurn }) => inTurn(() => this.views.draw(order)),
    explain: (order, { inTurn }) => inTurn(() => this.views.explain(order)),
    inside: (order, { inTurn }) => inTurn(() => this.views.lookInside(order)),
  } satisfies PageCalls;

  // ---------------------------------------------------------------- what the session asks of its host

  device(engine: Engine): void {
    this.lastEngine = engine;
    this.pace(engine);
    this.setTune(engine);
  }

  async newRun(): Promise<NewRun> {
    if (!this.place.images) {
      await this.files.loadData(digits);
      this.session.phase('compiling');
    }
    return this.place.newRun();
  }

  oldRun(checkpoint: Uint8Array<ArrayBuffer>, id: string | undefined): Promise<TrainingRun> {
    return this.files.oldRun(checkpoint, id);
  }

  async network(source: string | undefined): Promise<UNet> {
    this.session.phase('compiling');
    return (await this.place.networkFrom(source as Order['source'])).unet;
  }

  loaded(model: Model): void {
    this.place.post({ type: 'loaded', model: descriptionOf(model), note: model.note });
  }

  async resumed(): Promise<void> {
    const { length } = this.session.run!.losses;
    try {
      await this.views.strip(length);
      await this.views.grid(length);
    } catch (error) {
      this.place.report(error, 'task');
    }
  }

  background(): (() => Promise<void>) | undefined {
    if (!this.digitsWanted || this.place.images || !this.session.engine) return this.distil.background();
    return async () => {
      // Once: a failure is reported, and a task that needs the digits tries again.
      this.digitsWanted = false;
      await this.files.loadData(digits);
    };
  }

  training(on: boolean): void {
    this.measures.training(on);
    this.place.planning.training(on);
  }

  rehearse(signal: AbortSignal): Promise<void> {
    return this.place.planning.rehearse(signal);
  }

  async between(event: TrainingEvent, signal: AbortSignal): Promise<void> {
    this.place.planning.between(performance.now() / 1000);
    if (this.session.wanted === 'steps' || signal.aborted) return;
    await this.views.between(event.step, signal);
    this.measures.between(event);
  }

  async rested(step: number): Promise<void> {
    await this.views.lastPictures(step);
    const { run } = this.session;
    if (run?.trainer && run.complete) this.soon(() => this.measures.atEnd());
  }

  freeUses(unet?: UNet): void {
    this.distil.free(unet);
    if (!unet || unet === this.session.run?.unet) this.measures.free();
    if (unet) return;
    this.place.freeUntrained();
  }

  lost(): void {
    // The waiting requests belong to the page as the user saw it before the loss.
    this.session.tasks.drop();
  }

  freed(): void {
    this.place.planning.drop();
    this.measures.clock.reset();
    this.views.clock.reset();
    this.soon(async () => {
      if (!this.session.run) await this.views.strip(0);
    });
  }

  leaving(): void {
    // What waits was asked for on the run that goes.
    this.session.tasks.drop();
  }

  failed(error: unknown): void {
    this.place.report(error, 'task');
  }

  // ---------------------------------------------------------------- device and settings

  /** Requests a task, which starts as soon as the present one has stopped. */
  private soon(task: () => Promise<void>): void {
    this.session.tasks.request(task);
  }

  private async open(withDigits: boolean): Promise<void> {
    const { session, place } = this;
    session.stored.list();
    try {
      const { adapter } = await session.device();
      place.post({ type: 'adapter', adapter });
    } catch (error) {
      session.idlePhase = 'failed';
      place.report(error, 'start');
      return;
    }
    if (withDigits) await this.files.loadData(digits);
    else session.idlePhase = 'idle';
  }

  private setTune(engine: Engine | undefined): void {
    const { tune } = this.place.settings;
    if (engine) engine.tune = tune === 'auto' ? !engine.adapter.software : tune === 'on';
  }

  private pace(engine: Engine | undefined): void {
    if (engine) engine.maxSubmitMilliseconds = this.visible ? SUBMIT_MS.visible : SUBMIT_MS.hidden;
  }

  private adjust(settings: PageSettings): void {
    const { session, place, views } = this;
    const before = place.settings;
    place.settings = settings;
    this.setTune(session.engine);
    if (PICTURE_KEYS.some((key) => settings[key] !== before[key])) {
      const read = this.files.stopReading();
      this.soon(() => this.files.readAgain(read));
    }
    // The noise in the strip of pictures follows from recipe and seed.
    if (!session.run && settings.recipe !== before.recipe) {
      this.soon(async () => {
        if (!session.run) place.freeUntrained();
        await views.strip(session.run?.losses.length ?? 0);
      });
    } else if (!session.run && settings.seed !== before.seed && !session.tasks.busy)
      this.soon(() => views.strip(0));
    if (!session.run) return;
    try {
      if (settings.lr !== before.lr) session.adjust({ learningRate: settings.lr });
      if (settings.epochs !== before.epochs) place.planning.setEpochs(settings.epochs);
    } catch (error) {
      place.report(error, 'task');
    }
    // Before the first step it is the run's rate, and no change of it.
    if (settings.lr !== before.lr && session.run.losses.length > 0)
      place.post({
        type: 'rate',
        changed: { step: session.run.losses.length, lr: settings.lr, before: before.lr },
      });
    if (settings.samples !== before.samples || settings.refresh !== before.refresh) views.clock.reset();
  }

  /** The run goes on with other shaders from where it is; if they are refused, with those before. */
  private async takeShaders(shaders: readonly Replacement[]): Promise<string | undefined> {
    const { session } = this;
    const { replaceShaders } = await import('../messages/replace');
    if (session.run?.diverged) return 'the run has diverged. Go back, or reset it, and try again.';
    if (session.run?.trainer) await session.store();
    this.views.clock.reset();
    const before = this.shaders;
    let problem: string | undefined;
    for (const all of [shaders, before]) {
      replaceShaders(all);
      session.freeAll();
      this.shaders = all;
      try {
        if (session.run && session.engine) await session.build();
        break;
      } catch (error) {
        problem ??= error instanceof Error ? error.message : String(error);
      }
    }
    return problem;
  }
}
