/** The editor of one shader: its files, the field, its commands, and the result of the last trial. */
import { download, make, makeButton, setDisabled } from '../shell/dom';
import { assemble, TextError } from './assemble';
import { CodeField } from './code_field';
import type { Edits } from './edits';
import type { TextProblem, TrialResult } from './trial_messages';
import { showVerdict } from './verdict';

interface EditorOrders {
  tryIt(): void;
  /** Trains with what passed. */
  use(): void;
  close(): void;
}

const KEYS = 'Tab indents. To leave the field press Escape, then Tab. Ctrl+Enter tries the text.';

export class Editor {
  readonly element = make('div', { className: 'shader-editor' });
  readonly shader: string;
  private readonly edits: Edits;
  private readonly field: CodeField;
  private readonly select = make('select', { id: 'shader-file' });
  private readonly verdict = make('div', { className: 'verdict', role: 'status' });
  private readonly buttons: Readonly<
    Record<'tryIt' | 'use' | 'revert' | 'save' | 'open' | 'close', HTMLButtonElement>
  >;
  private file = '';
  private problems: readonly TextProblem[] = [];

  constructor(shader: string, edits: Edits, orders: EditorOrders) {
    this.shader = shader;
    this.edits = edits;
    this.field = new CodeField(`WGSL of ${shader}`, 'shader-keys', () => {
      edits.set(this.file, this.field.text);
      this.problems = [];
      this.update();
    });
    this.field.area.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) orders.tryIt();
    });
    this.buttons = {
      tryIt: makeButton('Try it', () => orders.tryIt(), { className: 'primary' }),
      use: makeButton('Use it in training', () => orders.use()),
      revert: makeButton('Revert', () => this.revert()),
      save: makeButton('Save as a file', () =>
        download(this.file.replace(/^.*\//, ''), this.field.text, 'text/plain'),
      ),
      open: makeButton('Open a file', () => this.chooseFile()),
      close: makeButton('Close', () => orders.close()),
    };
    this.lay();
    this.show(this.files[0]);
  }

  /** Files of the shader, with its edits. */
  get files(): readonly string[] {
    const shipped = assemble(this.shader).files;
    try {
      const edits = Object.fromEntries(shipped.map((file) => [file, this.edits.textOf(file)]));
      return [...new Set([...shipped, ...assemble(this.shader, edits).files])];
    } catch (error) {
      if (error instanceof TextError) return shipped;
      throw error;
    }
  }

  /** Shows a file, by default again the one that is shown. */
  show(file = this.file): void {
    this.file = file;
    this.field.text = this.edits.textOf(file);
    this.update();
  }

  progress(text: string): void {
    this.verdict.replaceChildren(make('p', { className: 'muted' }, text));
    delete this.verdict.dataset.kind;
  }

  found(result: TrialResult): void {
    this.problems = result.kind === 'refused' ? result.problems : [];
    showVerdict(this.verdict, result, (place) => this.goTo(place));
    this.update();
    const here = this.problems.find(({ file, line }) => file === this.file && line);
    if (here) this.field.scrollTo(here.line!);
  }

  /** Adds a sentence to the result of the last trial. */
  add(text: string): void {
    this.verdict.append(make('p', {}, text));
  }

  /** Updates buttons and marks to the edited text. */
  update(): void {
    const { edits, file, files, buttons, problems, field, select } = this;
    const texts = edits.toTry(files);
    setDisabled(buttons.use, !edits.replacementsOf(texts) || edits.isUsed(texts));
    setDisabled(buttons.revert, !edits.isEdited(file));
    const own = problems.filter((problem) => problem.file === file && problem.line);
    field.mark(new Map(own.map(({ line, message }) => [line!, message])));
    const options = files.map((each) => new Option(edits.isEdited(each) ? `${each} (edited)` : each, each));
    if (options.map(({ text }) => text).join() !== [...select.options].map(({ text }) => text).join())
      select.replaceChildren(...options);
    select.value = file;
  }

  focus(): void {
    this.field.area.focus({ preventScroll: true });
  }

  private goTo(place: TextProblem): void {
    if (place.file !== this.file) this.show(place.file);
    this.field.goTo(place.line ?? 1, place.column);
  }

  private revert(): void {
    const { edits, file, field } = this;
    edits.revert(file);
    this.problems = [];
    this.show();
    field.area.focus({ preventScroll: true });
  }

  /** Into the file that is shown. */
  private chooseFile(): void {
    const input = make('input', { type: 'file', accept: '.wgsl,text/plain' });
    input.addEventListener('change', async () => {
      const [file] = input.files ?? [];
      if (!file) return;
      this.edits.set(this.file, await file.text());
      this.problems = [];
      this.show();
    });
    input.click();
  }

  private lay(): void {
    const { element: box, buttons, select, field, verdict } = this;
    const label = make('label', { htmlFor: select.id }, 'File');
    const head = make('div', { className: 'editor-head' }, label, select);
    select.addEventListener('change', () => this.show(select.value));
    const keys = make('p', { className: 'muted', id: 'shader-keys' }, KEYS);
    const row = make('div', { className: 'buttons' }, ...Object.values(buttons));
    box.append(head, field.element, keys, row, verdict);
  }
}
