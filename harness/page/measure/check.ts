/** Check: compares every kernel variant with its reference on the visitor's GPU, on the cases of the project's own tests. */
import type { EngineReport } from '../../../src';
import type { CheckedCase, CheckRow } from '../../run/check';
import {
  type CheckReport,
  checkJson,
  checkMarkdown,
  checkSummary,
  compileText,
  resultWords,
  shareText,
  valueText,
  worstCase,
  worstText,
} from '../../run/check_export';
import { whole } from '../../text/units';
import type { App } from '../shell/app';
import { byId, download, onClick, setHidden } from '../shell/dom';
import { bar, cell, element, extraRow } from '../shell/table';
import { showSources } from '../sources/sources';
import { MeasureRun, type MeasureStatus, timeLeft } from './measure';
import { factList, openRow } from './open_row';

export interface CheckResults {
  readonly status: MeasureStatus;
  readonly message: string;
  readonly rows: readonly CheckRow[];
}

const NOTHING = { done: 0, total: 1, share: 0, title: '' };

export class Check {
  readonly run: MeasureRun<'check'>;
  private readonly app: App;
  private readonly table = new CheckTable();
  private rows: CheckRow[] = [];
  private progress = NOTHING;
  private date = '';
  private engine: EngineReport | undefined;

  constructor(app: App) {
    this.app = app;
    this.run = new MeasureRun(app, 'check', (event) => {
      if (event.kind === 'progress') this.progress = event;
      else if (event.kind === 'report') this.engine = event.report;
      else this.rows = [...this.rows, event.row];
    });
    onClick('check-json', () => download('check.json', checkJson(this.report), 'application/json'));
    onClick('check-markdown', () => download('check.md', checkMarkdown(this.report), 'text/markdown'));
  }

  start(): void {
    this.rows = [];
    this.engine = undefined;
    this.table.clear();
    this.progress = NOTHING;
    this.date = new Date().toISOString();
    this.run.start();
  }

  get results(): CheckResults {
    const { status, message } = this.run;
    return { status, message, rows: this.rows };
  }

  render(): void {
    const { rows } = this;
    this.table.draw(rows);
    setHidden('check-results', rows.length === 0);
    setHidden('check-used', !rows.some(({ inUse }) => inUse));
    setHidden('check-saves', rows.length === 0);
  }

  private get report(): CheckReport {
    const end = this.run.status === 'done' ? 'complete' : 'stopped';
    const adapter = this.app.state.adapter!;
    const { date, rows, engine } = this;
    return { adapter, runtime: navigator.userAgent, date, end, rows, engine };
  }

  get share(): number {
    return this.progress.share;
  }

  get doing(): string {
    return 'Checking';
  }

  get found(): string {
    return this.rows.length > 0 ? checkSummary(this.rows) : '';
  }

  get detail(): string {
    if (this.run.status !== 'running') return '';
    const { done, total, share, title } = this.progress;
    const cases = `Case ${whole(Math.min(done + 1, total))} of ${whole(total)}`;
    return [cases, timeLeft(this.run.seconds, share), title].filter(Boolean).join(', ');
  }
}

// ---------------------------------------------------------------- the table

const COLUMNS = 6;
const CLASSES = { pass: 'good', fail: 'bad-text', skipped: 'muted' } as const;

/** A row opens to its cases, the element that errs most, and what ran. */
class CheckTable {
  private readonly body: HTMLTableSectionElement;
  private drawn = 0;

  constructor() {
    this.body = byId('check-table', HTMLTableElement).tBodies[0];
  }

  clear(): void {
    this.body.replaceChildren();
    this.drawn = 0;
  }

  /** Draws what has come since, so that a selection and the scroll position survive. */
  draw(rows: readonly CheckRow[]): void {
    for (; this.drawn < rows.length; this.drawn++) this.add(rows[this.drawn]);
  }

  private add(checked: CheckRow): void {
    const { kernel, variant, cases, share, result, reason, inUse, each } = checked;
    const row = this.body.insertRow();
    row.classList.toggle('in-use', inUse === true);
    cell(row, kernel);
    cell(row, resultWords[result], CLASSES[result]);
    cell(row, inUse ? `${variant} *` : variant);
    cell(row, result === 'skipped' ? '' : whole(cases), 'number');
    cell(row, compileText(checked), 'number');
    const error = cell(row, '');
    if (result !== 'skipped')
      error.append(bar(share, result === 'pass' ? 'good-bar' : 'bad-bar'), shareText(share));
    if (reason) extraRow(this.body, COLUMNS, reason, result === 'fail' ? 'wrap' : 'muted');
    if (each.length > 0) openRow(row, COLUMNS, (box) => box.append(...detailsOf(checked)));
  }
}

function detailsOf({ kernel, each, shaders }: CheckRow): HTMLElement[] {
  const worst = worstCase(each);
  return [
    factList(worst?.worst ? worstFacts(worst) : { 'Worst element': exactness(each) }),
    caseTable(each),
    showSources(kernel, shaders),
  ];
}

const exactness = (each: readonly CheckedCase[]) =>
  each.every(({ pass }) => pass)
    ? 'None: all numbers of all cases are exact'
    : 'None: it failed in another way';

function worstFacts({ title, share, worst }: CheckedCase): Record<string, string> {
  const { tensor, index, place, expected, actual, allowed } = worst!;
  return {
    'Worst element': `${tensor}[${index}]${place}`,
    'in the case': title,
    expected: valueText(expected),
    actual: valueText(actual),
    error: Math.abs(actual - expected).toPrecision(3),
    'allowed error': `${allowed.toPrecision(3)}, of which ${shareText(share)} is used`,
  };
}

function caseTable(each: readonly CheckedCase[]): HTMLElement {
  const scroll = Object.assign(element('div', 'table cases'), {
    tabIndex: 0,
    role: 'group',
    ariaLabel: 'Cases',
  });
  const table = element('table', '');
  const titles = table.createTHead().insertRow();
  for (const title of ['Case', 'Result', 'Share', 'Worst element', 'Shape'])
    titles.append(Object.assign(element('th', title === 'Share' ? 'number' : '', title), { scope: 'col' }));
  const body = table.createTBody();
  for (const { title, pass, share, worst, shape } of each) {
    const row = body.insertRow();
    cell(row, title);
    cell(row, pass ? resultWords.pass : resultWords.fail, pass ? CLASSES.pass : CLASSES.fail);
    cell(row, shareText(share), 'number');
    cell(row, worstText(worst) || (pass ? 'none: exact' : ''));
    cell(row, shape);
  }
  scroll.append(table);
  return scroll;
}
