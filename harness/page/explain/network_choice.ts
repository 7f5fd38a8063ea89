/** Whose network a scene asks: the run's, once there is one, else the pretrained one; and its name in words. */
import type { App } from '../shell/app';
import { distilledNote } from '../shell/distil_text';
import { setText } from '../shell/dom';
import { whole } from '../shell/format';
import { PRETRAINED_IMAGES } from '../shell/pretrained';
import type { Source } from '../shell/settings';
import { Choice, make } from './build';

const SOURCES = ['pretrained', 'run', 'file'] as const satisfies readonly Source[];

export class NetworkChoice {
  readonly element = make('div', { className: 'scene-network' });
  private readonly app: App | undefined;
  private readonly choice: Choice<Source>;
  private readonly name = make('span', { className: 'muted' });

  constructor(app: App | undefined) {
    this.app = app;
    this.choice = new Choice('Network', 'segmented', SOURCES, (source) => {
      if (!app) return;
      app.useFile = source === 'file';
      if (source === 'file') app.changed();
      else app.set('model', source);
    });
    this.element.hidden = !app;
    this.element.append(this.choice.element, this.name);
  }

  get source(): Source {
    return this.app?.lookedInto ?? 'pretrained';
  }

  /** `steps`: those of the run's network when it was asked. */
  render(steps: number): void {
    const { app, source } = this;
    if (!app) return;
    const { state, settings } = app;
    const run = state.losses.length > 0 || settings.model === 'run';
    this.choice.show(
      source,
      (each) =>
        ({ pretrained: 'pretrained', run: run ? 'this run' : undefined, file: state.model?.name })[each],
    );
    const alone = !run && !state.model;
    this.choice.element.hidden = alone;
    const note = app.source === 'file' ? distilledNote(state.model) : undefined;
    const words = note
      ? `${note}; this is the pretrained one, ${nameOf(source, steps)}`
      : nameOf(source, steps);
    setText(this.name, alone ? `The pretrained network, ${words}` : words);
  }
}

/** With what it has learned so far. */
function nameOf(source: Source, steps: number): string {
  if (source === 'pretrained') return `after ${whole(PRETRAINED_IMAGES)} images`;
  if (source === 'file') return 'as the file has it';
  return steps > 0 ? `after step ${whole(steps)}` : 'not trained yet';
}
