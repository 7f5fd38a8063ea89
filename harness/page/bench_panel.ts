/** The Bench tab: measures the network and every kernel on the visitor's GPU. No number without a passed check. */
import { comparisonTable, type Named, parseResult } from '../bench/compare';
import { toCsv, toJson, toMarkdown } from '../bench/export';
import { addEvent, type BenchEvent, type BenchResult, type BenchTotal } from '../bench/result';
import { NARROW, roofline, rooflineCss, rooflineSvg } from '../bench/roofline';
import {
  benchTables,
  caveats,
  inUseNote,
  isInUse,
  measuredText,
  rowCells,
  rowHead,
  skippedLines,
  type Table,
} from '../bench/table';
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, download, setMessage, setReading, setText } from './dom';
import { addStyles, elementOf } from './draw';
import { connectFields } from './fields';
import { measured, whole } from './format';
import { offerKernelNames } from './kernel_names';
import { Measurement, type MeasureStatus } from './measure';
import { appendRow, extraRow, tableSection } from './table';

export interface BenchResults {
  readonly status: MeasureStatus;
  readonly message: string;
  /** The measurements so far, in the command line's format. */
  readonly result: BenchResult | undefined;
  readonly comparison: Table | undefined;
}

export interface BenchPanel extends TaskPanel {
  readonly results: BenchResults;
  /** Compares two result files, or one file with the page's own result. */
  compare(files: readonly File[]): void;
}

/** Kernel, variant and layer form one name here, so that a phone shows the milliseconds beside it. */
const rowTable = { title: 'Kernels', head: ['kernel', ...rowHead.slice(3)], text: 1 };

function nameFirst([kernel, variant, layer, ...rest]: readonly string[]): string[] {
  return [`${kernel}.${variant} ${layer}`, ...rest];
}

