/** The welcome: what there is to do, above the recording. The recording plays on while the GPU is being asked for and prepared. */
import type { App, Panel } from './app';
import { anyElement, button, byId, setText } from './dom';
import { setDisabled } from './focus';
import { describe } from './state';

/** `ask` starts a task as soon as the page is ready for it. */
export function createHome(app: App, ask: (task: 'sample' | 'train') => void): Panel {
  /** Digits were asked for; their tab opens when the first of them are there. */
  let making = false;

  const make = button('make-now');
  make.addEventListener('click', () => {
    making = true;
    app.begin();
    ask('sample');
    app.changed();
  });
  button('train-yourself').addEventListener('click', () => {
    making = false;
    app.set('task', 'train');
    ask('train');
  });
  button('train-yourself').disabled = false;
  byId('name', HTMLAnchorElement).addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    app.goHome();
    scrollTo({ top: 0 });
  });

  return {
    receive(event) {
      if (!making) return;
      const failed = event.type === 'error' && event.at !== 'start';
      if (event.type === 'sampled' || failed) {
        making = false;
        if (app.home) app.set('task', 'sample');
      } else if (event.type === 'error') making = false;
    },
    render() {
      const { state } = app;
      document.body.classList.toggle('home', app.home);
      const shown = app.home || document.body.classList.contains('unsupported');
      anyElement('home').hidden = !shown;
      anyElement('tabs-title').hidden = shown;
      if (!app.home) making = false;
      setDisabled(make, making);
      const { done = 0, total = 0 } = (state.phase === 'compiling' && state.preparing) || {};
      const count = total > 0 ? `: ${done} of ${total}` : '';
      const doing = state.phase === 'idle' ? 'Loading the network' : describe(state);
      setText(anyElement('home-status'), making ? `${doing}${count}` : '');
      const bar = byId('home-progress', HTMLProgressElement);
      bar.hidden = !making;
      bar.value = total > 0 ? done / total : 0;
    },
  };
}
