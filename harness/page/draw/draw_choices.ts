/** The choices beside a drawing: the network that answers, and the digit that conditions it. */
import type { App } from '../shell/app';
import { distilledNote } from '../shell/distil_text';
import { anyElement, button, setDisabled, setText } from '../shell/dom';
import { whole } from '../shell/format';
import { PRETRAINED_IMAGES } from '../shell/pretrained';
import type { Source } from '../shell/settings';
import { grownAt } from '../shell/state';
import { unfit } from './draw_question';

const SOURCES = ['pretrained', 'run', 'file'] as const satisfies readonly Source[];

export function connectDrawSource(app: App): { readonly source: Source; render(): void } {
  for (const source of SOURCES) {
    button(`draw-use-${source}`).addEventListener('click', () => {
      app.useFile = source === 'file';
      if (source !== 'file') app.set('model', source);
      app.changed();
    });
  }
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
  const nameOf = (of: Source) =>
    ({
      pretrained: `The pretrained network, after ${whole(PRETRAINED_IMAGES)} images`,
      run: `This page’s run, step ${whole(app.state.losses.length)}`,
      file: `The file ${app.state.model?.name}`,
    })[of];
  return {
    get source() {
      return source();
    },
    render() {
      const { state } = app;
      for (const each of SOURCES)
        button(`draw-use-${each}`).setAttribute('aria-pressed', String(each === source()));
      setDisabled(button('draw-use-run'), state.losses.length === 0);
      button('draw-use-file').hidden = state.model === undefined;
      setText(button('draw-use-file'), state.model?.name ?? '');
      const problem = why() ?? untilGrown();
      setText(anyElement('draw-model'), problem ? `${nameOf(source())}. ${problem}` : nameOf(source()));
    },
  };
}

const isUntrained = ({ source, state }: App) => source === 'run' && state.losses.length === 0;

// ---------------------------------------------------------------- digit

const CHOICES = ['all', ...Array.from({ length: 10 }, (_, digit) => String(digit))];

export function connectDrawDigits(app: App): { render(): void } {
  const buttons = CHOICES.map((choice) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.id = `draw-digit-${choice}`;
    button.textContent = choice === 'all' ? 'any' : choice;
    button.addEventListener('click', () => app.set('told', choice));
    return button;
  });
  anyElement('draw-digit-buttons').replaceChildren(...buttons);
  return {
    render() {
      const { told } = app.settings;
      // A class beyond these is none in particular here.
      const pressed = CHOICES.includes(String(told)) ? String(told) : 'all';
      CHOICES.forEach((choice, i) => {
        buttons[i].setAttribute('aria-pressed', String(choice === pressed));
      });
    },
  };
}
