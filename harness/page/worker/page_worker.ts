/** The page's training worker: a session, and what the page asks of it beside a session's own calls. */
import type { Engine } from '../../../src';
import { defined } from '../../../src/base/errors';
import { Recoverer } from '../../../src/keeping/recoverer';
import { loadModel } from '../../../src/weights/model';
import { createSession, expose, type Session } from '../../../src/worker';
import type { ScopeLike } from '../../../src/worker/remote';
import type { PageCalls } from '../messages/calls';
import { describeModel } from '../messages/order';
import type { Replacement } from '../messages/replace';
import { PICTURE_KEYS, type Settings } from '../messages/settings';
import { Distilling } from './distil';
import { Files } from './files';
import { Measures } from './measures';
import { PageTraining } from './training';
import { Views } from './views';
import { WorkerState } from './worker_state';

/** Longest GPU time of a submission: a visible page paints every 16 ms. */
const SUBMIT_MS = { visible: 12, hidden: 300 };

export class PageWorker {
  readonly session: Session;
  readonly state: WorkerState;
  readonly training: PageTraining;
  private readonly views: Views;
  private readonly files: Files;
  private readonly distil: Distilling;
  private visible = true;
  /** The engine in use, or the one whose device was lost. */
  private lastEngine: Engine | undefined;
  /** Shaders that replace the shipped ones. */
  private shaders: readonly Replacement[] = [];

  constructor(scope: ScopeLike | typeof globalThis, store = true) {
    const session = createSession({ store, engine: () => this.engineOptions });
    session.idlePhase = 'starting';
    this.session = session;
    const state = new WorkerState(session, ({ type, ...value }, transfer) => tell(type, value, transfer));
    this.state = state;
    this.views = new Views(state);
    this.files = new Files(state, this.views);
    const measures = new Measures(state);
    this.distil = new Distilling(state);
    this.training = new PageTraining(state, this.views, measures);
    session.on('recovered', () => {
      this.lastEngine = session.engine;
    });
    const { views, files, distil } = this;
    const calls = { ...this.calls, ...views.calls, ...files.calls, ...measures.calls, ...distil.calls };
    const tell = expose(scope, session, calls satisfies PageCalls);
  }

  private readonly calls = {
    open: (given) => {
      this.visible = given.visible;
      this.state.settings = given.settings;
      this.session.recoverer = new Recoverer(given.losses);
      void this.session.runs();
      void this.session.turns.take('answer', () => this.open(given.digits));
    },
    visible: (visible) => {
      this.visible = visible;
      const { engine } = this.session;
      if (engine) engine.maxSubmitMilliseconds = this.engineOptions.maxSubmitMilliseconds;
    },
    settings: (settings) => this.adjust(settings),
    report: () => (this.session.engine ?? this.lastEngine)?.report(),

    press: (press) => {
      this.distil.stop();
      this.training.press(press);
    },
    halt: () => this.training.pause(),
    back: async () => {
      await this.session.goBack();
      this.training.tellWentBack();
    },
    leave: (keep) => this.leave(keep),
    goOn: (from) => this.goOn(from),
    read: async (bytes) => {
      const { session, state } = this;
      const model = loadModel(bytes);
      await session.load(model);
      state.patch({ model: describeModel(model), note: model.note });
    },
    shaders: (shaders) => this.session.turn('answer', () => this.takeShaders(shaders)),
  } satisfies Partial<PageCalls>;

  private get engineOptions() {
    const tune = this.state.settings?.tune ?? 'auto';
    return {
      maxSubmitMilliseconds: this.visible ? SUBMIT_MS.visible : SUBMIT_MS.hidden,
      ...(tune === 'auto' ? {} : { tune: tune === 'on' }),
    };
  }

  private async open(withDigits: boolean): Promise<void> {
    const { session, state } = this;
    try {
      this.lastEngine = await session.device();
      state.patch({ adapter: this.lastEngine.adapter });
    } catch (error) {
      session.idlePhase = 'failed';
      state.report(error, 'start');
      return;
    }
    if (withDigits) await state.loadDigits();
    else session.idlePhase = 'idle';
  }

  private adjust(settings: Settings): void {
    const { session, state, views } = this;
    const before = state.settings;
    state.settings = settings;
    const { engine, run } = session;
    if (engine) engine.tune = this.engineOptions.tune ?? !engine.adapter.software;
    const soon = (work: () => Promise<void>) => void session.turns.take('answer', work);
    if (PICTURE_KEYS.some((key) => settings[key] !== before[key])) {
      const read = this.files.stopReading();
      soon(() => this.files.readAgain(read));
    }
    // The noise in the strip of pictures follows from recipe and seed.
    if (!run && settings.recipe !== before.recipe) {
      soon(async () => {
        if (!session.run) state.freeUntrained();
        await views.strip();
      });
    } else if (!run && settings.seed !== before.seed && !session.turns.doing) soon(() => views.strip());
    if (!run) return;
    if (settings.enlarge !== before.enlarge)
      run.settings = { ...run.settings, ...defined({ enlarge: state.enlargeOf(settings) }) };
    try {
      if (settings.lr !== before.lr) session.adjust({ learningRate: settings.lr });
      if (settings.epochs !== before.epochs) state.planning.setEpochs(settings.epochs);
    } catch (error) {
      state.report(error, 'task');
    }
    // Before the first step it is the run's rate, and no change of it.
    if (settings.lr !== before.lr && run.losses.length > 0)
      state.patch({
        measured: { rate: { step: run.losses.length, lr: settings.lr, before: before.lr } },
      });
    if (settings.samples !== before.samples || settings.refresh !== before.refresh) views.clock.reset();
  }

  /** Ends the run. */
  private async leave(keep: boolean): Promise<void> {
    const { session, state, views } = this;
    this.training.pause();
    await session.close({ keep });
    state.planning.drop();
    state.clock.reset();
    views.clock.reset();
    state.patch({ run: undefined });
    await session.turns.take('answer', async () => {
      if (!session.run) await views.strip();
    });
  }

  /** Opens the run of a checkpoint's bytes, or of a stored run. */
  private async goOn(from: Uint8Array<ArrayBuffer> | string): Promise<void> {
    const { session, state, views, files } = this;
    const id = typeof from === 'string' ? from : undefined;
    await session.goOn(from, (bytes) => files.oldRun(bytes, id));
    this.training.tellBuilt();
    await views.lastPictures().catch((error) => state.report(error, 'task'));
  }

  /** The run goes on with other shaders from where it is; if they are refused, with those before. */
  private async takeShaders(shaders: readonly Replacement[]): Promise<string | undefined> {
    const { session } = this;
    const { replaceShaders } = await import('../messages/replace');
    if (session.run?.diverged) return 'the run has diverged. Go back, or reset it, and try again.';
    await session.settle();
    this.views.clock.reset();
    const before = this.shaders;
    let problem: string | undefined;
    for (const all of [shaders, before]) {
      replaceShaders(all);
      session.freeAll();
      this.shaders = all;
      try {
        if (session.run && session.engine) await session.build();
        this.training.tellBuilt();
        break;
      } catch (error) {
        problem ??= error instanceof Error ? error.message : String(error);
      }
    }
    return problem;
  }
}
