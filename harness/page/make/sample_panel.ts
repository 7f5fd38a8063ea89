/** The Make view: digits to order, step by step out of noise, and digits that follow the hand. */
import { labelsIn } from '../../pictures/class_names';
import { enlargeOf } from '../../run/enlarging';
import { plural, whole } from '../../text/units';
import { isDistilled, isFreed, type Order, patchOf, type WorkerEvent } from '../messages/messages';
import type { FieldPlace } from '../messages/noise_field';
import { columnsFor, columnsOf, usualCount } from '../messages/order';
import type { Settings } from '../messages/settings';
import type { App, TaskPanel } from '../shell/app';
import {
  anyElement,
  byId,
  connectMenu,
  foldFields,
  isStill,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
  setText,
} from '../shell/dom';
import { connectFields } from '../shell/fields';
import { noiseTiles, type Tiles } from '../shell/images';
import { describe, isBusy, isOfDigits, isReady, rests } from '../shell/state';
import { Trajectory } from '../shell/trajectory';
import { loadRecording } from '../welcome/recorded';
import type { Recording } from '../welcome/recording';
import { callsIn, handMaking, type Making, makingOf } from './calls';
import { TwoColumns } from './compare';
import { type Before, Hand, handOf } from './hand';
import { NoiseHand } from './noise_hand';
import { connectOrder } from './order_fields';
import { connectSource, connectTrajectory, type Maker, orderedIn, type Shown } from './sample_views';
import { connectDownloads, connectShare } from './share';
import { type Frame, Stage } from './stage';

/** The part of an order that chooses the images. */
type Wanted = Omit<Order, keyof Making>;

export class SamplePanel implements TaskPanel {
  readonly tasks = ['sample'] as const;
  private readonly app: App;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly stage: Stage;
  private readonly trajectory: Trajectory;
  /** A recording: what the pretrained network makes, before anything is ordered. */
  private readonly recorded: Trajectory;
  private recordingLoads = false;
  private readonly hand: Hand;
  private readonly field: NoiseHand;
  private readonly comparison: TwoColumns;
  private readonly orderFields: ReturnType<typeof connectOrder>;
  private readonly source: ReturnType<typeof connectSource>;
  private readonly share: ReturnType<typeof connectShare>;
  private readonly view: ReturnType<typeof connectTrajectory>;
  private recipe: Settings['recipe'];
  /** The hand's place, also while it moves; the address takes it when the hand rests. */
  private place: FieldPlace;

  constructor(app: App) {
    this.app = app;
    const { recipe, across, down } = app.settings;
    this.recipe = recipe;
    this.place = { across, down };
    this.fields = connectFields(app, byId('sample-settings', HTMLFormElement), anyElement('sample-problem'));
    const changed = () => app.changed();
    this.stage = new Stage(changed);
    this.trajectory = new Trajectory(changed);
    this.recorded = new Trajectory(changed);
    foldFields('sample-fold');
    connectMenu('sample-menu');
    this.hand = new Hand(app, this.stage, () => !this.trajectory.finished || this.finished !== undefined);
    this.field = new NoiseHand((place) => {
      this.place = place;
      this.follow();
    });
    const order = () => this.order();
    const again = () => this.again();
    const making = () => this.making;
    this.comparison = new TwoColumns(app, again);
    this.orderFields = connectOrder(app, { order, again, follow: () => this.follow(), making });
    this.connectButtons();
    const finished = () => this.finished;
    connectDownloads(this.trajectory, () => this.comparison.shown, finished);
    this.share = connectShare(app, this.trajectory, () => this.chosenOrder);
    this.source = connectSource(
      app,
      again,
      () => (this.comparison.on ? this.comparison.maker : this.shownMaker),
      () => making().source,
    );
    this.view = connectTrajectory(app, this.trajectory, () => this.placeholder, finished);
  }

  /** What cannot be ordered on the welcome is explained on the view. */
  start(): void {
    const { app, fields, orderFields } = this;
    if (this.canStart && orderFields.check() && fields.valid) this.order();
    else if (app.home) app.set('task', 'sample');
  }

  receive(event: WorkerEvent): void {
    const { stage, hand } = this;
    const { model, made } = patchOf(event);
    const replaced = made ? 'file' : undefined;
    const gone = isFreed(event) ? 'run' : replaced;
    if (event.type === 'lost') {
      stage.lose();
      hand.drop();
    } else if (isFreed(event) || model || isDistilled(event) || (event.type === 'losses' && event.again))
      hand.forget();
    const isGone = gone && (this.shownMaker?.source === gone || this.comparison.shows(gone));
    if (model || isGone) this.forget();
  }

