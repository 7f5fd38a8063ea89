/** The Train tab's buttons, and what it says is going on. */
import type { App } from '../shell/app';
import { anyElement, button, setMessage, setText } from '../shell/dom';
import { setDisabled } from '../shell/focus';
import { whole } from '../shell/format';
import { describe, isComplete } from '../shell/state';

export function connectControls(app: App, mayStart: () => boolean, start: () => void): { render(): void } {
  const isRunning = () => app.state.training && app.state.phase !== 'pausing';
  /** The learning rate to try after a divergence: half of it, in few digits. */
  const smallerRate = () => Math.max(0.000001, Number((app.settings.lr / 2).toPrecision(2)));

  button('train').addEventListener('click', () => {
    if (isRunning()) app.send('pause');
    else start();
  });
  button('step').addEventListener('click', () => {
    if (mayStart()) app.send('train', 1);
  });
  const reset = () => {
    const question = `Throw this run away? Of its steps, ${app.unsaved.toLocaleString('en')} are in no checkpoint; saving one would keep them.`;
    if (app.unsaved === 0 || confirm(question)) app.send('reset');
  };
  button('reset').addEventListener('click', reset);
  button('error-back').addEventListener('click', () => {
    app.set('lr', String(smallerRate()));
    app.send('goBack');
  });
  button('error-action').addEventListener('click', () => {
    if (app.state.phase === 'lost') app.send('train');
    else reset();
  });

  const wordOnTrain = () => {
    const { state, settings } = app;
    if (state.phase === 'pausing') return 'Pausing';
    if (isRunning()) return 'Pause';
    if (isComplete(state, settings.epochs)) return 'Train on';
    return state.losses.length > 0 || state.phase === 'lost' ? 'Resume' : 'Train';
  };
  const renderError = () => {
    const { state } = app;
    const error = state.error?.at === 'task' ? state.error : undefined;
    anyElement('error').hidden = !error;
    setText(anyElement('error-text'), error?.message ?? '');
    const { back } = error ?? {};
    button('error-back').hidden = back === undefined;
    setText(
      button('error-back'),
      `Go back to step ${whole(back ?? 0)} with a learning rate of ${smallerRate()}`,
    );
    const action = button('error-action');
    action.hidden = !error || !(state.run || state.phase === 'lost');
    const from = state.losses.length > 0 ? `Go on from step ${whole(state.losses.length)}` : 'Start again';
    setText(action, state.phase === 'lost' ? from : 'Reset');
  };

  return {
    render() {
      const { state, settings } = app;
      const begun = state.losses.length > 0;
      setText(button('train'), wordOnTrain());
      setDisabled(button('train'), !isRunning() && !mayStart());
      setDisabled(button('step'), !mayStart());
      const nothing = !state.run && state.error?.at !== 'task' && !begun;
      setDisabled(button('reset'), state.phase === 'starting' || nothing);
      const rested =
        isComplete(state, settings.epochs) && !state.distilling
          ? 'Finished. Raise the epochs to train on'
          : describe(state.phase === 'finished' ? { ...state, phase: 'paused' } : state);
      const text = app.measuring && !state.training ? `The ${app.measuring} has the GPU` : rested;
      setText(anyElement('status-text'), text);
      const busy = ['starting', 'loading', 'compiling', 'pausing', 'sampling'].includes(state.phase);
      anyElement('status').classList.toggle('busy', busy || (state.phase === 'training' && !begun));
      setMessage(anyElement('warning'), state.warning);
      renderError();
    },
  };
}
