/** The Make view: digits to order, step by step out of noise, and digits that follow the hand. */
import { whole } from '../../text/units';
import { eventPatch, isDistilled, isFreed } from '../messages/messages';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, byId, onClick, setDisabled, setMessage, setText } from '../shell/dom';
import { isBusy, isReady, rests, taskText } from '../shell/state';
import { connectComparison } from './compare';
import { callsText } from './making';
import { connectField } from './noise_hand';
import { connectOrder } from './order_fields';
import { SampleOrders } from './orders';
import { connectSource, connectSteps } from './sample_views';
import { connectShare } from './share';

export function createSamplePanel(app: App): TaskPanel {
  const orders: SampleOrders = new SampleOrders(app, () => fields.valid);
  const { stage, hand } = orders;
  const fields = connectOrder(orders);
  const renderSteps = connectSteps(orders);
  const renderField = connectField(orders);
  const renderParts = [connectComparison, connectSource, connectShare].map((connect) => connect(orders));
  onClick('sample', () => {
    if (app.state.phase === 'sampling') stage.stop();
    else app.startWhenReady('sample');
  });

  return {
    tasks: ['sample'],
    /** What cannot be ordered on the welcome is explained on the view. */
    start() {
      if (!app.measuring && fields.check()) orders.order();
      else if (app.home) app.set('task', 'sample');
    },
    receive(event) {
      const { model, distilled } = eventPatch(event);
      if (event.type === 'lost') stage.stop();
      const goesBack = event.type === 'losses' && event.again;
      if (event.type === 'lost' || isFreed(event) || model || isDistilled(event) || goesBack) hand.forget();
      const gone = isFreed(event) ? 'run' : distilled ? 'file' : undefined;
      const isOfGone = Object.values(stage.columns).some(({ last }) => last && last.order.source === gone);
      if (model || isOfGone) orders.forget();
    },
    render() {
      const { phase } = app.state;
      orders.render();
      fields.render();
      for (const render of renderParts) render();
      renderField(renderSteps());
      const sampling = phase === 'sampling';
      setText('sample', sampling ? 'Stop' : 'Make');
      const waits = ['starting', 'loading'].includes(phase) && !app.asked;
      const canStart = waits || (isReady(app.state) && !app.measuring);
      setDisabled('sample', !sampling && !(canStart && fields.valid));
      renderStatus(orders);
    },
  };
}

function renderStatus(orders: SampleOrders): void {
  const { app, hand, stage } = orders;
  const { state, enlargements } = app;
  const { sampling, preparing } = state;
  const { asks } = hand;
  // Finished images are finished, although the page goes on to check what makes the map, or enlarges them.
  const isQuiet = asks === 'map' || enlargements.busy;
  const isOther = state.phase === 'training' && asks !== 'first';
  const compiled = isQuiet || isOther ? undefined : preparing;
  const doing = compiled ? taskText({ ...state, phase: 'compiling' }) : doingNow(orders);
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
  setMessage('sample-error', state.error?.at === 'task' ? state.error.message : stage.problem);
}

/** The worker's present task, in words of this tab. */
function doingNow({ app: { state, measuring }, one, hand: { asks } }: SampleOrders): string {
  if (asks === 'first') return 'Loading the network';
  if (!rests(state)) return taskText(state);
  if (measuring) return `The ${measuring} has the GPU`;
  // By Stop, or by another task of the GPU.
  const isCutShort = one.last && !one.complete && !one.follows && !asks;
  return isCutShort ? 'Stopped before the last step' : '';
}
