/** The Train view: its buttons and its status, and its parts, which are modules of their own: readings, pictures, runs, images. */

import { lossesCsv } from '../../run/losses';
import { whole } from '../../text/units';
import { learningRates } from '../messages/measurements';
import { eventPatch, isFreed } from '../messages/messages';
import { runFileName } from '../messages/order';
import { MOST_EPOCHS } from '../messages/settings';
import { nameOfDrawings } from '../runs/kept_drawings';
import type { App, Panel, TaskPanel } from '../shell/app';
import { distilShare } from '../shell/distil_text';
import {
  anyElement,
  button,
  byId,
  download,
  focusOn,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
  setText,
} from '../shell/dom';
import { connectFields } from '../shell/fields';
import { percentText } from '../shell/format';
import { dataName, finished, hasEnded, isBusy, isComplete, isFixed, rests, taskText } from '../shell/state';
import { createDistilPanel } from './distil_panel';
import { createMeasuresView } from './measures_view';
import { createPlanner, digitsDescription } from './plan';
import { renderData } from './train_data';
import { connectPictures } from './train_pictures';
import { connectReadings } from './train_readings';

/** Interval of the check for tasks that take long, which send no event. */
const LOOK_MS = 1000;

export function createTrainPanel(app: App): TaskPanel {
  const planner = createPlanner(app);
  const fields = connectFields(
    app,
    byId('settings', HTMLFormElement),
    anyElement('settings-problem'),
    undefined,
    planner.filled,
  );
  const choices = ['recipes', 'begin-form', 'pictures-form'].map((id) =>
    connectFields(app, byId(id, HTMLFormElement)),
  );
  setInterval(() => {
    if (['training', 'compiling'].includes(app.state.phase)) app.changed();
  }, LOOK_MS);

  const mayStart = () => {
    const { phase, data } = app.state;
    const resting = rests(app.state) || phase === 'lost';
    // The first images need not be there yet.
    const ready = !app.kept.coming && (resting || (phase === 'loading' && !data));
    return !app.measuring && !app.state.distilling && ready && fields.valid;
  };
  /** What a press waits for. */
  const isComing = () => app.state.phase === 'starting' || app.kept.coming;
  /** Trains for one step, or on. */
  const start = (...[steps]: [1] | []) => {
    if (isComing()) app.startWhenReady('train');
    if (!mayStart()) return;
    const { settings, state } = app;
    if (isComplete(state, settings.epochs) && !state.planned)
      app.set('epochs', String(Math.min(2 * settings.epochs, MOST_EPOCHS)));
    app.train(steps, planner.wish);
  };
  const controls = connectControls(app, { mayStart, isComing }, start);
  onClick('train', planner.pressed);
  const measures = createMeasuresView(app);
  const distil = createDistilPanel(app);
  const after = createAfter(app);
  const renderReadings = connectReadings(app);
  const pictures = connectPictures(app);
  connectSaves(app);
  onClick('fit-whole', () => app.set('fit', 'fit'));

  let hasNew = false;
  /** Where the user has chosen pictures, Train is in sight as soon as they are there, and begins with the next key. */
  const showTrain = () => {
    hasNew = false;
    focusOn(button('train'));
    button('train').scrollIntoView({ block: 'nearest' });
  };

  return {
    tasks: ['train'],
    start: () => start(),
    receive(event) {
      // Other choices make others of the same pictures: their fields keep their place.
      const isChoosing = byId('pictures-form', HTMLFormElement).contains(document.activeElement);
      const { data } = eventPatch(event);
      if (data) hasNew = !data.builtIn && !isFixed(app.state) && !isChoosing;
      for (const part of [planner, distil, pictures, measures, after]) part.receive?.(event);
    },
    render() {
      for (const each of [fields, ...choices]) each.render();
      for (const part of [controls, planner]) part.render();
      renderReadings();
      for (const part of [distil, pictures, measures, after]) part.render();
      renderData(app, planner);
      if (hasNew) showTrain();
    },
  };
}

/** The fold of what comes after the run: it opens by itself while there is something to follow in it, unless the user has closed it. */
function createAfter(app: App): Panel {
  const fold = byId('after', HTMLDetailsElement);
  let busy = false;
  let closed = false;
  fold.addEventListener('toggle', () => {
    if (fold.checkVisibility()) closed = !fold.open;
  });
  return {
    receive(event) {
      if (isFreed(event)) closed = false;
    },
    render() {
      const parts = ['held-out', 'quality', 'distil', 'runs', 'run-facts'].map(anyElement);
      fold.hidden = parts.every(({ hidden }) => hidden);
      const { distilling, measured } = app.state;
      const measures = measured.measuring === 'quality';
      const doing = distilling
        ? `distilling, ${percentText(distilShare(distilling))}`
        : measures
          ? 'measuring the samples'
          : '';
      setText('after-title', doing && `: ${doing}`);
      if (doing && !busy && !closed) fold.open = true;
      busy = doing !== '';
    },
  };
}

