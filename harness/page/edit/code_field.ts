/**
 * A field for WGSL: a plain text area, whose own text cannot be seen, over the same text in colours and beside the numbers of its lines. All
 * three are as large as the text; what is around them scrolls.
 */
import { make } from '../shell/dom';
import { coloured } from '../sources/prism';

export class CodeField {
  readonly element = make('div', { className: 'code-field' });
  readonly area = make('textarea', { spellcheck: false, wrap: 'off', className: 'code-area' });
  private readonly numbers = make('pre', { className: 'code-numbers', ariaHidden: 'true' });
  private readonly layer = make('pre', { className: 'code-layer', ariaHidden: 'true' });
  private bad = new Map<number, string>();
  /** Escape was pressed: the next Tab leaves the field. */
  private leaving = false;

  constructor(label: string, hint: string, changed: () => void) {
    const { area, numbers, layer, element } = this;
    area.ariaLabel = label;
    area.setAttribute('aria-describedby', hint);
    area.setAttribute('autocapitalize', 'off');
    area.autocomplete = 'off';
    element.append(numbers, layer, area);
    area.addEventListener('input', () => {
      this.bad.clear();
      this.draw();
      changed();
    });
    area.addEventListener('keydown', (event) => this.key(event));
    area.addEventListener('blur', () => {
      this.leaving = false;
    });
  }

  get text(): string {
    return this.area.value;
  }

  set text(text: string) {
    if (text !== this.area.value) this.area.value = text;
    this.bad.clear();
    this.draw();
  }

  /** Marks lines, from 1, each with its error. */
  mark(problems: ReadonlyMap<number, string>): void {
    this.bad = new Map(problems);
    this.draw();
  }

  /** Puts the cursor there and shows the line. Both from 1. */
  goTo(line: number, column = 1): void {
    const { area, element } = this;
    const lines = area.value.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const at = before + Math.min(column - 1, lines[line - 1]?.length ?? 0);
    area.focus({ preventScroll: true });
    area.setSelectionRange(at, at);
    element.scrollIntoView({ block: 'nearest' });
    this.scrollTo(line);
  }

  /** Scrolls the text to a line, from 1. */
  scrollTo(line: number): void {
    const { element, numbers } = this;
    const number = numbers.children[line - 1] as HTMLElement | undefined;
    if (number) element.scrollTop = number.offsetTop - element.clientHeight / 3;
    element.scrollLeft = 0;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      this.leaving = true;
      return;
    }
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
    if (event.key === 'Tab' && plain && !event.shiftKey && !this.leaving) {
      event.preventDefault();
      insert('  ');
    } else if (event.key === 'Enter' && plain && !event.shiftKey) {
      event.preventDefault();
      const { value, selectionStart } = this.area;
      const line = value.slice(value.lastIndexOf('\n', selectionStart - 1) + 1, selectionStart);
      insert(`\n${/^ */.exec(line)![0]}`);
    }
    if (event.key !== 'Tab' && event.key !== 'Shift') this.leaving = false;
  }

  private draw(): void {
    const { area, numbers, layer, bad } = this;
    const lines = area.value.split('\n');
    while (numbers.children.length > lines.length) numbers.lastChild!.remove();
    lines.forEach((_, i) => {
      const number = numbers.children[i] ?? numbers.appendChild(make('span'));
      if (!number.textContent) number.textContent = `${i + 1}\n`;
      number.classList.toggle('bad', bad.has(i + 1));
      (number as HTMLElement).title = bad.get(i + 1) ?? '';
    });
    const { value } = area;
    const shown = coloured().then(
      (colour) => colour(value, 'wgsl'),
      // Without colours the text can be read, too.
      () => value,
    );
    void shown.then((text) => {
      // A last line that is empty needs something in it to be as high as the others.
      if (area.value === value) layer.replaceChildren(text, '\n ');
    });
  }
}

/** Types a text where the cursor is. The old way, as it is the only one that can be undone by the user. */
function insert(text: string): void {
  document.execCommand('insertText', false, text);
}
