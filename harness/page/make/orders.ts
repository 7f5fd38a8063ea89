/** What the Make view orders: images as its settings say, images that follow the hand, or the two columns of a comparison. */
import { labelsIn } from '../../pictures/class_names';
import type { Order } from '../messages/messages';
import type { FieldPlace } from '../messages/noise_field';
import { countColumns, usualCount } from '../messages/order';
import type { App } from '../shell/app';
import { noiseTiles, type Tiles } from '../shell/images';
import { isReady } from '../shell/state';
import { isLast, type Sampled, stepTiles, type Trajectory } from '../shell/trajectory';
import { Hand } from './hand';
import { columnMaking, handMaking, type Making, type Pair, pairIn, planMaking, type Wanted } from './making';
import { type Column, Stage, type StageFrame } from './stage';

/** The hand rests after this time without a movement. */
const REST_MS = 300;

export class SampleOrders {
  readonly app: App;
  readonly stage: Stage;
  readonly hand: Hand;
  /** The hand's place, also while it moves; the address takes it when the hand rests. */
  place: FieldPlace;
  /** Whether the fields hold legal values. */
  private readonly isValid: () => boolean;
  /** The recipe and the columns of what is shown or has been asked for, and the network that was chosen by then. */
  private ordered: SampleOrders['now'] | undefined;

  constructor(app: App, isValid: () => boolean) {
    const { across, down } = app.settings;
    this.app = app;
    this.place = { across, down };
    this.isValid = isValid;
    this.stage = new Stage(() => app.changed());
    this.hand = new Hand(app, this.stage);
  }

  /** Whether something is shown, or has been asked for. */
  get begun(): boolean {
    return this.ordered !== undefined;
  }

  /** The images that are made as the settings say. */
  get one(): Trajectory {
    return this.stage.columns[''];
  }

  /** The columns that are compared, where two are. */
  get pair(): Pair | undefined {
    return pairIn(this.app);
  }

  get isFlow(): boolean {
    return this.app.network.recipe !== 'tutorial';
  }

  /** An order is also possible while another is running, which it replaces. */
  get canReplace(): boolean {
    const { measuring, state } = this.app;
    return !measuring && (isReady(state) || ['sampling', 'compiling'].includes(state.phase));
  }

  /** Network and sampling of the chosen images. */
  get making(): Making {
    return planMaking(this.app.settings, this.app.source, this.app.network);
  }

  get usualCount(): number {
    const { network, settings, state } = this.app;
    return usualCount(network, settings.digit, state.adapter?.software ?? false);
  }

  get wanted(): Wanted {
    const { settings, network } = this.app;
    const { noise: seed, digit, count, text } = settings;
    const { place } = this;
    // A text may name classes that another network makes.
    const { labels = [] } = text ? labelsIn(text, network) : {};
    if (labels.length > 0) return { count: labels.length, seed, place, digit, text, labels };
    return { count: count || this.usualCount, seed, place, digit, text: '' };
  }

  get chosen(): Order {
    return { ...this.making, ...this.wanted };
  }

  /** The order for images that follow the hand: the chosen one with few network calls. */
  private get preview(): Order {
    const { settings, source, network } = this.app;
    return { ...handMaking(settings, source, network), ...this.wanted };
  }

  /** The noise that the chosen images come from. */
  get noise(): Tiles {
    const { network } = this.app;
    const { seed, count, place, ...order } = this.wanted;
    return noiseTiles(seed, count, network, countColumns({ count, ...order }, network.classes), place);
  }

  /** The images of a step as they are shown: finished ones are enlarged, where they are to be, as soon as that is done. */
  shownOf(step: Sampled): Tiles {
    return (isLast(step) && this.enlarged(step)) || stepTiles(step);
  }

  /** Finished images as they are to be shown; undefined until they are enlarged. */
  private enlarged(step: Sampled): Tiles | undefined {
    return this.app.enlargements.of(stepTiles(step), step.order.source);
  }

  /** The network that made what is shown, and the number of steps that the run's had been trained for by then. */
  get maker(): { readonly source: Order['source']; readonly trained: number } | undefined {
    const { last } = this.one;
    return this.pair ? this.ordered : last && { source: last.order.source, trained: last.trained };
  }

  private get now() {
    const { source, state, settings } = this.app;
    return { kind: [settings.recipe, this.pair].join(), source, trained: state.losses.length };
  }

  /** What was ordered goes where it would stand under the name of something else: of another recipe, or of other columns. */
  render(): void {
    if (this.ordered && this.ordered.kind !== this.now.kind) this.forget();
    this.stage.render();
  }

  forget(): void {
    this.stage.clear();
    this.ordered = undefined;
  }

  /** Makes the chosen images, step by step. */
  order(): void {
    if (!this.canReplace || !this.isValid()) return;
    const { app, pair, wanted, making } = this;
    if (pair) this.stage.clear();
    app.address.take(this.place);
    const columns: readonly Column[] = pair ?? [''];
    const ways = columns.map((column) => [column, column ? columnMaking(column, app) : making] as const);
    this.show((signal) => this.make(wanted, new Map(ways), signal));
  }

  /** If images are shown, makes them again with the current settings. */
  again(): void {
    if (this.begun) this.order();
  }

  /** Makes images with few network calls at once, and the chosen ones when the hand rests: these begin with noise again. */
  follow(): void {
    if (this.app.measuring || !this.isFlow || this.pair) return;
    const { preview, chosen } = this;
    this.show((signal) => this.followed(preview, chosen, signal));
  }

  private show(produce: Parameters<Stage['show']>[0]): void {
    this.ordered = this.now;
    this.one.stop();
    this.app.enlargements.drop();
    void this.stage.show(produce);
  }

  /** The steps of one column after the other, from the same noise, and the field's map. */
  private async *make(
    wanted: Wanted,
    ways: ReadonlyMap<Column, Making | string>,
    signal: AbortSignal,
  ): AsyncGenerator<StageFrame> {
    for (const [column, making] of ways) {
      if (typeof making === 'string') continue;
      for await (const step of this.app.make({ ...wanted, ...making }, signal)) yield { step, column };
      if (!this.stage.columns[column].complete) return;
    }
    yield* this.look();
  }

  /** The field's map, behind finished images that are no columns. */
  private async *look(): AsyncGenerator<StageFrame> {
    const { app, one, hand } = this;
    if (!one.complete || !this.isFlow) return;
    // Training would wait for it, other tabs do not show it, and what is enlarged goes first.
    const isTime = () =>
      !app.state.training && app.settings.task === 'sample' && this.enlarged(one.last!) !== undefined;
    for await (const map of hand.look(this.preview, isTime)) yield { map };
  }

  /** Images with few network calls, and once the hand rests all steps of an order, as soon as all are there. */
  private async *followed(preview: Order, order: Order, signal: AbortSignal): AsyncGenerator<StageFrame> {
    const rest = new Promise<void>((resolve) => setTimeout(resolve, REST_MS));
    for await (const step of this.hand.follow(preview, this.one.shown)) yield { step, column: '' };
    await rest;
    if (signal.aborted) return;
    await this.stage.until(() => this.canReplace && this.isValid());
    this.app.address.take(this.place);
    const held: StageFrame[] = [];
    for await (const step of this.app.make(order, signal)) {
      held.push({ step, column: '' });
      if (isLast(step)) yield* held;
    }
    yield* this.look();
  }
}
