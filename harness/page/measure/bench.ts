/** Bench: measures the network and every kernel on the visitor's GPU, and opens, compares and saves results. No number without a passed check. */
import { comparisonTable } from '../../bench/compare';
import { type Named, parseResult, rowsToJson } from '../../bench/read';
import { addEvent, type BenchResult } from '../../bench/result';
import { rooflineSvg } from '../../bench/roofline';
import { benchMarkdown, headLines, measuredText } from '../../bench/table';
import { choiceText } from '../../run/network';
import type { Table } from '../../text/table';
import type { App } from '../shell/app';
import { anyElement, button, download, keepFocus, makeButton, setDisabled, setHidden } from '../shell/dom';
import { element, tableSection } from '../shell/table';
import { BenchView } from './bench_view';
import { budgetLeft, MeasureRun, networkIn } from './measure';

const NOTHING = { done: 0, total: 1, title: '' };

export class Bench {
  readonly run: MeasureRun<'bench'>;
  private readonly app: App;
  private readonly view: BenchView;
  private progress = NOTHING;
  private result: BenchResult | undefined;
  /** An opened file, shown in place of the page's own result. */
  private opened: Named | undefined;
  private comparison: Table | undefined;
  private pair: readonly [before: Named, after: Named] | undefined;
  /** The page's run may go on, or begin to have results, while a file is open. */
  private readonly withOwn = makeButton('Compare with this page’s run', () =>
    this.compare(byDate(this.opened!, { name: 'this page’s run', result: this.result! })),
  );
  private readonly swap = makeButton('Swap', () => this.compare([this.pair![1], this.pair![0]]));
  private readonly end = makeButton('Close', () => this.compare(undefined));

  constructor(app: App) {
    this.app = app;
    this.view = new BenchView(() => app.changed());
    this.run = new MeasureRun(app, 'bench', (event) => {
      if (event.kind === 'progress') this.progress = event;
      this.result = addEvent(this.result, event);
    });
    this.saves('bench-json', 'bench.json', 'application/json', rowsToJson);
    this.saves('bench-markdown', 'bench.md', 'text/markdown', benchMarkdown);
    this.saves('bench-svg', 'roofline.svg', 'image/svg+xml', (of) => rooflineSvg(of));
  }

  start(): void {
    this.progress = NOTHING;
    this.result = undefined;
    this.close();
    this.run.start();
  }

  /** Shows one file, or compares two; the page's own result stays where it is. */
  async open(files: readonly File[]): Promise<void> {
    this.close();
    try {
      const read = await Promise.all(files.map(async (file) => parseResult(file.name, await file.text())));
      if (read.length > 2)
        throw new Error(`These are ${read.length} files. Give one result to look at, or two to compare.`);
      if (read.length === 1) this.look(read[0]);
      else this.compare(byDate(read[0], read[1]));
    } catch (error) {
      this.app.complain(error instanceof Error ? error.message : String(error));
    }
    this.app.changed();
  }

  /** For scripts. */
  get results() {
    const { status, message } = this.run;
    return { status, message, result: this.shown, comparison: this.comparison };
  }

  render(): void {
    const { shown, run } = this;
    this.view.draw(shown, !run.active || this.opened !== undefined);
    setHidden('bench-saves', !shown);
    this.withOwn.hidden = !this.result;
    setDisabled('bench-svg', anyElement('bench-roofline').hidden !== false);
  }

  get share(): number {
    return this.progress.done / this.progress.total;
  }

  get doing(): string {
    return `Measuring ${choiceText(this.result ? this.result.network : networkIn(this.app.settings))}`;
  }

  get found(): string {
    return this.result ? measuredText(this.result.rows) : '';
  }

  get detail(): string {
    // What an opened file says of itself stands above it.
    if (this.run.status !== 'running')
      return this.result && !this.opened ? headLines(this.result).slice(-2).join(' ') : '';
    const left = budgetLeft(this.run.seconds, this.result?.budgetSeconds ?? this.app.settings.budget);
    const done = this.found && `Done: ${this.found}`;
    return [done, left, this.progress.title].filter(Boolean).join('; ');
  }

  private get shown(): BenchResult | undefined {
    return this.opened?.result ?? this.result;
  }

  private saves(id: string, name: string, type: string, content: (of: BenchResult) => string | undefined) {
    button(id).addEventListener('click', () => {
      const text = this.shown && content(this.shown);
      if (text) download(name, text, type);
    });
  }

  /** Closes the opened files. */
  private close(): void {
    this.look(undefined);
    this.compare(undefined);
  }

  private look(file: Named | undefined): void {
    this.opened = file;
    const box = anyElement('bench-opened');
    keepFocus(() => {
      box.hidden = !file;
    });
    if (file) {
      const words = element('div', 'opened-words');
      const lines = [`This is ${file.name}, not measured here.`, ...headLines(file.result)];
      words.append(...lines.map((line, i) => element('p', i > 0 ? 'muted' : '', line)));
      const buttons = element('p', 'buttons');
      buttons.append(
        this.withOwn,
        makeButton('Close', () => this.close()),
      );
      box.replaceChildren(words, buttons);
    }
    this.app.changed();
  }

  private compare(pair: readonly [Named, Named] | undefined): void {
    this.pair = pair;
    this.comparison = pair && comparisonTable(pair[0], pair[1]);
    const pressed = document.activeElement;
    keepFocus(() => {
      const section = this.comparison && tableSection(this.comparison).section;
      const buttons = element('span', 'buttons');
      buttons.append(this.swap, this.end);
      section?.querySelector('h2')?.append(buttons);
      anyElement('bench-comparison').replaceChildren(...(section ? [section] : []));
      if (section && pressed === this.swap) this.swap.focus({ preventScroll: true });
    });
    this.app.changed();
  }
}

/** Puts the earlier file first: the later one is compared with it. */
const byDate = (a: Named, b: Named): [Named, Named] => (a.result.date <= b.result.date ? [a, b] : [b, a]);
