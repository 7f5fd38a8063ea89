/** Which network makes the images: the pretrained one, the run's, or that of a file; and which one made those that are shown. */
import type { App } from '../shell/app';
import { anyElement, button, setText } from '../shell/dom';
import { setDisabled } from '../shell/focus';
import { whole } from '../shell/format';
import { PRETRAINED_IMAGES } from '../shell/pretrained';
import type { Order } from '../worker/messages';

/** A network, and the number of steps that the run's had been trained for by then. */
export interface Maker {
  readonly source: Order['source'];
  readonly trained: number;
}

/** `again` makes the images anew where some are shown; `maker` made those, if there are any; `chosen` makes the next. */
export function connectSource(
  app: App,
  again: () => void,
  maker: () => Maker | undefined,
  chosen: () => Order['source'],
): { render(): void } {
  for (const choice of ['pretrained', 'run'] as const) {
    button(`use-${choice}`).addEventListener('click', () => {
      app.useFile = false;
      app.set('model', choice);
      again();
    });
  }
  button('use-file').addEventListener('click', () => {
    app.useFile = true;
    app.changed();
    again();
  });
  button('save-model-2').addEventListener('click', () => app.send('saveModel'));

  const nameOf = ({ source, trained }: Maker) => {
    if (source === 'instant') return 'the pretrained network, distilled to two calls';
    if (source === 'pretrained') return `the pretrained network, after ${whole(PRETRAINED_IMAGES)} images`;
    if (source === 'file') return `the file ${app.state.model?.name}`;
    return trained > 0 ? `this page’s run, step ${whole(trained)}` : 'an untrained network';
  };
  const sentence = () => {
    const now = app.state.losses.length;
    const next = { source: chosen(), trained: now };
    const made = maker();
    if (made && nameOf(made) !== nameOf(next)) {
      const isRun = made.source === 'run' && next.source === 'run';
      return `Made by ${nameOf(made)}; ${isRun ? `it is at step ${whole(now)} now` : `now chosen: ${nameOf(next)}`}`;
    }
    if (next.source !== 'run' || now > 0) return nameOf(next).replace(/^./, (letter) => letter.toUpperCase());
    return 'An untrained network: it makes mere shades. Train it first, or take the pretrained one';
  };

  return {
    render() {
      const { source, state } = app;
      for (const each of ['pretrained', 'run', 'file'] as const)
        button(`use-${each}`).setAttribute('aria-pressed', String(each === source));
      button('use-file').hidden = state.model === undefined;
      setText(button('use-file'), state.model?.name ?? '');
      setText(anyElement('sample-model'), sentence());
      const none = state.losses.length === 0 || state.phase === 'lost' || source !== 'run';
      setDisabled(button('save-model-2'), none);
    },
  };
}
