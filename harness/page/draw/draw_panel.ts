/** The Draw view: after every change it asks the network about the drawing again. */
import { shownNames } from '../../pictures/class_names';
import { drawInk, isEmpty, SIDE } from '../../pictures/strokes';
import {
  type DrawAnswer,
  type DrawOrder,
  isFreed,
  type ModelDescription,
  type WorkerEvent,
} from '../messages/messages';
import { drawnName, refined } from '../messages/order';
import { type Ask, asks, type Settings } from '../messages/settings';
import type { App, Panel, TaskPanel } from '../shell/app';
import {
  anyElement,
  button,
  byId,
  downloadMade,
  onClick,
  setDisabled,
  setHidden,
  setText,
} from '../shell/dom';
import { connectFields } from '../shell/fields';
import { toPng } from '../shell/images';
import { Latest, type Outcome } from '../shell/latest';
import { compilingText, hasDigitClasses, networkIn, taskText } from '../shell/state';
import { clearClasses, DrawViews, showClasses, verdict } from './draw_answers';
import { connectDrawDigits, connectDrawSource } from './draw_choices';
import { DrawPaper } from './draw_paper';
import { centred, type DrawQuestion, makeQuestion } from './draw_question';
import { Teach } from './teach';

const ABOUT: Readonly<Record<Ask, string>> = {
  denoise:
    'The slider sets how much noise is mixed into the drawing. From there the network samples its way back to a picture.',
  fill: 'The network makes up what is under the mask, four times, each time from different noise. The rest of the drawing stays.',
  classify:
    'The network predicts the noise in the drawing at 8 noise levels, once for each class. The number is its mean squared error with that class; the bar shows how much smaller this error is than with the class that fits worst.',
};

export class DrawPanel implements TaskPanel {
  readonly tasks = ['draw'] as const;
  /** Its button on the Train view. */
  readonly onTrain: Panel = { tasks: ['train'], render: () => this.teach.renderOwn() };
  private readonly app: App;
  private readonly paper: DrawPaper;
  private readonly views: DrawViews;
  private readonly source: ReturnType<typeof connectDrawSource>;
  private readonly digits: ReturnType<typeof connectDrawDigits>;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly level = byId('level', HTMLInputElement);
  private readonly guidance = byId('draw-guidance', HTMLInputElement);
  private readonly teach: Teach;
  private readonly latest: Latest<DrawOrder, DrawAnswer | undefined>;
  /** The kind of question that is chosen, and the shown answer to one. */
  private kind: Ask | undefined;
  private answer: DrawAnswer | undefined;
  /** The run's step then, if the run gave the answer. */
  private answeredAt: number | undefined;
  private problem: string | undefined;
  /** The picture on the paper, if there is one, is of images that are not digits. */
  private isOther = false;
  /** The last question, as text: a different one is asked. */
  private asked = '';
  /** The last order to the worker. */
  private sent: DrawOrder | undefined;
  /** The next order if nothing changes: it gives a better answer to the same question. */
  private better: DrawOrder | undefined;

  constructor(app: App) {
    this.app = app;
    this.paper = new DrawPaper(app, () => this.takeExample());
    this.views = new DrawViews((picture) => {
      this.isOther = !this.answersDigits;
      this.paper.take(picture);
    });
    this.source = connectDrawSource(app);
    this.digits = connectDrawDigits(app, () => this.names);
    this.fields = connectFields(app, byId('draw-settings', HTMLFormElement), anyElement('draw-problem'));
    this.teach = new Teach(
      app,
      () => this.seen(),
      () => this.paper.clear(),
    );
    this.latest = new Latest(
      (order, signal) => {
        this.sent = order;
        return app.ask('draw', order, signal);
      },
      (outcome) => this.takeAnswer(outcome),
    );
    for (const input of [this.level, this.guidance]) input.addEventListener('input', () => app.changed());
    for (const ask of asks) {
      onClick(`ask-${ask}`, () => {
        app.set('ask', ask);
        this.paper.choose(ask === 'fill' && !this.paper.isBlank ? 'mask' : 'draw');
      });
    }
    onClick('draw-noise-next', () => app.set('noise', String((app.settings.noise + 1) % 2 ** 32)));
    onClick('draw-save', () => void this.save());
  }

