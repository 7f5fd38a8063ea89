/**
 * The parts of the scenes: prose with words that explain themselves, pictures, sliders, steps that play, and the choice of a network. They make
 * no markup from text, because the page's policy forbids that.
 */

import type { Classes } from '../../pictures/class_names';
import { whole } from '../../text/units';
import { term } from '../glossary/glossary';
import { isWord } from '../glossary/glossary_words';
import { PRETRAINED_IMAGES } from '../messages/pretrained';
import type { Source } from '../messages/settings';
import type { App } from '../shell/app';
import { distilledNote } from '../shell/distil_text';
import { fitNames, make, makeButton, setText } from '../shell/dom';
import { ImageView, type Tiles } from '../shell/images';
import { grownAt, isOfDigits, makesDigits, networkIn } from '../shell/state';

type Child = Node | string;

/** A paragraph. `{epoch}` is a word that explains itself, `{epochs|epoch}` the same where the text has another form of it. */
export function prose(text: string, className = ''): HTMLParagraphElement {
  const parts = text.split(/[{}]/).map((part, i) => {
    if (i % 2 === 0) return part;
    const [shown, word = shown] = part.split('|');
    if (!isWord(word)) throw new Error(`A scene marks ${word}, which glossary_words.ts does not explain`);
    return term(word, shown);
  });
  return make('p', { className }, ...parts);
}

/** The two halves of a scene: pictures and text. */
export const halves = (pictures: readonly Child[], text: readonly Child[]): HTMLElement[] => [
  make('div', { className: 'scene-pictures' }, ...pictures),
  make('div', { className: 'scene-text' }, ...text),
];

/** A picture with its name above and a line below. */
export class Figure {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas');
  private readonly view: ImageView;
  private readonly name: HTMLElement;
  private readonly line = make('span', { className: 'muted' });

  constructor(name: string, className = '') {
    this.name = make('span', {}, name);
    const frame = make('div', { className: 'images' }, this.canvas);
    this.canvas.role = 'img';
    this.canvas.setAttribute('aria-label', name);
    this.element = make('figure', { className: `scene-figure ${className}` });
    this.element.append(
      make('figcaption', {}, this.name),
      frame,
      make('p', { className: 'below' }, this.line),
    );
    this.view = new ImageView(this.canvas);
  }

  /** `label` describes the picture in words, `line` is the line below it. */
  show(
    { bytes, height = 28, width = 28, channels = 1, columns = 1 }: Partial<Tiles> & Pick<Tiles, 'bytes'>,
    label: string,
    line = '',
  ) {
    const { shown } = this.view;
    const same =
      shown?.width === width &&
      shown.channels === channels &&
      shown.bytes.length === bytes.length &&
      bytes.every((b, i) => b === shown.bytes[i]);
    if (!same) this.view.show({ bytes, height, width, channels, columns });
    this.canvas.setAttribute('aria-label', label);
    setText(this.line, line);
  }

  rename(name: string): void {
    setText(this.name, name);
  }
}

/** A slider with its name before it and its value behind. */
export class Slider {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  private readonly output = make('output');

  constructor(id: string, name: string, max: number, changed: () => void) {
    this.input = make('input', { type: 'range', id, min: '0', max: String(max), value: '0' });
    this.output.htmlFor.add(id);
    this.element = make('div', { className: 'scrub' });
    this.element.append(make('label', { htmlFor: id }, name), this.input, this.output);
    this.input.addEventListener('input', changed);
  }

  get value(): number {
    return Number(this.input.value);
  }

  set value(value: number) {
    this.input.value = String(value);
  }

  say(text: string): void {
    setText(this.output, text);
    this.input.ariaValueText = text;
  }
}

/** Buttons of which one is chosen, each with its name. */
export class Choice<T extends string | number> {
  readonly element: HTMLElement;
  private readonly buttons = new Map<T, HTMLButtonElement>();
  private readonly host: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly choose: (option: T) => void;

  constructor(legend: string, className: 'choice' | 'segmented', choose: (option: T) => void) {
    const hidden = className === 'segmented';
    this.choose = choose;
    this.legend = make('legend', { className: hidden ? 'visually-hidden' : '' }, legend);
    this.element = make('fieldset', { className });
    this.element.append(this.legend);
    this.host = hidden ? this.element : make('div', { className: 'buttons' });
    if (!hidden) this.element.append(this.host);
  }

  rename(legend: string): void {
    setText(this.legend, legend);
  }

  show(chosen: T, options: ReadonlyMap<T, string>): void {
    // Long names in keys as wide as they are, as in Make.
    if (this.host !== this.element) fitNames(this.host, [...options.values()]);
    for (const [option, button] of this.buttons) button.hidden = !options.has(option);
    for (const [option, name] of options) {
      const button = this.buttons.get(option) ?? this.add(option);
      setText(button, name);
      button.ariaPressed = String(option === chosen);
    }
  }

