/** The welcome: its choices, above the recording. Starts the task that was chosen there, or by the address (autorun). */

import { initialSettings } from '../messages/settings';
import type { App, Panel, TaskPanel } from '../shell/app';
import { button, byId, onClick, setDisabled, setHidden, setText } from '../shell/dom';
import { staysHere, type View, viewFor } from '../shell/doors';
import { isReady, taskText } from '../shell/state';

/** The noise of the first digits, where no other is chosen: all ten of the pretrained network are good. */
const FIRST_NOISE = 145;

export function createHome(app: App): Panel {
  /** The user ordered digits; their tab opens when the first of them are there. */
  let making = false;

  const make = button('make-now');
  make.addEventListener('click', () => {
    making = true;
    app.begin();
    if (app.settings.noise === initialSettings.noise) app.set('noise', String(FIRST_NOISE));
    app.startWhenReady('sample');
  });
  onClick('train-yourself', () => {
    making = false;
    app.set('task', 'train');
    app.startWhenReady('train');
  });
  button('train-yourself').disabled = false;
  byId('name', HTMLAnchorElement).addEventListener('click', (event) => {
    if (!staysHere(event)) return;
    app.address.goHome();
    scrollTo({ top: 0 });
  });

  return {
    receive(event) {
      if (!making) return;
      const failed = event.type === 'lost' || (event.type === 'problem' && event.at !== 'start');
      if (event.type === 'sampled' || failed) {
        making = false;
        if (app.home) app.set('task', 'sample');
      } else if (event.type === 'problem') making = false;
    },
    render() {
      const { state } = app;
      document.body.classList.toggle('home', app.home);
      const shown = app.home || document.body.classList.contains('unsupported');
      setHidden('home', !shown);
      setHidden('recorded', !shown);
      setHidden('view-title', shown);
      if (!app.home) making = false;
      setDisabled(make, making);
      const { done = 0, total = 0 } = (state.phase === 'compiling' && state.preparing) || {};
      const count = total > 0 ? `: ${done} of ${total}` : '';
      const doing = state.phase === 'idle' ? 'Loading the network' : taskText(state);
      setText('home-status', making ? `${doing}${count}` : '');
      const bar = byId('home-progress', HTMLProgressElement);
      bar.hidden = !making;
      bar.value = total > 0 ? done / total : 0;
    },
  };
}

// ---------------------------------------------------------------- the start

/** Starts what is asked for once the page is ready for it. */
export function createStarter(app: App, panels: Readonly<Record<View, TaskPanel>>): Panel {
  const start = () => {
    const { phase, data } = app.state;
    // Training waits for its images by itself.
    const { asked } = app;
    if (
      !asked ||
      app.kept.coming ||
      !(isReady(app.state) || (asked === 'train' && phase === 'loading' && !data))
    )
      return;
    app.asked = undefined;
    panels[viewFor(asked)].start(asked);
  };
  app.starter = start;
  return { render() {}, receive: start };
}
