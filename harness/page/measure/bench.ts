/** Bench: times the network and every kernel on the visitor's GPU, in a table that grows. No number without a passed check. */

import { addEvent, type BenchResult, type Row, rowsToJson } from '../../bench/result';
import { roofline, rooflineCss, rooflineSvg } from '../../bench/roofline';
import {
  benchMarkdown,
  caveats,
  headLines,
  measuredText,
  rowCells,
  tableHead,
  tableNotes,
} from '../../bench/table';
import type { CaseResult } from '../../run/check';
import { shareText, worstText } from '../../run/check_export';
import { choiceText } from '../../run/network';
import type { App } from '../shell/app';
import {
  addStyles,
  anyElement,
  download,
  drawSvg,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
} from '../shell/dom';
import { appendRow, tableSection } from '../shell/table';
import { showSources } from '../sources/sources';
import { budgetLeft, chosenNetwork, MeasureRun } from './measure';
import { factList, openRow } from './open_row';

const NOTHING = { done: 0, total: 1, title: '' };
/** Widths of the roofline. */
const NARROW = 380;
const WIDE = 800;

export class Bench {
  readonly run: MeasureRun<'bench'>;
  result: BenchResult | undefined;
  private readonly app: App;
  private progress = NOTHING;
  /** How many rows are drawn, and where. */
  private drawn = 0;
  private table: ReturnType<typeof tableSection> | undefined;

  constructor(app: App) {
    this.app = app;
    this.run = new MeasureRun(app, 'bench', (event) => {
      if (event.kind === 'progress') this.progress = event;
      this.result = addEvent(this.result, event);
    });
    addStyles(rooflineCss);
    const save = (id: string, name: string, type: string, content: (of: BenchResult) => string | undefined) =>
      onClick(id, () => download(name, content(this.result!)!, type));
    save('bench-json', 'bench.json', 'application/json', rowsToJson);
    save('bench-markdown', 'bench.md', 'text/markdown', benchMarkdown);
    save('bench-svg', 'roofline.svg', 'image/svg+xml', rooflineSvg);
  }

  start(byItself = false): void {
    this.progress = NOTHING;
    this.result = undefined;
    this.drawn = 0;
    this.table = undefined;
    anyElement('bench-table').replaceChildren();
    this.run.start(byItself);
  }

  /** For scripts. */
  get results() {
    const { status, message } = this.run;
    return { status, message, result: this.result };
  }

  render(): void {
    const { result, run } = this;
    setMessage('bench-caveats', result && !run.active ? caveats(result).join('\n') : '');
    setHidden('bench-saves', !result);
    // Only rows that have come since are added, so that a selection and the scroll position survive.
    const added = result?.rows.slice(this.drawn) ?? [];
    this.drawn += added.length;
    if (added.length > 0) this.add(result!, added);
    setHidden('bench-roofline', this.drawn === 0);
  }

  get share(): number {
    return this.progress.done / this.progress.total;
  }

  get doing(): string {
    return `Measuring ${choiceText(this.result ? this.result.network : chosenNetwork(this.app.settings))}`;
  }

  get found(): string {
    return measuredText(this.result?.rows ?? []);
  }

  get detail(): string {
    if (this.run.status !== 'running') return this.result ? headLines(this.result).slice(-2).join(' ') : '';
    const left = budgetLeft(this.run.seconds, this.result?.budgetSeconds ?? this.app.settings.budget);
    const done = this.found && `Done: ${this.found}`;
    return [done, left, this.progress.title].filter(Boolean).join('; ');
  }

  private add(result: BenchResult, rows: readonly Row[]): void {
    const about = tableHead(result);
    if (!this.table) {
      this.table = tableSection({ ...about, rows: [] });
      anyElement('bench-table').append(this.table.section);
    }
    for (const measured of rows) {
      if (measured.reason !== undefined) continue;
      const row = appendRow(this.table.body, rowCells(result, measured), about);
      row.classList.toggle('in-use', measured.used === true);
      openRow(row, about.head.length, (box) => box.append(...detailsOf(measured)));
    }
    this.table.showNotes(tableNotes(result));
    const plot = anyElement('bench-plot');
    const width = Math.min(Math.max(anyElement('bench-part').clientWidth, NARROW), WIDE);
    const drawing = roofline(result, width);
    plot.replaceChildren(...(drawing ? [drawSvg(drawing)] : []));
    setDisabled('bench-svg', !drawing);
  }
}

/** What the row's columns do not say. */
function detailsOf({ kernel, shape, shaders, check }: Row): HTMLElement[] {
  const passed = ({ share, worst }: CaseResult) =>
    share === 0
      ? 'every element is exact'
      : `passed with ${shareText(share)} of the allowed error; worst ${worstText(worst)}`;
  const facts = factList({
    Shape: shape ?? '',
    'Check before it': check?.pass ? passed(check) : `failed: ${check?.failure}`,
  });
  return shaders ? [facts, showSources(kernel, shaders)] : [facts];
}