  private add(option: T): HTMLButtonElement {
    const button = makeButton('', () => this.choose(option), { dir: 'auto' });
    this.buttons.set(option, button);
    this.host.append(button);
    return button;
  }
}

/** Options by their numbers, from 0. */
export const numbered = (names: readonly string[]): ReadonlyMap<number, string> => new Map(names.entries());

// ---------------------------------------------------------------- steps that play

const FRAME_MS = 110;

/** A slider over the steps of a trajectory, from noise to image, and the playing through them. */
export class Playback {
  readonly element = make('div', { className: 'playback' });
  private readonly slider: Slider;
  private readonly button = make('button', { type: 'button', className: 'small' }, 'Play');
  private readonly changed: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;
  private steps = 0;

  constructor(id: string, changed: () => void) {
    this.changed = changed;
    this.slider = new Slider(id, 't', 0, () => {
      this.stop();
      changed();
    });
    // t rises to the right, as in the scenes on noise: the way from noise to the image goes to the left.
    this.slider.input.dir = 'rtl';
    this.button.addEventListener('click', () => {
      if (this.timer) this.stop();
      else this.play();
      changed();
    });
    this.element.append(this.button, this.slider.element);
  }

  /** The step that is shown: 0 is noise, `steps` the image. */
  get at(): number {
    return Math.min(this.slider.value, this.steps);
  }

  /** Call this at each rendering. */
  render(steps: number): void {
    this.fit(steps);
    this.slider.say((1 - this.at / steps).toFixed(2));
    setText(this.button, this.timer ? 'Stop' : 'Play');
    // The scene is gone from the page.
    if (this.timer && !this.element.isConnected) this.stop();
  }

  /** There are other pictures: plays them, or where nothing should move by itself, shows the last one. */
  begin(steps: number, still: boolean): void {
    this.stop();
    this.fit(steps);
    if (still) this.slider.value = steps;
    else this.play();
  }

  private fit(steps: number): void {
    if (steps === this.steps) return;
    this.steps = steps;
    this.slider.input.max = String(steps);
  }

  /** From noise to the image, once. */
  private play(): void {
    this.stop();
    this.slider.value = 0;
    this.timer = setInterval(() => {
      this.slider.value = this.at + 1;
      if (this.at >= this.steps || !this.element.isConnected) this.stop();
      this.changed();
    }, FRAME_MS);
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

// ---------------------------------------------------------------- the network

/** The choice of a scene's network, with its name in words: by default the run's, once there is one, else the pretrained one. */
export class NetworkChoice {
  readonly element = make('div', { className: 'scene-network' });
  private readonly app: App | undefined;
  private readonly choice: Choice<Source>;
  private readonly name = make('span', { className: 'muted' });

  constructor(app: App | undefined) {
    this.app = app;
    this.choice = new Choice('Network', 'segmented', (source) => app?.choose(source));
    this.element.hidden = !app;
    this.element.append(this.choice.element, this.name);
  }

  get source(): Source {
    return this.app?.explained ?? 'pretrained';
  }

  /** The classes of the network. */
  get classes(): Classes {
    const { app, source } = this;
    return app ? networkIn(source, app.state, app.settings) : { classes: 10 };
  }

  /** Whether the recorded pictures, which are digits, may stand for what it makes. */
  get isOfDigits(): boolean {
    const { app, source } = this;
    return !app || isOfDigits(networkIn(source, app.state, app.settings));
  }

  /** What its classes are called: digits, where they are. */
  get kind(): 'digit' | 'class' {
    const { app, source } = this;
    return !app || makesDigits(networkIn(source, app.state, app.settings)) ? 'digit' : 'class';
  }

  /** `steps`: training steps of the run's network when it was asked. */
  render(steps: number): void {
    const { app, source } = this;
    if (!app) return;
    const { state, settings } = app;
    const run = state.losses.length > 0 || settings.model === 'run';
    this.choice.show(
      source,
      new Map<Source, string>([
        ['pretrained', 'pretrained'],
        ...(run ? [['run', 'this run'] as const] : []),
        ...(state.model ? [['file', state.model.name] as const] : []),
      ]),
    );
    const alone = !run && !state.model;
    this.choice.element.hidden = alone;
    const note = app.source === 'file' ? distilledNote(state.model) : undefined;
    const words = note
      ? `${note}; this is the pretrained one, ${nameOf(source, steps)}`
      : nameOf(source, steps);
    const young = app.isYoung
      ? `. This page’s run takes over after step ${whole(grownAt(state, settings))}`
      : '';
    setText(this.name, alone ? `The pretrained network, ${words}` : `${words}${young}`);
  }
}

/** The training of a network so far, in words. */
function nameOf(source: Source, steps: number): string {
  if (source === 'pretrained') return `after ${whole(PRETRAINED_IMAGES)} images`;
  if (source === 'file') return 'as the file has it';
  return steps > 0 ? `after step ${whole(steps)}` : 'not trained yet';
}