// ---------------------------------------------------------------- buttons

function connectSaves(app: App): void {
  onClick('save-model', () => app.save('model'));
  onClick('save-checkpoint', () => app.save('checkpoint'));
  onClick('save-losses', () => {
    const { losses, run, measured } = app.state;
    if (!run) return;
    const heldOut = new Map(measured.heldOut.map(({ step, loss }) => [step, loss]));
    const accepted = new Map(measured.quality.map(({ step, accepted: share }) => [step, share]));
    const rates = learningRates(measured, losses.length, app.settings.lr);
    const text = lossesCsv([...losses], run.stepsPerEpoch, {
      learning_rate: new Map(rates.map((rate, i) => [i + 1, rate])),
      held_out_loss: heldOut,
      accepted,
    });
    download(
      runFileName(app.settings, dataName(app.state), `losses-step-${losses.length}`, 'csv'),
      text,
      'text/csv',
    );
  });
}

function connectControls(
  app: App,
  { mayStart, isComing }: Readonly<Record<'mayStart' | 'isComing', () => boolean>>,
  start: (...steps: [1] | []) => void,
): { render(): void } {
  const isRunning = () => app.state.training && app.state.phase !== 'pausing';
  /** The learning rate to try after a divergence: half of it, in few digits. */
  const smallerRate = () => Math.max(0.000001, Number((app.settings.lr / 2).toPrecision(2)));

  onClick('train', () => {
    if (isRunning()) app.send('halt');
    else start();
  });
  onClick('step', () => {
    start(1);
  });
  const reset = () => {
    const question = `Discard this run? ${whole(app.unsaved)} of its steps are in no checkpoint. Save a checkpoint to keep them.`;
    if (app.unsaved === 0 || confirm(question)) app.send('leave', false);
  };
  onClick('reset', reset);
  onClick('error-back', () => {
    app.set('lr', String(smallerRate()));
    app.command((client) => client.back().then(() => client.press({})));
  });
  onClick('error-action', () => {
    if (app.state.phase === 'lost') start();
    else reset();
  });

  const wordOnTrain = () => {
    const { state, settings } = app;
    if (state.phase === 'pausing') return 'Pausing';
    if (isRunning()) return 'Pause';
    if (isComplete(state, settings.epochs)) return state.planned ? 'Train on' : 'Train as long again';
    return state.losses.length > 0 || state.phase === 'lost' ? 'Resume' : 'Train';
  };
  const renderError = () => {
    const { state } = app;
    const error = state.error?.at === 'task' ? state.error : undefined;
    setHidden('error', !error);
    setText('error-text', error?.message ?? '');
    const { back } = error ?? {};
    setHidden('error-back', back === undefined);
    setText('error-back', `Go back to step ${whole(back ?? 0)} with a learning rate of ${smallerRate()}`);
    setDisabled('error-back', app.measuring !== undefined);
    const action = button('error-action');
    action.hidden = !error || !(state.run || state.phase === 'lost');
    const from = state.losses.length > 0 ? `Go on from step ${whole(state.losses.length)}` : 'Start again';
    setText(action, state.phase === 'lost' ? from : 'Reset');
  };

  return {
    render() {
      const { state, settings } = app;
      const begun = state.losses.length > 0;
      setText('train', wordOnTrain());
      const waits = isComing() && !app.asked;
      setDisabled('train', !isRunning() && !waits && !mayStart());
      const isOver = isComplete(state, settings.epochs) && !state.planned;
      setDisabled('step', !mayStart() || isOver);
      setDisabled('reset', state.phase === 'starting');
      const nothing = !state.run && state.error?.at !== 'task' && !begun;
      for (const id of ['step', 'reset']) setHidden(id, nothing);
      const rested =
        isComplete(state, settings.epochs) && !state.distilling
          ? finished(state)
          : taskText(state.phase === 'finished' ? { ...state, phase: 'paused' } : state);
      const text = app.measuring && !state.training ? `The ${app.measuring} has the GPU` : rested;
      setText('status-text', text);
      anyElement('status').classList.toggle('busy', isBusy(state) || (state.phase === 'training' && !begun));
      setHidden('train-next', !hasEnded(state, settings.epochs) || !!state.distilling);
      const { data = digitsDescription } = state;
      const { drawings } = app.kept;
      const isDrawn = drawings.length > 0 && data.name === nameOfDrawings(drawings);
      for (const id of ['write', 'compare']) setHidden(`train-${id}`, !isDrawn);
      for (const id of ['explain', 'play']) setHidden(`train-${id}`, isDrawn);
      setHidden('train-nearest', isDrawn || data.builtIn);
      setHidden('train-teach', !data.builtIn);
      setMessage('warning', state.warning);
      renderError();
    },
  };
}
