/** The choices beside a drawing: the network that answers, and the digit that conditions it. */

import { whole } from '../../text/units';
import type { NetworkSource } from '../messages/settings';
import type { App } from '../shell/app';
import { connectClasses } from '../shell/class_buttons';
import { distilledNote } from '../shell/distil_text';
import { setDisabled, setText } from '../shell/dom';
import { connectSources } from '../shell/fields';
import { grownAt, networkText } from '../shell/state';
import { unfit } from './draw_question';

/** `answeredAt`: the run's step at which it gave the shown answer, if it has. */
export function connectDrawSource(app: App): {
  readonly source: NetworkSource;
  render(answeredAt?: number): void;
} {
  const renderSources = connectSources(app, 'draw-use');
  const isWaiting = () => isUntrained(app) || app.isYoung;
  /** The reason that the chosen network cannot answer. */
  const why = () => {
    if (isUntrained(app) || app.source === 'pretrained') return undefined;
    return (app.source === 'file' && distilledNote(app.state.model)) || unfit(app.network);
  };
  const source = () => (isWaiting() || why() ? 'pretrained' : app.source);
  const untilGrown = () =>
    !isUntrained(app) && app.isYoung
      ? `This page’s run takes over after step ${whole(grownAt(app.state, app.settings))}; choose it to draw with it now.`
      : undefined;
  return {
    get source() {
      return source();
    },
    render(answeredAt) {
      const { state } = app;
      renderSources(source());
      setDisabled('draw-use-run', state.losses.length === 0);
      const problem = why() ?? untilGrown();
      const name = networkText(source(), state, answeredAt);
      setText('draw-model', problem ? `${name}. ${problem}` : name);
    },
  };
}

const isUntrained = ({ source, state }: App) => source === 'run' && state.losses.length === 0;

// ---------------------------------------------------------------- digit

/** `names`: of the classes of the network that answers. */
export function connectDrawDigits(app: App, names: () => readonly string[]): { render(): void } {
  // A class beyond these is none in particular here.
  const render = connectClasses('draw-digit', 'any', (choice) => app.set('drawnClass', choice));
  return { render: () => render({ names: names(), chosen: app.settings.drawnClass }) };
}
