/** The Make view: digits to order, step by step out of noise, and digits that follow the hand. */
import { labelsIn } from '../../pictures/class_names';
import { plural, whole } from '../../text/units';
import { isFreed, type Order, patchOf, type WorkerEvent } from '../messages/messages';
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
import { noiseTiles } from '../shell/images';
import { describe, isBusy, isOfDigits, isReady, networkIn, rests } from '../shell/state';
import { Trajectory } from '../shell/trajectory';
import { loadRecording } from '../welcome/recorded';
import type { Recording } from '../welcome/recording';
import { callsIn, handMaking, type Making, makingOf } from './calls';
import { TwoColumns } from './compare';
import { Following, handOf } from './following';
import { NoiseHand } from './noise_hand';
import { connectOrder } from './order_fields';
import { connectSource, connectTrajectory, type Maker, orderedIn, type Shown } from './sample_views';
import { connectDownloads, connectShare } from './share';

type Sampled = Extract<WorkerEvent, { type: 'sampled' }>;
/** The part of an order that chooses the images. */
type Wanted = Omit<Order, keyof Making>;

export class SamplePanel implements TaskPanel {
  readonly tasks = ['sample'] as const;
  private readonly app: App;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly trajectory: Trajectory;
  /** A recording: what the pretrained network makes, before anything is ordered. */
  private readonly recorded: Trajectory;
  private recordingLoads = false;
  private readonly following: Following;
  private readonly hand: NoiseHand;
  private readonly comparison: TwoColumns;
  private readonly orderFields: ReturnType<typeof connectOrder>;
  private readonly source: ReturnType<typeof connectSource>;
  private readonly share: ReturnType<typeof connectShare>;
  private readonly view: ReturnType<typeof connectTrajectory>;
  private recipe: Settings['recipe'];
  /** The hand's place, also while it moves; the address takes it when the hand rests. */
  private place: FieldPlace;
  private maker: Maker = { source: 'run', trained: 0 };
  /** Whether images exist or have been ordered. */
  private ordered = false;
  /** What the images that follow show, which a text that has become wrong since does not change. */
  private followed: Wanted | undefined;
  /** After the hand rests, its images are made with all chosen steps: `due` before that starts, `begun` while it goes on. */
  private finishing: 'due' | 'begun' | undefined;
  /** The steps made after the hand rests, so far. They begin with noise again, so they are shown only when all are there. */
  private held: Sampled[] = [];

  constructor(app: App) {
    this.app = app;
    const { recipe, across, down } = app.settings;
    this.recipe = recipe;
    this.place = { across, down };
    this.fields = connectFields(app, byId('sample-settings', HTMLFormElement), anyElement('sample-problem'));
    this.trajectory = new Trajectory(() => app.changed());
    this.recorded = new Trajectory(() => app.changed());
    foldFields('sample-fold');
    connectMenu('sample-menu');
    this.following = new Following(app, () => {
      this.finishing ??= 'due';
      app.changed();
    });
    this.hand = new NoiseHand((place) => {
      this.place = place;
      this.follow();
    });
    const order = () => this.order();
    const again = () => this.again();
    const making = () => this.making;
    this.comparison = new TwoColumns(app, again, (order) => this.send(order));
    this.orderFields = connectOrder(app, { order, again, follow: () => this.follow(), making });
    connectButtons(app, order);
    connectDownloads(this.trajectory, () => this.comparison.shown);
    this.share = connectShare(app, this.trajectory, () => this.chosenOrder);
    this.source = connectSource(
      app,
      again,
      () => (this.comparison.on ? this.comparison.maker : this.shownMaker),
      () => making().source,
    );
    this.view = connectTrajectory(app, this.trajectory, () => this.placeholder);
  }

  /** What cannot be ordered on the welcome is explained on the view. */
  start(): void {
    const { app, fields, orderFields } = this;
    if (this.canStart && orderFields.check() && fields.valid) this.order();
    else if (app.home) app.set('task', 'sample');
  }

  receive(event: WorkerEvent): void {
    const { trajectory, following } = this;
    following.receive(event);
    const { source } = this.shownMaker ?? {};
    const { model, made } = patchOf(event);
    const isReplaced = made && source === 'file';
    if (model || isReplaced || (isFreed(event) && source === 'run')) this.forget();
    this.comparison.receive(event);
    if (event.type !== 'sampled' || this.comparison.on) return;
    if (following.shown) {
      this.held.push(event);
      if (event.step < event.steps) return;
      following.drop();
    }
    for (const each of this.held.length > 0 ? this.held.splice(0) : [event]) {
      if (each.step === 1) {
        const { state, settings } = this.app;
        const { source } = each.order;
        this.maker = { source, trained: state.losses.length };
        trajectory.network = networkIn(source, state, settings);
      }
      trajectory.add(each);
    }
    if (trajectory.complete && this.isFlow) following.look(this.previewOrder);
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
    this.following.next();
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
    setHidden('make-why', !trajectory.complete);
    setDisabled('save-sampled', !trajectory.shown);
    for (const id of ['save-sheet', 'save-gif']) setDisabled(id, !trajectory.complete);
    for (const id of ['save-sampled', 'save-sheet', 'save-gif']) setHidden(id, this.comparison.on);
    setHidden('save-columns', !this.comparison.on);
    setDisabled('save-columns', !this.comparison.shown);
    if (this.finishing === 'due') this.finish();
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
    const { shown } = this.following;
    if (shown) return { source: shown.order.source, trained: this.app.state.losses.length };
    return this.trajectory.shown && this.maker;
  }

