/** The Check tab: compares every kernel variant with its reference on the visitor's GPU, on the cases of the project's own tests. */
import type { EngineReport } from '../../../src';
import type { CheckRow } from '../../run/check';
import { type CheckReport, checkJson, checkMarkdown, checkSummary } from '../../run/check_export';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, button, byId, download, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { setDisabled } from '../shell/focus';
import { whole } from '../shell/format';
import { CheckTable } from './check_table';
import { offerKernelNames } from './kernel_names';
import { Measurement, type MeasureStatus } from './measure';
import { timeLeft } from './time_left';

export interface CheckResults {
  readonly status: MeasureStatus;
  readonly message: string;
  readonly rows: readonly CheckRow[];
}

const NOTHING = { done: 0, total: 1, share: 0, title: '' };

export class CheckPanel implements TaskPanel {
  private readonly app: App;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly table = new CheckTable();
  private readonly run: Measurement<'check'>;
  private rows: CheckRow[] = [];
  private progress = NOTHING;
  private date = '';
  private engine: EngineReport | undefined;

  constructor(app: App) {
    this.app = app;
    this.fields = connectFields(app, byId('check-settings', HTMLFormElement), anyElement('check-problem'));
    offerKernelNames('check');
    this.run = new Measurement(app, 'check', (event) => {
      if (event.kind === 'progress') this.progress = event;
      else if (event.kind === 'report') this.engine = event.report;
      else this.rows = [...this.rows, event.row];
    });
    button('check-run').addEventListener('click', () => (this.run.active ? this.run.stop() : this.start()));
    button('check-json').addEventListener('click', () =>
      download('check.json', checkJson(this.report), 'application/json'),
    );
    button('check-markdown').addEventListener('click', () =>
      download('check.md', checkMarkdown(this.report), 'text/markdown'),
    );
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
    setText(anyElement('check-status'), this.status());
    anyElement('check-status').parentElement!.classList.toggle('busy', run.active);
    setText(anyElement('check-detail'), run.status === 'running' ? this.detail() : '');
    byId('check-progress', HTMLProgressElement).value = run.status === 'done' ? 1 : progress.share;
    setMessage(anyElement('check-error'), run.message);
    this.table.draw(rows);
    anyElement('check-results').hidden = rows.length === 0;
    anyElement('check-used').hidden = !rows.some(({ inUse }) => inUse);
    for (const id of ['check-json', 'check-markdown']) setDisabled(button(id), rows.length === 0);
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
        return 'Waiting for the training to pause';
      case 'running':
        return 'Checking';
      case 'stopped':
        return `Stopped: ${checkSummary(this.rows)}`;
      case 'failed':
        return this.rows.length === 0 ? 'Not begun' : `Broken off: ${checkSummary(this.rows)}`;
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
