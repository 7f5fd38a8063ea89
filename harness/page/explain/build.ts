/** Elements of the scenes: no markup from text, as the page's policy forbids that. */
import { setText } from '../shell/dom';
import { term } from '../shell/glossary';
import { isWord } from '../shell/glossary_words';
import { ImageView, type Tiles } from '../shell/images';

type Child = Node | string;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

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

/** The two halves of a scene: what is seen, and what is said. */
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
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', name);
    this.element = make('figure', { className: `scene-figure ${className}` });
    this.element.append(
      make('figcaption', {}, this.name),
      frame,
      make('p', { className: 'below' }, this.line),
    );
    this.view = new ImageView(this.canvas);
  }

  /** `label` says in words what is to be seen, `line` is below the picture. */
  show(
    { bytes, height = 28, width = 28, columns = 1 }: Partial<Tiles> & Pick<Tiles, 'bytes'>,
    label: string,
    line = '',
  ) {
    const { shown } = this.view;
    const same =
      shown?.width === width &&
      shown.bytes.length === bytes.length &&
      bytes.every((b, i) => b === shown.bytes[i]);
    if (!same) this.view.show({ bytes, height, width, columns });
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
    this.input.setAttribute('aria-valuetext', text);
  }
}

/** Buttons of which one is chosen. */
export class Choice<T extends string | number> {
  readonly element: HTMLElement;
  private readonly buttons = new Map<T, HTMLButtonElement>();

  constructor(
    legend: string,
    className: 'choice' | 'segmented',
    options: readonly T[],
    choose: (option: T) => void,
  ) {
    const names = options.map((option) => {
      const button = make('button', { type: 'button' }, String(option));
      button.addEventListener('click', () => choose(option));
      this.buttons.set(option, button);
      return button;
    });
    const hidden = className === 'segmented';
    this.element = make('fieldset', { className });
    this.element.append(
      make('legend', { className: hidden ? 'visually-hidden' : '' }, legend),
      ...(hidden ? names : [make('div', { className: 'buttons' }, ...names)]),
    );
  }

  show(chosen: T, names: (option: T) => string | undefined = String): void {
    for (const [option, button] of this.buttons) {
      const name = names(option);
      button.hidden = name === undefined;
      setText(button, name ?? '');
      button.setAttribute('aria-pressed', String(option === chosen));
    }
  }
}
