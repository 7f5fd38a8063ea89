/** The Bench view: measures the network and every kernel on the visitor's GPU. No number without a passed check. */
import { addEvent, type BenchResult } from '../../bench/result';
import { measuredText, type Table } from '../../bench/table';
import { choiceText } from '../../run/network';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, button, byId, onClick, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { measured } from '../shell/format';
import { BenchFiles } from './bench_files';
import { BenchView } from './bench_view';
import { budgetLeft, MeasureRun, type MeasureStatus, networkIn, offerKernelNames } from './measure';

export interface BenchResults {
  readonly status: MeasureStatus;
  readonly message: string;
  /** The measurements so far, or the opened file's, in the command line's format. */
  readonly result: BenchResult | undefined;
  readonly comparison: Table | undefined;
}

const NOTHING = { done: 0, total: 1, title: '' };

export class BenchPanel implements TaskPanel {
  readonly tasks = ['bench'] as const;
  private readonly app: App;
  private readonly fields: ReturnType<typeof connectFields>;
  private readonly files: BenchFiles;
  private readonly view: BenchView;
  private readonly run: MeasureRun<'bench'>;
  private progress = NOTHING;
  private result: BenchResult | undefined;

  constructor(app: App) {
    this.app = app;
    this.fields = connectFields(app, byId('bench-settings', HTMLFormElement), anyElement('bench-problem'));
    offerKernelNames('bench');
    this.files = new BenchFiles(app, () => this.result);
    this.view = new BenchView(() => app.changed());
    this.run = new MeasureRun(app, 'bench', (event) => {
      if (event.kind === 'progress') this.progress = event;
      this.result = addEvent(this.result, event);
    });
    offerMeasured();
    onClick('bench-run', () => (this.run.active ? this.run.stop() : this.start()));
  }

  start(): void {
    if (!this.fields.valid) return;
    this.progress = NOTHING;
    this.result = undefined;
    this.files.close();
    this.run.start();
    this.app.changed();
  }

  /** Looks at a result file, or compares two. */
  open(files: readonly File[]): void {
    void this.files.open(files);
  }

  get results(): BenchResults {
    const { status, message } = this.run;
    const { shown: result, comparison } = this.files;
    return { status, message, result, comparison };
  }

  receive(): void {
    this.run.proceed();
  }

  render(): void {
    const { app, fields, files, run, progress } = this;
    fields.render();
    byId('bench-batch', HTMLInputElement).placeholder = String(app.settings.batch);
    const action = button('bench-run');
    setText(action, run.active ? 'Stop' : 'Bench');
    action.disabled = !run.active && !(run.possible && fields.valid);
    setText('bench-status', this.status());
    anyElement('bench-status').parentElement!.classList.toggle('busy', run.active);
    setText('bench-detail', run.status === 'running' ? this.detail() : this.clock());
    byId('bench-progress', HTMLProgressElement).value =
      run.status === 'done' ? 1 : progress.done / progress.total;
    setMessage('bench-error', run.message);
    this.view.draw(files.shown, !run.active || files.opened !== undefined);
    files.render();
  }

  /** A screen reader speaks this, so it does not include the progress, which is displayed beside it. */
  private status(): string {
    const network = choiceText(this.result ? this.result.network : networkIn(this.app.settings));
    switch (this.run.status) {
      case 'ready':
        return `Times the whole network of the recipe ${network}, then every shader at the sizes that the network uses. Each shader is checked first`;
      case 'waiting':
        return this.run.waits;
      case 'running':
        return `Measuring ${network}`;
      case 'stopped':
        return this.soFar('Stopped after') ?? 'Stopped';
      case 'failed':
        return this.soFar('Stopped after') ?? 'Not started';
      case 'done':
        return this.soFar('Done:') ?? 'Done';
    }
  }

  private soFar(words: string): string | undefined {
    const text = this.result && measuredText(this.result);
    return text ? `${words} ${text}` : undefined;
  }

  private detail(): string {
    const left = budgetLeft(this.run.seconds, this.result?.budgetSeconds ?? this.app.settings.budget);
    return [this.soFar('Done:'), left, this.progress.title].filter(Boolean).join('; ');
  }

  private clock(): string {
    const timer = this.files.shown?.timer;
    if (!timer) return '';
    const { kind, resolutionMs } = timer;
    if (kind === 'wall clock') return 'Timed by the wall clock';
    const coarse = resolutionMs >= 0.001 ? `, in steps of ${measured(resolutionMs * 1000)} µs` : '';
    // Both steps are timed as the caller sees them, submissions included (harness/bench/network.ts).
    return `Forward pass and kernels are timed by the GPU’s own clock${coarse}; training and sampling step by the wall clock`;
  }
}

/** Loads the table of all adapters when it is unfolded. */
function offerMeasured(): void {
  const box = anyElement('bench-adapters');
  const fold = byId('bench-measured', HTMLDetailsElement);
  let isDrawn = false;
  fold.addEventListener('toggle', async () => {
    if (!fold.open || isDrawn) return;
    try {
      const { drawMeasured } = await import('./measured_view');
      await drawMeasured(box);
      isDrawn = true;
    } catch (error) {
      setText(
        box,
        `The table could not be loaded: ${(error as Error).message}. Fold and unfold it, or reload the page.`,
      );
    }
  });
}