  /** Without a drawing, of one of the digits. */
  start(): void {
    if (this.paper.isBlank) void this.takeExample();
  }

  receive(event: WorkerEvent): void {
    this.teach.receive(event);
    if (event.type === 'lost' || isFreed(event)) {
      // The worker has dropped what it was asked. A lost device is not asked for again before something changes.
      this.latest.drop();
      this.better = undefined;
      if (isFreed(event)) {
        this.asked = '';
        this.answeredAt = undefined;
      } else if (this.question.order)
        this.problem = 'The GPU device was lost. Draw on, and the page asks for another one.';
    }
  }

  render(): void {
    this.fields.render();
    this.paper.render();
    this.digits.render();
    this.teach.render(!this.paper.isBlank, this.answersDigits && !(this.isOther && this.paper.hasPicture));
    this.renderWords();
    const { settings, question } = this;
    this.ask(question);
    this.source.render(this.answer && this.answeredAt);
    setHidden(
      'draw-edits',
      ['draw-undo', 'draw-clear'].every((id) => button(id).disabled),
    );
    const { state } = this.app;
    setHidden('draw-network', state.losses.length === 0 && !state.model);
    this.views.showNoisy(question.image, settings.level / 100, settings.noise);
    this.renderChoices();
    this.renderStatus(question);
  }

  /** The settings with the sliders where they are, even while they move. */
  private get settings(): Settings {
    return { ...this.app.settings, level: Number(this.level.value), guidance: Number(this.guidance.value) };
  }

  private get question(): DrawQuestion {
    return makeQuestion(this.paper.drawing, this.settings, this.source.source);
  }

  /** The drawing as the network sees it, 0 to 255; undefined if there is none. */
  private seen(): Uint8Array<ArrayBuffer> | undefined {
    const ink = drawInk(centred(this.paper.drawing));
    return isEmpty(ink) ? undefined : Uint8Array.from(ink, (value) => Math.round(255 * value));
  }

  /** The network that answers. */
  private get network(): Omit<ModelDescription, 'name'> {
    const { state, settings } = this.app;
    return networkIn(this.source.source, state, settings);
  }

  /** The names of its classes. */
  private get names(): readonly string[] {
    return shownNames(this.source.source === 'pretrained' ? { classes: 10 } : this.network);
  }

  private get answersDigits(): boolean {
    return this.source.source === 'pretrained' || hasDigitClasses(this.network);
  }

  /** Calls the classes what they are. */
  private renderWords(): void {
    const { state } = this.app;
    const what = this.answersDigits ? 'digit' : 'class';
    setText('ask-classify', `Which ${what}?`);
    setText('draw-digits-legend', `${this.answersDigits ? 'Digit' : 'Class'} to make`);
    setText('draw-guidance-label', `how strictly it keeps to the ${what}`);
    setText(
      'draw-classes-caption',
      `How well each ${what} fits the drawing, and the error of the network’s predictions`,
    );
    setText('draw-classes-head', this.answersDigits ? 'Digit' : 'Class');
    setText('draw-example', state.data?.builtIn === false ? 'One of the images' : 'One of the digits');
  }

  private async save(): Promise<void> {
    const name = drawnName(this.settings);
    const images = [this.seen()!, ...this.views.answerTo(this.settings.ask)];
    const problem = await downloadMade(name, (files) => toPng(files.drawnPicture(images)));
    if (problem) this.app.notify(problem);
  }

  private ask({ order }: DrawQuestion): void {
    const { ask } = this.settings;
    if (ask !== this.kind) {
      // While a drawing changes, the last answer stays until the next comes; one to another kind of question does not.
      this.kind = ask;
      this.asked = '';
      this.show(ask, undefined);
    }
    if (this.app.measuring) return;
    // Other images have other problems.
    const key = `${this.app.replacements} ${order ? orderKey(order) : ask}`;
    if (key === this.asked) {
      if (this.better && !this.latest.waiting) this.latest.ask(this.better);
      return;
    }
    this.asked = key;
    this.problem = undefined;
    this.better = undefined;
    // A better answer is not waited for: the worker leaves it for what is asked now.
    const { sent } = this;
    if (!order || (sent && 'rough' in sent && !sent.rough)) this.latest.drop();
    if (order) this.latest.ask(order);
    else this.show(ask, undefined);
  }

