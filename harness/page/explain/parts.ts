/**
 * The parts of the scenes: prose with words that explain themselves, pictures, sliders, a question, steps that play, and the choice of a network.
 * They make no markup from text, because the page's policy forbids that.
 */

import type { Classes } from '../../pictures/class_names';
import { whole } from '../../text/units';
import { term } from '../glossary/glossary';
import { isWord } from '../glossary/glossary_words';
import type { Made } from '../messages/explain_messages';
import { PRETRAINED_IMAGES } from '../messages/pretrained';
import type { NetworkSource } from '../messages/settings';
import type { App } from '../shell/app';
import { distilledNote } from '../shell/distil_text';
import { fitNames, make, makeButton, setText } from '../shell/dom';
import { ImageView, type Tiles } from '../shell/images';
import { grownAt, hasDigitClasses, isOfDigits, networkIn } from '../shell/state';

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

/** The parts of a scene: what is read first, the pictures, and the rest of the text. */
export const sceneParts = (
  lead: readonly Child[],
  pictures: readonly Child[],
  text: readonly Child[],
): HTMLElement[] => [
  make('div', { className: 'scene-lead' }, ...lead),
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

/** Pictures in a strip that shows the whole way of an image. */
const STRIP = 11;
export const WAY = 'The whole way from right to left, xₜ above, what it sees in it below';

export function showWay(
  strip: Figure,
  { x, predictions, height, width, channels }: Made,
  what: string,
): void {
  const steps = predictions.length;
  const places = Array.from({ length: STRIP }, (_, i) => Math.round(((STRIP - 1 - i) * steps) / (STRIP - 1)));
  // At the end there is no noise left to look through.
  const pictures = [...places.map((p) => x[p]), ...places.map((p) => predictions[Math.min(p, steps - 1)])];
  const bytes = Uint8Array.from(pictures.flatMap((picture) => [...picture]));
  strip.show(
    { bytes, height, width, channels, columns: STRIP },
    `${STRIP} pictures from noise, at the right, to ${what}, and what the network sees in each`,
  );
}

const FRAME_MS = 110;
/** Frames of a way over the whole slider. */
const FRAMES = 20;

/** A slider with its name before it and its value behind. It can move by itself. */
export class Slider {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  private readonly output = make('output');
  private readonly changed: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(id: string, name: string, max: number, changed: () => void) {
    this.input = make('input', { type: 'range', id, min: '0', max: String(max), value: '0' });
    this.output.htmlFor.add(id);
    this.element = make('div', { className: 'scrub' });
    this.element.append(make('label', { htmlFor: id }, name), this.input, this.output);
    this.changed = changed;
    this.input.addEventListener('input', () => {
      this.stop();
      changed();
    });
  }

  get max(): number {
    return Number(this.input.max);
  }

  set max(max: number) {
    this.input.max = String(max);
  }

  get value(): number {
    return Math.min(Number(this.input.value), this.max);
  }

  set value(value: number) {
    this.input.value = String(value);
  }

  say(text: string): void {
    setText(this.output, text);
    this.input.ariaValueText = text;
  }

  get moves(): boolean {
    return this.timer !== undefined;
  }

  /** Goes from here to there, at once where nothing should move by itself. */
  glide(from: number, to: number, still: boolean): void {
    this.stop();
    this.value = still ? to : from;
    const stride = Math.ceil(this.max / FRAMES);
    if (this.value !== to)
      this.timer = setInterval(() => {
        const { value } = this;
        this.value = value < to ? Math.min(value + stride, to) : Math.max(value - stride, to);
        // The scene may be gone from the page.
        if (this.value === to || !this.element.isConnected) this.stop();
        this.changed();
      }, FRAME_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
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

// ---------------------------------------------------------------- a question

/**
 * The question that a scene begins with, and three answers. A press plays the scene's picture to where the answer can be seen; who presses
 * none misses nothing.
 */
export class Guess {
  readonly element = make('div', { className: 'guess' });
  private readonly keys: Choice<number>;
  private readonly said = make('p', { className: 'scene-said', role: 'status' });
  private readonly answers: readonly string[];
  private guessed = -1;

  constructor(question: string, answers: readonly string[], play: () => void) {
    this.answers = answers;
    this.keys = new Choice(question, 'choice', (answer) => {
      this.guessed = answer;
      play();
    });
    this.element.append(this.keys.element, this.said);
  }

  /** `plays`: the picture is on its way there. `answer`: the number of the right answer, and what happens, in words. */
  render(plays: boolean, answer: () => readonly [right: number, what: string]): void {
    this.keys.show(this.guessed, numbered(this.answers));
    if (this.guessed < 0 || plays) return void setText(this.said, '');
    const [right, what] = answer();
    setText(this.said, `${this.guessed === right ? 'Right' : 'No'}: ${what}.`);
  }
}

// ---------------------------------------------------------------- steps that play

/** A slider over steps, from 0, and the playing through them. */
export class Playback {
  readonly element = make('div', { className: 'playback' });
  readonly slider: Slider;
  private readonly button = make('button', { type: 'button', className: 'small' }, 'Play');

  constructor(slider: Slider, changed: () => void) {
    this.slider = slider;
    this.button.addEventListener('click', () => {
      if (slider.moves) slider.stop();
      else slider.glide(0, slider.max, false);
      changed();
    });
    this.element.append(this.button, slider.element);
  }

  /** Call this at each rendering. */
  render(steps: number, words: string): void {
    this.slider.max = steps;
    this.slider.say(words);
    setText(this.button, this.slider.moves ? 'Stop' : 'Play');
  }
}

// ---------------------------------------------------------------- the network

/** The choice of a scene's network, with its name in words: by default the run's, once there is one, else the pretrained one. */
export class SceneNetwork {
  readonly element = make('div', { className: 'scene-network' });
  private readonly app: App | undefined;
  private readonly choice: Choice<NetworkSource>;
  private readonly name = make('span', { className: 'muted' });

  constructor(app: App | undefined) {
    this.app = app;
    this.choice = new Choice('Network', 'segmented', (source) => app?.choose(source));
    this.element.hidden = !app;
    this.element.append(this.choice.element, this.name);
  }

  get source(): NetworkSource {
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
    return !app || hasDigitClasses(networkIn(source, app.state, app.settings)) ? 'digit' : 'class';
  }

  /** `steps`: training steps of the run's network when it was asked. */
  render(steps: number): void {
    const { app, source } = this;
    if (!app) return;
    const { state, settings } = app;
    const run = state.losses.length > 0 || settings.model === 'run';
    this.choice.show(
      source,
      new Map<NetworkSource, string>([
        ['pretrained', 'pretrained'],
        ...(run ? [['run', 'this run'] as const] : []),
        ...(state.model ? [['file', state.model.name] as const] : []),
      ]),
    );
    const alone = !run && !state.model;
    this.choice.element.hidden = alone;
    const note = app.source === 'file' ? distilledNote(state.model) : undefined;
    const words = note
      ? `${note}; this is the pretrained one, ${trainingText(source, steps)}`
      : trainingText(source, steps);
    const young = app.isYoung
      ? `. This page’s run takes over after step ${whole(grownAt(state, settings))}`
      : '';
    setText(this.name, alone ? `The pretrained network, ${words}` : `${words}${young}`);
  }
}

/** The training of a network so far, in words. */
function trainingText(source: NetworkSource, steps: number): string {
  if (source === 'pretrained') return `after ${whole(PRETRAINED_IMAGES)} images`;
  if (source === 'file') return 'as the file has it';
  return steps > 0 ? `after step ${whole(steps)}` : 'not trained yet';
}