  render(): void {
    const { app, trajectory, fields, orderFields } = this;
    if (this.recipe !== app.settings.recipe) {
      this.recipe = app.settings.recipe;
      this.forget();
    }
    // It hides the images of before: they are not to be saved or shared in its place.
    if (this.comparison.on) trajectory.clear();
    else if (this.comparison.begun) this.forget();
    fields.render();
    this.stage.render();
    orderFields.render(this.canReplace, this.comparison.on);
    this.comparison.render(this.selection);
    this.source.render();
    this.share.render();
    byId('count', HTMLInputElement).placeholder = String(this.usualCount);
    setDisabled('noise-next', !(this.canReplace && fields.valid));
    const sampling = app.state.phase === 'sampling';
    setText('sample', sampling ? 'Stop' : 'Make');
    const waits = ['starting', 'loading'].includes(app.state.phase) && !app.asked;
    const valid = fields.valid && orderFields.valid;
    setDisabled('sample', !sampling && !((this.canStart || waits) && valid));
    this.renderStatus();
    if (this.isOpening && !app.asked) this.playRecording();
    this.view.render();
    this.renderHand();
    setHidden('enlarge-field', enlargeOf(app.network, app.settings.enlarge) === undefined);
    setHidden('make-why', !trajectory.complete);
    setDisabled('save-sampled', !trajectory.shown);
    for (const id of ['save-sheet', 'save-gif']) setDisabled(id, !trajectory.complete);
    for (const id of ['save-sampled', 'save-sheet', 'save-gif']) setHidden(id, this.comparison.on);
    setHidden('save-columns', !this.comparison.on);
    setDisabled('save-columns', !this.comparison.shown);
  }

  private get canStart(): boolean {
    const { measuring, state } = this.app;
    return !measuring && isReady(state);
  }

  /** An order is also possible while another is running, which it replaces. */
  private get canReplace(): boolean {
    const { measuring, state } = this.app;
    return !measuring && (this.canStart || ['sampling', 'compiling'].includes(state.phase));
  }

  private get usualCount(): number {
    const { network, settings, state } = this.app;
    return usualCount(network, settings.digit, state.adapter?.software ?? false);
  }

  private get making(): Making {
    return makingOf(this.app.settings, this.app.source, this.app.network);
  }

  private get selection(): Wanted {
    const { settings, network } = this.app;
    const { noise: seed, digit, count, text } = settings;
    const { place } = this;
    // A text may name classes that another network makes.
    const { labels = [] } = text ? labelsIn(text, network) : {};
    if (labels.length > 0) return { count: labels.length, seed, place, digit, text, labels };
    return { count: count || this.usualCount, seed, place, digit, text: '' };
  }

  private get chosenOrder(): Order {
    return { ...this.making, ...this.selection };
  }

  /** The order for images that follow the hand: the chosen one with few network calls. */
  private get previewOrder(): Order {
    const { settings, source, network } = this.app;
    return { ...handMaking(settings, source, network), ...this.selection };
  }

  private get isFlow(): boolean {
    return this.app.network.recipe !== 'tutorial';
  }

  /** The network that made the shown images. */
  private get shownMaker(): Maker | undefined {
    const { following } = this.stage;
    if (following) return { source: following.order.source, trained: this.app.state.losses.length };
    const { shown, origin } = this.trajectory;
    return shown && origin && { source: origin.order.source, trained: origin.trained };
  }

  /** The finished images as they are shown, if there are any; undefined until they are enlarged, where they are to be. */
  private get finished(): Tiles | undefined {
    const { finished, origin } = this.trajectory;
    return finished && this.app.enlargements.of(finished, origin!.order.source);
  }

  /** What is shown before there are steps: the images that follow the hand, the recording, or the noise that the images come from. */
  private get placeholder(): Shown {
    const { recorded } = this;
    const { network } = this.app;
    const { following } = this.stage;
    if (following) return { tiles: following.tiles, what: orderedIn({ order: following.order, network }) };
    if (this.isOpening && recorded.shown)
      return {
        tiles: { bytes: recorded.shown.x, ...recorded.shape },
        what: 'A recording: noise becomes digits',
      };
    const { seed, count, place, ...order } = this.selection;
    const columns = columnsOf({ count, ...order }, network.classes);
    return {
      tiles: noiseTiles(seed, count, network, columns, place),
      what: 'The noise that images come from',
    };
  }

  /** Whether nothing is ordered of a network for whose digits recorded ones may stand. */
  private get isOpening(): boolean {
    const { source, network } = this.app;
    return !this.stage.begun && source === 'pretrained' && this.isFlow && isOfDigits(network);
  }

  /** Plays the recording, once. */
  private playRecording(): void {
    if (this.recordingLoads) return;
    this.recordingLoads = true;
    const play = ({ x, height, width, making }: Recording) => {
      const { recorded } = this;
      const columns = columnsFor(making.images);
      recorded.shape = { columns, height, width, channels: 1 };
      recorded.frames = x.map((bytes, step) => ({ step, x: bytes, prediction: bytes }));
      if (isStill()) this.app.changed();
      else recorded.play();
    };
    // Without it there is noise.
    loadRecording().then(play, () => {});
  }