export function createBenchPanel(app: App): BenchPanel {
  const fields = connectFields(app, byId('bench-settings', HTMLFormElement), anyElement('bench-problem'));
  offerKernelNames('bench');
  addStyles(rooflineCss);
  let progress = { done: 0, total: 1, title: '' };
  let result: BenchResult | undefined;
  let drawn: BenchResult | undefined;
  let copied = '';
  let comparison: Table | undefined;

  const run = new Measurement<BenchEvent>(app, 'bench', (event) => {
    if (event.kind === 'progress') progress = event;
    result = addEvent(result, event);
  });

  const start = () => {
    if (!fields.valid) return;
    progress = { done: 0, total: 1, title: '' };
    result = undefined;
    copied = '';
    showComparison(undefined);
    run.start();
    app.changed();
  };
  button('bench-run').addEventListener('click', () => (run.active ? run.stop() : start()));

  // ---------------------------------------------------------------- files

  const save = (
    id: string,
    name: string,
    type: string,
    content: (result: BenchResult) => string | undefined,
  ) =>
    button(id).addEventListener('click', () => {
      const text = result && content(result);
      if (text) download(name, text, type);
    });
  save('bench-json', 'bench.json', 'application/json', toJson);
  save('bench-csv', 'bench.csv', 'text/csv', toCsv);
  save('bench-markdown', 'bench.md', 'text/markdown', toMarkdown);
  save('bench-svg', 'roofline.svg', 'image/svg+xml', (of) => rooflineSvg(of));
  button('bench-copy').addEventListener('click', () => {
    if (!result) return;
    navigator.clipboard.writeText(toJson(result)).then(
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

  const showComparison = (table: Table | undefined) => {
    comparison = table;
    const section = table && tableSection(table);
    if (section) {
      const close = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Close' });
      close.addEventListener('click', () => showComparison(undefined));
      section.querySelector('h2')!.append(close);
    }
    anyElement('bench-comparison').replaceChildren(...(section ? [section] : []));
    app.changed();
  };

  const compare = (files: readonly File[]) => {
    const reading = Promise.all(files.map(async (file) => parseResult(file.name, await file.text())));
    reading
      .then((read): Table => {
        const own: Named[] = read.length === 1 && result ? [{ name: 'this run', result }] : [];
        const all = [...read, ...own].sort((a, b) => (a.result.date < b.result.date ? -1 : 1));
        if (all.length !== 2) {
          const given = read.length === 1 ? `${read[0].name} alone` : `${read.length} files`;
          throw new Error(
            `Two results make a comparison; this is ${given}. Give two files, or one after a run here.`,
          );
        }
        return comparisonTable(all[0], all[1]);
      })
      .then(showComparison, (error: unknown) => {
        showComparison(undefined);
        app.complain(error instanceof Error ? error.message : String(error));
      });
  };

  // ---------------------------------------------------------------- drawing

  const narrow = matchMedia('(max-width: 34rem)');
  narrow.addEventListener('change', () => {
    drawn = undefined;
    app.changed();
  });

  /** The table grows row by row, so that a selection and the scroll position survive. */
  let rowsBody: HTMLTableSectionElement | undefined;
  const drawRows = (from: number, of: BenchResult) => {
    const { rows } = of;
    if (rows.length === 0) return;
    if (!rowsBody) {
      const section = tableSection({ ...rowTable, lead: inUseNote(of), rows: [] });
      anyElement('bench-rows').replaceChildren(section);
      rowsBody = section.querySelector('table')!.tBodies[0];
    }
    for (const row of rows.slice(from)) {
      const inUse = isInUse(of, row);
      appendRow(rowsBody, nameFirst(rowCells(row, inUse)), rowTable).classList.toggle(
        'in-use',
        inUse === true,
      );
      if (row.check.failure) extraRow(rowsBody, rowTable.head.length, row.check.failure, 'wrap');
    }
  };

  const drawResult = () => {
    if (result === drawn) return;
    const before = drawn && result && drawn.date === result.date ? drawn : undefined;
    drawn = result;
    if (!before) {
      rowsBody = undefined;
      anyElement('bench-rows').replaceChildren();
    }
    const tables = result ? benchTables({ ...result, rows: [] }) : [];
    const changed =
      !before ||
      before.breakdowns !== result?.breakdowns ||
      before.sweep !== result.sweep ||
      before.sample !== result.sample ||
      before.step !== result.step ||
      before.forward !== result.forward;
    if (changed) anyElement('bench-whole').replaceChildren(...tables.map(tableSection));
    if (result) drawRows(before?.rows.length ?? 0, result);
    const width = narrow.matches ? NARROW : undefined;
    const plot = result && before?.rows !== result.rows ? roofline(result, width) : undefined;
    if (plot) anyElement('bench-plot').replaceChildren(elementOf(plot));
    if (!before) anyElement('bench-roofline').hidden = true;
    if (plot) anyElement('bench-roofline').hidden = false;

    const left = skippedLines(result?.skipped ?? []);
    anyElement('bench-skipped').hidden = left.length === 0;
    setText(anyElement('bench-skipped-count'), `Not run: ${whole(result?.skipped.length ?? 0)}`);
    const items = left.map((line) =>
      Object.assign(document.createElement('li'), { textContent: line.replace(/^not run: /, '') }),
    );
    anyElement('bench-skipped-list').replaceChildren(...items);
  };

  const soFar = (words: string) => {
    const measured = result && measuredText(result);
    return measured ? `${words} ${measured}` : undefined;
  };

  const describe = (): string => {
    switch (run.status) {
      case 'ready':
        return 'Times the whole network, then every shader at the network’s own shapes, each after its check has passed';
      case 'waiting':
        return 'Waiting for the training to pause';
      case 'running':
        // A screen reader speaks this, so it does not include the progress, which is displayed beside it.
        return 'Measuring';
      case 'stopped':
        return soFar('Stopped after') ?? 'Stopped';
      case 'failed':
        return soFar('Broken off after') ?? 'Not begun';
      case 'done':
        return soFar('Done:') ?? 'Done';
    }
  };

  const clock = () => {
    if (!result) return '';
    const { kind, resolutionMs } = result.timer;
    if (kind === 'wall clock') return 'Timed by the wall clock';
    const coarse = resolutionMs >= 0.001 ? `, in steps of ${measured(resolutionMs * 1000)} µs` : '';
    // Both steps are timed as the caller sees them, submissions included (harness/bench/network.ts).
    return `Forward pass and kernels are timed by the GPU’s own clock${coarse}; training and sampling step by the wall clock`;
  };

  const reading = (id: string, total: BenchTotal | null | undefined) => {
    if (total)
      setReading(id, `${measured(total.ms.median)} ms`, ` ${measured(total.imagesPerSecond)} images/s`);
    else setReading(id, '–');
  };

  return {
    start,
    compare,
    get results() {
      return { status: run.status, message: run.message, result, comparison };
    },
    receive() {
      run.proceed();
    },
    render() {
      fields.render();
      byId('bench-batch', HTMLInputElement).placeholder = String(app.settings.batch);
      const action = button('bench-run');
      setText(action, run.active ? 'Stop' : 'Bench');
      action.disabled = !run.active && !(run.possible && fields.valid);
      setText(anyElement('bench-status'), describe());
      anyElement('bench-status').parentElement!.classList.toggle('busy', run.active);
      setText(
        anyElement('bench-detail'),
        run.status === 'running' ? [soFar('Done:'), progress.title].filter(Boolean).join('. ') : clock(),
      );
      byId('bench-progress', HTMLProgressElement).value =
        run.status === 'done' ? 1 : progress.done / progress.total;
      setMessage(anyElement('bench-error'), run.message);
      reading('bench-step', result?.step);
      reading('bench-forward', result?.forward);
      reading('bench-sample', result?.sample);
      const peak = result?.peak;
      setReading('bench-gflops', peak ? measured(peak.gflops) : '–', peak ? ' GFLOP/s' : '');
      setReading('bench-gbps', peak ? measured(peak.gbps) : '–', peak ? ' GB/s' : '');
      // During a run, every result is incomplete.
      setMessage(anyElement('bench-caveats'), result && !run.active ? caveats(result).join('\n') : '');
      drawResult();
      for (const id of ['bench-copy', 'bench-json', 'bench-csv', 'bench-markdown'])
        button(id).disabled = !result;
      button('bench-svg').disabled = anyElement('bench-roofline').hidden !== false;
      setText(anyElement('bench-copied'), copied);
    },
  };
}
