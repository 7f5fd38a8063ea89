/** The Check view: compares every kernel variant with its reference on the visitor's GPU, on the cases of the project's own tests. */
import type { EngineReport } from '../../../src';
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
} from '../../bench/check_export';
import type { CheckedCase, CheckRow } from '../../run/check';
import { whole } from '../../text/units';
import { explainWords } from '../glossary/terms';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, button, byId, download, onClick, setHidden, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { cell, element, extraRow } from '../shell/table';
import { sourcesOf } from '../sources/sources';
import { MeasureRun, type MeasureStatus, offerKernelNames, timeLeft } from './measure';
import { factList, openRow } from './open_row';

export interface CheckResults {
  readonly status: MeasureStatus;
  readonly message: string;
  readonly rows: readonly CheckRow[];
}

const NOTHING = { done: 0, total: 1, share: 0, title: '' };

export class CheckPanel implements TaskPanel {
  readonly tasks = ['check'] as const;
  private readonly app: App;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly table = new CheckTable();
  private readonly run: MeasureRun<'check'>;
  private rows: CheckRow[] = [];
  private progress = NOTHING;
  private date = '';
  private engine: EngineReport | undefined;

  constructor(app: App) {
    this.app = app;
    this.fields = connectFields(app, byId('check-settings', HTMLFormElement), anyElement('check-problem'));
    offerKernelNames('check');
    this.run = new MeasureRun(app, 'check', (event) => {
      if (event.kind === 'progress') this.progress = event;
      else if (event.kind === 'report') this.engine = event.report;
      else this.rows = [...this.rows, event.row];
    });
    onClick('check-run', () => (this.run.active ? this.run.stop() : this.start()));
    onClick('check-json', () => download('check.json', checkJson(this.report), 'application/json'));
    onClick('check-markdown', () => download('check.md', checkMarkdown(this.report), 'text/markdown'));
  }

  start(): void {
    if (!this.fields.valid) return;
    this.rows = [];
    this.engine = undefined;
    this.table.clear();
    this.progress = NOTHING;
    this.date = new Date().toISOString();
    this.run.start();
    this.app.changed();
  }

  get results(): CheckResults {
    const { status, message } = this.run;
    return { status, message, rows: this.rows };
  }

  receive(): void {
    this.run.proceed();
  }

  render(): void {
    const { fields, run, rows, progress } = this;
    fields.render();
    const action = button('check-run');
    setText(action, run.active ? 'Stop' : 'Check');
    action.disabled = !run.active && !(run.possible && fields.valid);
    setText('check-status', this.status());
    anyElement('check-status').parentElement!.classList.toggle('busy', run.active);
    setText('check-detail', run.status === 'running' ? this.detail() : '');
    byId('check-progress', HTMLProgressElement).value = run.status === 'done' ? 1 : progress.share;
    setMessage('check-error', run.message);
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

  /** A screen reader speaks this, so it does not include the progress, which is displayed beside it. */
  private status(): string {
    switch (this.run.status) {
      case 'ready':
        return 'Runs every shader on this GPU and compares it with a plain reference on the processor';
      case 'waiting':
        return this.run.waits;
      case 'running':
        return 'Checking';
      case 'stopped':
        return `Stopped: ${checkSummary(this.rows)}`;
      case 'failed':
        return this.rows.length === 0 ? 'Not started' : `Stopped: ${checkSummary(this.rows)}`;
      case 'done':
        return checkSummary(this.rows);
    }
  }

  private detail(): string {
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
    const table = byId('check-table', HTMLTableElement);
    explainWords(table);
    this.body = table.tBodies[0];
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
    if (result !== 'skipped') error.append(bar(share, result === 'pass'), shareText(share));
    if (reason) extraRow(this.body, COLUMNS, reason, result === 'fail' ? 'wrap' : 'muted');
    if (each.length > 0) openRow(row, COLUMNS, (box) => box.append(...detailsOf(checked)));
  }
}

function bar(share: number, passed: boolean): HTMLElement {
  const made = element('span', passed ? 'bar good-bar' : 'bar bad-bar');
  made.style.setProperty('--share', `${100 * Math.min(share, 1)}%`);
  return made;
}

function detailsOf({ kernel, each, shaders }: CheckRow): HTMLElement[] {
  const worst = worstCase(each);
  return [
    factList(worst?.worst ? worstFacts(worst) : { 'Worst element': exactness(each) }),
    caseTable(each),
    sourcesOf(kernel, shaders),
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
    ...{ tabIndex: 0, role: 'group', ariaLabel: 'Cases' },
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
