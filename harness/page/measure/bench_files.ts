/** Results of the bench as files: saved, opened to look at one or to compare two. */
import { comparisonTable } from '../../bench/compare';
import { toCsv, toJson, toMarkdown } from '../../bench/export';
import { type Named, parseResult } from '../../bench/read';
import type { BenchResult } from '../../bench/result';
import { rooflineSvg } from '../../bench/roofline';
import { headLines, type Table } from '../../bench/table';
import type { App } from '../shell/app';
import { anyElement, button, download, keepFocus, makeButton, setDisabled, setHidden } from '../shell/dom';
import { element, tableSection } from '../shell/table';

export class BenchFiles {
  /** An opened file, shown in place of the page's own result. */
  opened: Named | undefined;
  comparison: Table | undefined;
  private readonly app: App;
  private readonly own: () => BenchResult | undefined;
  private pair: readonly [before: Named, after: Named] | undefined;
  /** The page's run may go on, or begin to have results, while a file is open. */
  private readonly withOwn = makeButton('Compare with this page’s run', () => {
    const here = { name: 'this page’s run', result: this.own()! };
    this.compare(byDate(this.opened!, here));
  });

  /** `own`: the result of the page's own run. */
  constructor(app: App, own: () => BenchResult | undefined) {
    this.app = app;
    this.own = own;
    this.saves('bench-json', 'bench.json', 'application/json', toJson);
    this.saves('bench-csv', 'bench.csv', 'text/csv', toCsv);
    this.saves('bench-markdown', 'bench.md', 'text/markdown', toMarkdown);
    this.saves('bench-svg', 'roofline.svg', 'image/svg+xml', (of) => rooflineSvg(of));
  }

  /** The result to show. */
  get shown(): BenchResult | undefined {
    return this.opened?.result ?? this.own();
  }

  /** Closes the opened files, for a new run. */
  close(): void {
    this.opened = undefined;
    this.compare(undefined);
    this.drawOpened();
  }

  /** Shows one file, or compares two. */
  async open(files: readonly File[]): Promise<void> {
    this.close();
    try {
      const read = await Promise.all(files.map(async (file) => parseResult(file.name, await file.text())));
      if (read.length > 2)
        throw new Error(`These are ${read.length} files. Give one result to look at, or two to compare.`);
      // The page's own result stays where it is.
      if (read.length === 1) [this.opened] = read;
      else this.compare(byDate(read[0], read[1]));
    } catch (error) {
      this.app.complain(error instanceof Error ? error.message : String(error));
    }
    this.drawOpened();
    this.app.changed();
  }

  render(): void {
    const { shown } = this;
    setHidden('bench-saves', !shown);
    this.withOwn.hidden = !this.own();
    setDisabled('bench-svg', anyElement('bench-roofline').hidden !== false);
  }

  private saves(id: string, name: string, type: string, content: (of: BenchResult) => string | undefined) {
    button(id).addEventListener('click', () => {
      const text = this.shown && content(this.shown);
      if (text) download(name, text, type);
    });
  }

  private drawOpened(): void {
    const box = anyElement('bench-opened');
    keepFocus(() => {
      box.hidden = !this.opened;
    });
    if (!this.opened) return;
    const { name, result } = this.opened;
    const words = element('div', 'opened-words');
    words.append(
      element('p', '', `This is ${name}, not measured here.`),
      ...headLines(result).map((line) => element('p', 'muted', line)),
    );
    const buttons = element('p', 'buttons');
    buttons.append(
      this.withOwn,
      makeButton('Close', () => this.close()),
    );
    box.replaceChildren(words, buttons);
  }

  private compare(pair: readonly [Named, Named] | undefined): void {
    this.pair = pair;
    this.comparison = pair && comparisonTable(pair[0], pair[1]);
    const box = anyElement('bench-comparison');
    const pressed = box.contains(document.activeElement) && document.activeElement!.textContent;
    keepFocus(() => box.replaceChildren(...(this.comparison ? [this.section(this.comparison)] : [])));
    // The same button in the new section.
    const again = [...box.querySelectorAll('button')].find(({ textContent }) => textContent === pressed);
    again?.focus({ preventScroll: true });
    this.app.changed();
  }

  private section(comparison: Table): HTMLElement {
    const section = tableSection(comparison);
    const buttons = element('span', 'buttons');
    buttons.append(
      makeButton('Swap', () => this.compare(this.pair && [this.pair[1], this.pair[0]])),
      makeButton('Close', () => this.compare(undefined)),
    );
    section.querySelector('h2')!.append(buttons);
    return section;
  }
}

/** Puts the earlier file first: the later one is compared with it. */
const byDate = (a: Named, b: Named): [Named, Named] => (a.result.date <= b.result.date ? [a, b] : [b, a]);
