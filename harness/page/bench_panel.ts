/** The Bench tab: what the visitor's GPU makes of every kernel at the network's own shapes. No number without a passed check. */
import type { BenchEvent, BenchResult, BenchRow, BenchTotal, SkippedRow, TotalName } from '../bench';
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, download, setMessage, setReading, setText } from './dom';
import { connectFields } from './fields';
import { measured, percent, whole } from './format';
import { Measurement, type MeasureStatus } from './measure';
import { cell, extraRow } from './table';

export interface BenchResults {
  readonly status: MeasureStatus;
  readonly message: string;
  readonly rows: readonly BenchRow[];
  /** As the command line writes it; once the run is complete. */
  readonly result: BenchResult | undefined;
}

const COLUMNS = 8;

export function createBenchPanel(app: App): TaskPanel & { readonly results: BenchResults } {
  const fields = connectFields(app, byId('bench-settings', HTMLFormElement), anyElement('bench-problem'));
  const body = byId('bench-table', HTMLTableElement).tBodies[0];
  let rows: BenchRow[] = [];
  let skipped: SkippedRow[] = [];
  let drawn = 0;
  let drawnSkipped = 0;
  let progress = { done: 0, total: 1, title: '' };
  let peak: Extract<BenchEvent, { kind: 'peak' }> | undefined;
  let totals: Partial<Record<TotalName, BenchTotal>> = {};
  let result: BenchResult | undefined;
  let copied = '';

  const run = new Measurement<BenchEvent>(app, 'bench', (event) => {
    if (event.kind === 'progress') progress = event;
    else if (event.kind === 'peak') peak = event;
    else if (event.kind === 'row') rows.push(event.row);
    else if (event.kind === 'skipped') skipped.push(event.row);
    else if (event.kind === 'total') totals[event.name] = event.total;
    else result = event.result;
  });

  const start = () => {
    if (!fields.valid) return;
    rows = [];
    skipped = [];
    drawn = 0;
    drawnSkipped = 0;
    progress = { done: 0, total: 1, title: '' };
    peak = undefined;
    totals = {};
    result = undefined;
    copied = '';
    body.replaceChildren();
    run.start();
    app.changed();
  };
  button('bench-run').addEventListener('click', () => (run.active ? run.stop() : start()));

  const json = () => JSON.stringify(result, undefined, 2);
  button('bench-save').addEventListener('click', () => download('bench.json', json(), 'application/json'));
  button('bench-copy').addEventListener('click', () => {
    navigator.clipboard.writeText(json()).then(
      () => {
        copied = 'Copied';
        app.changed();
      },
      () => {
        copied = 'The browser does not let this page write to the clipboard. Save the file instead.';
        app.changed();
      },
    );
  });

  const draw = ({ kernel, variant, layer, ms, gflops, gbps, shareOfPeak, check }: BenchRow) => {
    const row = body.insertRow();
    cell(row, kernel);
    cell(row, variant);
    cell(row, layer);
    const number = (value: number | null) =>
      cell(row, value === null || value === 0 ? '' : measured(value), 'number');
    if (!ms || !check.pass) {
      cell(row, 'not timed: its check failed', 'bad-text').colSpan = COLUMNS - 3;
      if (check.failure) extraRow(body, COLUMNS, check.failure, 'wrap');
      return;
    }
    number(ms.median);
    cell(row, `${measured(ms.p10)} … ${measured(ms.p90)}`, 'number muted');
    number(gflops);
    number(gbps);
    cell(row, shareOfPeak === null ? '' : percent(shareOfPeak), 'number');
  };

  const drawSkipped = ({ kernel, variant, layer, reason }: SkippedRow) => {
    const row = body.insertRow();
    for (const text of [kernel, variant, layer]) cell(row, text, 'muted');
    cell(row, `not run: ${reason}`, 'muted').colSpan = COLUMNS - 3;
  };

  const rowCount = () => `${whole(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`;

  const describe = (): string => {
    const failed = rows.filter((row) => !row.check.pass).length;
    const failures = failed > 0 ? `; ${failed} failed their check and were not timed` : '';
    switch (run.status) {
      case 'ready':
        return 'Times every shader at the network’s own shapes, each after its check has passed';
      case 'waiting':
        return 'Waiting for the training to pause';
      case 'running':
        return `Measuring${failures}`;
      case 'stopped':
        return `Stopped after ${rowCount()}${failures}`;
      case 'failed':
        return `Broken off after ${rowCount()}${failures}`;
      case 'done':
        return `Done: ${rowCount()}${failures}`;
    }
  };

  const clock = () => {
    if (!peak) return '';
    const { kind, resolutionMs } = peak.timer;
    if (kind === 'wall clock') return 'Timed by the wall clock';
    const coarse = resolutionMs >= 0.001 ? `, in steps of ${measured(resolutionMs * 1000)} µs` : '';
    return `Timed by the GPU’s own clock${coarse}`;
  };

  const reading = (id: string, total: BenchTotal | undefined) => {
    if (total)
      setReading(id, `${measured(total.ms.median)} ms`, ` ${measured(total.imagesPerSecond)} images/s`);
    else setReading(id, '–');
  };

  return {
    start,
    get results() {
      return { status: run.status, message: run.message, rows, result };
    },
    render() {
      run.proceed();
      fields.render();
      const action = button('bench-run');
      setText(action, run.active ? 'Stop' : 'Bench');
      action.disabled = !run.active && !(run.possible && fields.valid);
      setText(anyElement('bench-status'), describe());
      anyElement('bench-status').parentElement!.classList.toggle('busy', run.active);
      setText(anyElement('bench-detail'), run.status === 'running' ? progress.title : clock());
      byId('bench-progress', HTMLProgressElement).value =
        run.status === 'done' ? 1 : progress.done / progress.total;
      setMessage(anyElement('bench-error'), run.message);
      reading('bench-step', totals.step);
      reading('bench-forward', totals.forward);
      reading('bench-sample', totals.sample);
      setReading('bench-gflops', peak ? measured(peak.peak.gflops) : '–', peak ? ' GFLOP/s' : '');
      setReading('bench-gbps', peak ? measured(peak.peak.gbps) : '–', peak ? ' GB/s' : '');
      for (; drawn < rows.length; drawn++) draw(rows[drawn]);
      for (; drawnSkipped < skipped.length; drawnSkipped++) drawSkipped(skipped[drawnSkipped]);
      anyElement('bench-results').hidden = rows.length + skipped.length === 0;
      button('bench-copy').disabled = !result;
      button('bench-save').disabled = !result;
      setText(anyElement('bench-copied'), copied);
    },
  };
}