  /** Makes the chosen images, step by step. */
  private order(): void {
    if (!this.canReplace || !this.fields.valid) return;
    const { stage, comparison, selection, chosenOrder } = this;
    stage.clear();
    this.trajectory.stop();
    this.app.enlargements.drop();
    comparison.forget();
    this.notePlace();
    void stage.show((signal) =>
      comparison.on ? comparison.make(selection, signal) : this.make(chosenOrder, signal),
    );
  }

  /** If images are shown, makes them again with the current settings. */
  private again(): void {
    if (this.stage.begun) this.order();
  }

  /** The steps of an order, one by one or once `all` are there, and then the field's map. */
  private async *make(order: Order, signal: AbortSignal, all = false): AsyncGenerator<Frame> {
    const held: Frame[] = [];
    let isComplete = false;
    for await (const step of this.app.make(order, signal)) {
      isComplete = step.step === step.steps;
      held.push({ step, on: this.trajectory });
      if (isComplete || !all) yield* held.splice(0);
    }
    if (isComplete && this.isFlow) yield* this.hand.look(this.previewOrder);
  }

  /** Makes images with few network calls at once, and the chosen ones when the hand rests: these begin with noise again. */
  private follow(): void {
    const { app, trajectory, stage, previewOrder, chosenOrder } = this;
    if (app.measuring || !this.isFlow || this.comparison.on) return;
    const before = stage.following ?? { tiles: trajectory.tiles };
    trajectory.clear();
    app.enlargements.drop();
    void stage.show((signal) => this.followed(previewOrder, chosenOrder, before, signal));
  }

  private async *followed(
    preview: Order,
    chosen: Order,
    before: Before,
    signal: AbortSignal,
  ): AsyncGenerator<Frame> {
    yield* this.hand.follow(preview, before);
    if (signal.aborted) return;
    await this.stage.until(() => this.canReplace && this.fields.valid);
    this.notePlace();
    yield* this.make(chosen, signal, true);
  }

  /** The address takes the hand's place. */
  private notePlace(): void {
    const { app, place } = this;
    for (const key of ['across', 'down'] as const)
      if (place[key] !== app.settings[key]) app.set(key, String(place[key]));
  }

  private forget(): void {
    this.stage.clear();
    this.trajectory.clear();
    this.comparison.forget();
  }

  private renderHand(): void {
    const { field, trajectory } = this;
    setHidden('field-view', !this.isFlow);
    if (!this.isFlow) return;
    field.at(this.place);
    field.show(trajectory.tiles ?? this.placeholder.tiles, handOf(this.selection), this.stage.map);
  }

  private renderStatus(): void {
    const { app, hand } = this;
    const { state } = app;
    const { sampling, preparing } = state;
    // Finished images are finished, although the page goes on to check what makes the map, or enlarges them.
    const isQuiet = hand.looks || app.enlargements.busy;
    const isOther = state.phase === 'training' && !hand.begins;
    const compiled = isQuiet || isOther ? undefined : preparing;
    const doing = compiled ? describe({ ...state, phase: 'compiling' }) : this.doing;
    setText('sample-status-text', isQuiet ? '' : doing);
    anyElement('sample-status').classList.toggle('busy', !isQuiet && (isBusy(state) || hand.begins));
    const calls = plural(callsIn(this.making, app.network), 'network call');
    const step = sampling && `step ${whole(sampling.step)} of ${whole(sampling.steps)}`;
    const steps = step && (this.comparison.on ? step : `${step} · ${calls}`);
    const count = compiled && `${compiled.done} of ${compiled.total}`;
    setText('sample-detail', count ?? steps ?? '');
    const bar = byId('sample-progress', HTMLProgressElement);
    bar.style.visibility = compiled || sampling ? '' : 'hidden';
    bar.value = compiled ? compiled.done / compiled.total : sampling ? sampling.step / sampling.steps : 0;
    setMessage('sample-error', state.error?.at === 'task' ? state.error.message : this.stage.problem);
  }

  /** The shown run ended before its last step: by Stop, or by another task of the GPU. */
  private get cutShort(): boolean {
    const { frames, complete } = this.trajectory;
    return frames.length > 0 && !complete && !this.stage.following;
  }

  /** The worker's present task, in words of this tab. */
  private get doing(): string {
    const { state, measuring } = this.app;
    if (this.hand.begins) return 'Loading the network';
    if (state.phase === 'sampling')
      return state.training ? 'Making images; the training waits' : 'Making images';
    if (rests(state)) {
      if (measuring) return `The ${measuring} has the GPU`;
      return this.cutShort ? 'Stopped before the last step' : '';
    }
    return state.phase === 'training' ? 'Training goes on' : describe(state);
  }

  private connectButtons(): void {
    const { app } = this;
    onClick('sample', () => {
      if (app.state.phase === 'sampling') this.stage.stop();
      else app.startWhenReady('sample');
    });
    onClick('noise-next', () => {
      app.set('noise', String((app.settings.noise + 1) % 2 ** 32));
      this.order();
    });
  }
}