  /** Puts one of the training images on the paper. */
  private async takeExample(): Promise<void> {
    const at = Math.floor(Math.random() * 2 ** 31);
    const example = await this.app.ask('example', at).catch(() => undefined);
    if (!example) return;
    if (example.image.length === SIDE * SIDE) {
      this.paper.take(example.image);
      // The classes of other images are not digits.
      this.isOther = this.app.state.data?.builtIn === false;
      if (!this.isOther) this.teach.know(example.label);
    } else
      this.problem = `The training images are not ${SIDE} x ${SIDE} grey pixels, as a drawing is. Draw something.`;
  }

  private takeAnswer({ question, answer, problem }: Outcome<DrawOrder, DrawAnswer | undefined>): void {
    this.problem = problem;
    if (answer && answer.ask === this.kind) {
      this.answeredAt = question.source === 'run' ? this.app.state.losses.length : undefined;
      this.show(answer.ask, answer);
    }
    if (this.latest.waiting) return;
    // One that was interrupted is asked for again; one that has failed is not, before something changes.
    if (answer || problem) this.better = answer && refined(question);
  }

  private show(ask: Ask, answer: DrawAnswer | undefined): void {
    this.answer = answer;
    if (ask === 'denoise') this.views.showMade(answer?.ask === 'denoise' ? answer.images : undefined);
    else if (ask === 'fill') this.views.showFillings(answer?.ask === 'fill' ? answer.images : undefined);
    else if (answer?.ask === 'classify') {
      const { losses } = answer;
      showClasses(losses, this.names);
      this.teach.read(this.names[losses.indexOf(Math.min(...losses))]);
    } else clearClasses(this.names);
  }

  private renderChoices(): void {
    const { ask, drawnClass, level, guidance } = this.settings;
    const drawn = !this.paper.isBlank;
    for (const each of asks) button(`ask-${each}`).ariaPressed = String(each === ask);
    const only = (id: string, shown: boolean) => {
      setHidden(id, !shown);
    };
    // First there are the field and the questions.
    for (const id of ['draw-settings', 'draw-answered']) only(id, drawn);
    for (const id of ['level-field', 'draw-take']) only(id, ask === 'denoise');
    only('draw-denoised', drawn && ask === 'denoise');
    only('draw-fillings', drawn && ask === 'fill');
    only('draw-classes', drawn && ask === 'classify');
    only('draw-digits', ask !== 'classify');
    only('draw-guidance-field', ask !== 'classify' && drawnClass !== 'all');
    setDisabled('draw-take', !this.answer);
    setText('draw-about', ABOUT[ask]);
    setText('level-value', `${level} %`);
    setText('draw-guidance-value', String(guidance));
  }

  private renderStatus({ why }: DrawQuestion): void {
    const { state, measuring } = this.app;
    const { waiting } = this.latest;
    // Only what belongs together is saved.
    setDisabled('draw-save', waiting || this.problem !== undefined || !this.answer);
    const busy =
      state.phase === 'starting' || state.phase === 'loading' ? taskText(state) : compilingText(state);
    const measured = measuring && `The ${measuring} has the GPU; the drawing waits.`;
    const words = this.problem ?? why ?? measured ?? (waiting ? busy : undefined) ?? this.outcome();
    setText('draw-status-text', words);
    anyElement('draw-status').classList.toggle('busy', waiting);
  }

  private outcome(): string {
    const { answer } = this;
    const { level } = this.settings;
    if (!answer) return '';
    if (answer.ask === 'classify') return verdict(answer.losses, this.names);
    if (answer.ask === 'fill') return 'Four ways to fill the mask. Press one to draw on with it.';
    if (level < 40) return 'Little noise: the network can only tidy up.';
    if (level < 80) return 'The noise hides the details: the network makes up its own.';
    return 'Hardly anything of the drawing is left: the network makes up nearly all of it.';
  }
}

function orderKey(order: DrawOrder): string {
  const mask = 'mask' in order ? order.mask.join() : '';
  return JSON.stringify({ ...order, image: order.image.join(), mask });
}
