/** A scene, and its questions to the training worker: one question at a time, and another when it has changed. */

import type { ExplainAnswer, ExplainOrder } from '../messages/explain_messages';
import { isFreed, type WorkerEvent } from '../messages/messages';
import type { App } from '../shell/app';
import { Latest } from '../shell/latest';
import { compilingText, taskText } from '../shell/state';
import type { Recording } from '../welcome/recording';

export interface SceneStage {
  /** Undefined if there is no GPU: then the scenes show the recording. */
  readonly app: App | undefined;
  readonly recording: Recording;
  /** Whether motion is reduced: nothing moves by itself. */
  readonly still: boolean;
  /** Draws the scene anew. */
  readonly changed: () => void;
}

export interface Scene {
  readonly title: string;
  readonly element: HTMLElement;
  /** Files of the project for further reading, each with its subject. */
  readonly reading: readonly (readonly [path: string, what: string])[];
  /** The scene's questions to the worker. */
  readonly questions: readonly Question[];
  /** Called after every change while the scene is shown. */
  render(): void;
}

/** The noise that all scenes begin with. */
export const SCENE_SEED = 20;

/** The caption of recorded pictures. `live`: the reader's own network is about to answer. */
export const recordedWords = (live: boolean) =>
  live
    ? 'A recording, until the network answers.'
    : 'Recorded, as there is no GPU here: the pretrained network on its way from noise to a digit.';

// ---------------------------------------------------------------- questions

/** Minimum number of images and milliseconds between two questions to the training network: each costs the step under way. */
const AGAIN = { images: 2048, ms: 3000 };

export class Question<Answer extends ExplainAnswer = ExplainAnswer> {
  answer: Answer | undefined;
  /** Steps of the run when that was asked. */
  private answered = 0;
  private readonly app: App | undefined;
  private readonly latest: Latest<{ readonly order: ExplainOrder; readonly steps: number }, ExplainAnswer>;
  /** The network that was asked last. */
  private network = '';
  private asked = { order: '', steps: 0, at: 0 };
  private problem: string | undefined;
  /** Whether something is to be asked when the measurement ends that has the GPU. */
  private held = false;

  constructor(app: App | undefined) {
    this.app = app;
    this.latest = new Latest(
      ({ order }, signal) => app!.ask('explain', order, signal),
      ({ question: { order, steps }, answer, problem }) => {
        this.problem = problem;
        // What another network answered does not stand under this one's name.
        if (answer && this.networkOf(order) === this.network) {
          this.answer = answer as Answer;
          this.answered = steps;
        }
        app!.changed();
      },
    );
  }

  /** Asks, unless the same was asked last. `live`: also asks again after the run's network has learned more. */
  ask(order: ExplainOrder, live = false): void {
    const { app } = this;
    if (!app) return;
    const { state, settings } = app;
    const network = this.networkOf(order);
    if (network !== this.network) this.forget();
    this.network = network;
    const { asked } = this;
    const text = network + JSON.stringify(order);
    this.held = app.measuring !== undefined && text !== asked.order;
    if (app.measuring) return;
    const steps = order.of === 'run' ? state.losses.length : 0;
    const images = (steps - asked.steps) * settings.batch;
    const due = images >= AGAIN.images && performance.now() - asked.at > AGAIN.ms;
    const learned = live && !this.latest.waiting && steps !== asked.steps && (due || !state.training);
    if (text === asked.order && !learned) return;
    this.asked = { order: text, steps, at: performance.now() };
    this.problem = undefined;
    this.latest.ask({ order, steps });
  }

  /** The network that an order asks, as text. */
  private networkOf({ of }: ExplainOrder): string {
    const { state, settings, replacements } = this.app!;
    const own = of === 'run' || of === 'file' || of === 'pretrained';
    return JSON.stringify([of, own && [settings.recipe, replacements, state.run === undefined]]);
  }

  receive(event: WorkerEvent): void {
    const { waiting } = this;
    if (event.type === 'lost' || isFreed(event)) this.latest.drop();
    if (event.type === 'lost' && waiting)
      this.problem = 'The GPU device was lost. Change anything here, and the page asks for another one.';
    if (!isFreed(event) && !(event.type === 'losses' && event.again)) return;
    // Its steps come again, as another network.
    this.forget();
  }

  private forget(): void {
    this.answer = undefined;
    this.asked = { order: '', steps: 0, at: 0 };
  }

  /** Steps of the run's network that has answered; before there is an answer, its steps now. */
  get steps(): number {
    return this.answer ? this.answered : (this.app?.state.losses.length ?? 0);
  }

  get waiting(): boolean {
    return this.latest.waiting;
  }

  /** The reason that the answer is not there yet; undefined if there is none. */
  get status(): string | undefined {
    if (this.problem) return this.problem;
    if (!this.app) return undefined;
    const { state, measuring } = this.app;
    if (measuring && this.held) return `The ${measuring} has the GPU; this waits.`;
    if (!this.waiting) return undefined;
    const { preparing, phase } = state;
    if (preparing?.task === 'compiling' && !this.answer) return compilingText(state);
    return phase === 'starting' || phase === 'loading' ? taskText(state) : 'Asking the network';
  }
}
