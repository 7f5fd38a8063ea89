/** The Check tab: compares every kernel variant with its reference on the visitor's GPU, on the cases of the project's own tests. */
import type { CheckEvent, CheckRow } from '../run/check';
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, setMessage, setText } from './dom';
import { connectFields } from './fields';
import { percent, whole } from './format';
import { offerKernelNames } from './kernel_names';
import { Measurement, type MeasureStatus } from './measure';
import { cell, extraRow } from './table';

export interface CheckResults {
  readonly status: MeasureStatus;
  readonly message: string;
  readonly rows: readonly CheckRow[];
}

const words = { pass: 'passed', fail: 'failed', skipped: 'not run' } as const;

export function createCheckPanel(app: App): TaskPanel & { readonly results: CheckResults } {
  const fields = connectFields(app, byId('check-settings', HTMLFormElement), anyElement('check-problem'));
  offerKernelNames('check');
  const body = byId('check-table', HTMLTableElement).tBodies[0];
  let rows: CheckRow[] = [];
  let drawn = 0;
  let progress = { done: 0, total: 1, title: '' };

  const run = new Measurement<CheckEvent>(app, 'check', (event) => {
    if (event.kind === 'progress') progress = event;
    else rows.push(event.row);
  });

  const start = () => {
    if (!fields.valid) return;
    rows = [];
    drawn = 0;
    progress = { done: 0, total: 1, title: '' };
    body.replaceChildren();
    run.start();
    app.changed();
  };
  button('check-run').addEventListener('click', () => (run.active ? run.stop() : start()));

  const draw = ({ kernel, variant, cases, share, result, reason }: CheckRow) => {
    const row = body.insertRow();
    cell(row, kernel);
    cell(row, words[result], { pass: 'good', fail: 'bad-text', skipped: 'muted' }[result]);
    cell(row, variant);
    cell(row, result === 'skipped' ? '' : whole(cases), 'number');
    const error = cell(row, '');
    if (result !== 'skipped') {
      const bar = document.createElement('span');
      bar.className = 'bar';
      bar.style.setProperty('--share', `${100 * Math.min(share, 1)}%`);
      error.append(bar, share === 0 ? 'exact' : share < 100 ? percent(share) : 'far beyond');
    }
    if (reason && result === 'fail') extraRow(body, 5, reason, 'wrap');
    else if (reason) extraRow(body, 5, reason, 'muted');
  };

  const summary = () => {
    const count = (result: CheckRow['result']) => rows.filter((row) => row.result === result).length;
    const [passed, failed, skipped] = [count('pass'), count('fail'), count('skipped')];
    const parts = [`${passed} passed`, `${failed} failed`];
    if (skipped > 0) parts.push(`${skipped} not run`);
    return parts.join(', ');
  };

  const describe = (): string => {
    switch (run.status) {
      case 'ready':
        return 'Runs every shader on this GPU and compares it with a plain reference on the processor';
      case 'waiting':
        return 'Waiting for the training to pause';
      case 'running':
        return 'Checking';
      case 'stopped':
        return `Stopped: ${summary()}`;
      case 'failed':
        return rows.length === 0 ? 'Not begun' : `Broken off: ${summary()}`;
      case 'done':
        return summary();
    }
  };

  return {
    start,
    get results() {
      return { status: run.status, message: run.message, rows };
    },
    receive() {
      run.proceed();
    },
    render() {
      fields.render();
      const action = button('check-run');
      setText(action, run.active ? 'Stop' : 'Check');
      action.disabled = !run.active && !(run.possible && fields.valid);
      setText(anyElement('check-status'), describe());
      anyElement('check-status').parentElement!.classList.toggle('busy', run.active);
      setText(anyElement('check-detail'), run.status === 'running' ? progress.title : '');
      byId('check-progress', HTMLProgressElement).value =
        run.status === 'done' ? 1 : progress.done / progress.total;
      setMessage(anyElement('check-error'), run.message);
      for (; drawn < rows.length; drawn++) draw(rows[drawn]);
      anyElement('check-results').hidden = rows.length === 0;
    },
  };
}