  /** What is shown before there are steps: the images that follow the hand, the recording, or the noise that the images come from. */
  private get placeholder(): Shown {
    const { following, recorded } = this;
    const { network } = this.app;
    if (following.shown) {
      const { order, tiles } = following.shown;
      return { tiles, what: orderedIn(order, network) };
    }
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
    return !this.ordered && source === 'pretrained' && this.isFlow && isOfDigits(network);
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
    this.stopFollowing();
    this.trajectory.stop();
    this.comparison.forget();
    if (this.comparison.on) this.comparison.make(this.selection);
    else this.send(this.chosenOrder);
  }

  /** If images are shown, makes them again with the current settings. */
  private again(): void {
    if (this.ordered) this.order();
  }

  /** Makes images with few network calls at once, and the chosen ones when the hand rests. */
  private follow(): void {
    const { app, trajectory } = this;
    if (app.measuring || !this.isFlow || this.comparison.on) return;
    this.ordered = true;
    app.stopSampling();
    this.finishing = undefined;
    this.held = [];
    this.followed = this.selection;
    const { shown, shape } = trajectory;
    // A hand that goes on has the page drawn anew with each answer, which is often enough.
    if (!this.following.shown) app.changed();
    this.following.follow(this.previewOrder, shown && { bytes: shown.prediction, ...shape });
    trajectory.clear();
  }

  private finish(): void {
    if (!this.canReplace || !this.fields.valid) return;
    this.finishing = 'begun';
    this.send({ ...this.making, ...this.followed! });
  }

  private send(order: Order): void {
    const { app, place } = this;
    this.ordered = true;
    for (const key of ['across', 'down'] as const)
      if (place[key] !== app.settings[key]) app.set(key, String(place[key]));
    app.sample(order);
  }

  private stopFollowing(): void {
    this.following.drop();
    this.finishing = undefined;
    this.held = [];
  }

  private forget(): void {
    this.ordered = false;
    this.app.stopSampling();
    this.stopFollowing();
    this.trajectory.clear();
    this.comparison.forget();
  }

  private renderHand(): void {
    const { hand, trajectory, following } = this;
    setHidden('field-view', !this.isFlow);
    if (!this.isFlow) return;
    hand.at(this.place);
    const { shown, shape } = trajectory;
    const images = shown ? { bytes: shown.prediction, ...shape } : this.placeholder.tiles;
    hand.show(images, handOf(this.selection), following.map);
  }

  private renderStatus(): void {
    const { app, following } = this;
    const { state } = app;
    const { sampling, preparing } = state;
    // Finished images are finished, although the page goes on to check what makes the map.
    const isQuiet = following.looks;
    const isOther = state.phase === 'training' && !following.begins;
    const compiled = isQuiet || isOther ? undefined : preparing;
    const doing = compiled ? describe({ ...state, phase: 'compiling' }) : this.doing;
    setText('sample-status-text', isQuiet ? '' : doing);
    anyElement('sample-status').classList.toggle('busy', !isQuiet && (isBusy(state) || following.begins));
    const calls = plural(callsIn(this.making, app.network), 'network call');
    const step = sampling && `step ${whole(sampling.step)} of ${whole(sampling.steps)}`;
    const steps = step && (this.comparison.on ? step : `${step} · ${calls}`);
    const count = compiled && `${compiled.done} of ${compiled.total}`;
    setText('sample-detail', count ?? steps ?? '');
    const bar = byId('sample-progress', HTMLProgressElement);
    bar.style.visibility = compiled || sampling ? '' : 'hidden';
    bar.value = compiled ? compiled.done / compiled.total : sampling ? sampling.step / sampling.steps : 0;
    setMessage('sample-error', state.error?.at === 'task' ? state.error.message : following.problem);
  }

  /** The shown run ended before its last step: by Stop, or by another task of the GPU. */
  private get cutShort(): boolean {
    const { frames, complete } = this.trajectory;
    return frames.length > 0 && !complete && !this.following.shown;
  }

  /** The worker's present task, in words of this tab. */
  private get doing(): string {
    const { state, measuring } = this.app;
    if (this.following.begins) return 'Loading the network';
    if (state.phase === 'sampling')
      return state.training ? 'Making images; the training waits' : 'Making images';
    if (rests(state)) {
      if (measuring) return `The ${measuring} has the GPU`;
      return this.cutShort ? 'Stopped before the last step' : '';
    }
    return state.phase === 'training' ? 'Training goes on' : describe(state);
  }
}

function connectButtons(app: App, order: () => void): void {
  onClick('sample', () => {
    if (app.state.phase === 'sampling') app.stopSampling();
    else app.startWhenReady('sample');
  });
  onClick('noise-next', () => {
    app.set('noise', String((app.settings.noise + 1) % 2 ** 32));
    order();
  });
}
