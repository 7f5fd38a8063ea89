/** The Make view: digits to order, step by step out of noise, and digits that follow the hand. */
import { whole } from '../../text/units';
import { isDistilled, isFreed, patchOf, type WorkerEvent } from '../messages/messages';
import type { App, TaskPanel } from '../shell/app';
import {
  anyElement,
  byId,
  connectMenu,
  foldFields,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
  setText,
} from '../shell/dom';
import { describe, isBusy, rests } from '../shell/state';
import { callsText } from './calls';
import { connectComparison } from './compare';
import { handOf } from './hand';
import { NoiseHand } from './noise_hand';
import { connectOrder } from './order_fields';
import { Orders } from './orders';
import { connectSource, connectSteps } from './sample_views';
import { connectDownloads, connectShare } from './share';

export class SamplePanel implements TaskPanel {
  readonly tasks = ['sample'] as const;
  private readonly app: App;
  private readonly orders: Orders;
  private readonly fields: ReturnType<typeof connectOrder>;
  private readonly steps: ReturnType<typeof connectSteps>;
  private readonly field: NoiseHand;
  private readonly parts: readonly { render(): void }[];

  constructor(app: App) {
    this.app = app;
    this.orders = new Orders(app, () => this.fields.valid);
    const { orders } = this;
    foldFields('sample-fold');
    connectMenu('sample-menu');
    this.fields = connectOrder(orders);
    this.steps = connectSteps(orders);
    this.field = new NoiseHand((place) => {
      orders.place = place;
      orders.follow();
    });
    this.parts = [
      this.fields,
      connectComparison(orders),
      connectSource(orders),
      connectDownloads(orders),
      connectShare(orders),
    ];
    onClick('sample', () => {
      if (app.state.phase === 'sampling') orders.stage.stop();
      else app.startWhenReady('sample');
    });
  }

  /** What cannot be ordered on the welcome is explained on the view. */
  start(): void {
    const { app, fields, orders } = this;
    if (orders.canStart && fields.check() && fields.valid) orders.order();
    else if (app.home) app.set('task', 'sample');
  }

  receive(event: WorkerEvent): void {
    const { stage, hand } = this.orders;
    const { model, made } = patchOf(event);
    if (event.type === 'lost') stage.stop();
    const goesBack = event.type === 'losses' && event.again;
    if (event.type === 'lost' || isFreed(event) || model || isDistilled(event) || goesBack) hand.forget();
    const gone = isFreed(event) ? 'run' : made ? 'file' : undefined;
    const isOfGone = Object.values(stage.columns).some(
      ({ shown, origin }) => shown && origin?.order.source === gone,
    );
    if (model || isOfGone) this.orders.forget();
  }

  render(): void {
    const { app, fields, orders, field } = this;
    const { canStart, isFlow } = orders;
    orders.render();
    for (const part of this.parts) part.render();
    const shown = this.steps.render();
    const sampling = app.state.phase === 'sampling';
    setText('sample', sampling ? 'Stop' : 'Make');
    const waits = ['starting', 'loading'].includes(app.state.phase) && !app.asked;
    setDisabled('sample', !sampling && !((canStart || waits) && fields.valid));
    this.renderStatus();
    setHidden('field-view', !isFlow);
    if (!isFlow) return;
    field.show(orders.place, shown, handOf(orders.wanted), orders.stage.map);
  }

  private renderStatus(): void {
    const { app, orders } = this;
    const { state } = app;
    const { sampling, preparing } = state;
    const { asks } = orders.hand;
    // Finished images are finished, although the page goes on to check what makes the map, or enlarges them.
    const isQuiet = asks === 'map' || app.enlargements.busy;
    const isOther = state.phase === 'training' && asks !== 'first';
    const compiled = isQuiet || isOther ? undefined : preparing;
    const doing = compiled ? describe({ ...state, phase: 'compiling' }) : this.doing;
    setText('sample-status-text', isQuiet ? '' : doing);
    anyElement('sample-status').classList.toggle('busy', !isQuiet && (isBusy(state) || asks === 'first'));
    const progress = compiled ?? (sampling && { done: sampling.step, total: sampling.steps });
    const { done = 0, total = 1 } = progress ?? {};
    const calls = orders.pair ? '' : ` · ${callsText(orders.making, app.network)}`;
    const far = progress ? `${whole(done)} of ${whole(total)}` : '';
    setText('sample-detail', far && !compiled ? `step ${far}${calls}` : far);
    const bar = byId('sample-progress', HTMLProgressElement);
    bar.style.visibility = progress ? '' : 'hidden';
    bar.value = done / total;
    setMessage('sample-error', state.error?.at === 'task' ? state.error.message : orders.stage.problem);
  }

  /** The worker's present task, in words of this tab. */
  private get doing(): string {
    const { state, measuring } = this.app;
    const { one, hand } = this.orders;
    if (hand.asks === 'first') return 'Loading the network';
    if (!rests(state)) return describe(state);
    if (measuring) return `The ${measuring} has the GPU`;
    // By Stop, or by another task of the GPU.
    const isCutShort = one.shown && !one.complete && !one.follows && !hand.asks;
    return isCutShort ? 'Stopped before the last step' : '';
  }
}
