/** Bench: measures the network and every kernel on the visitor's GPU. No number without a passed check. */
import { addEvent, type BenchResult } from '../../bench/result';
import { headLines, measuredText, type Table } from '../../bench/table';
import { choiceText } from '../../run/network';
import type { App } from '../shell/app';
import { BenchFiles } from './bench_files';
import { BenchView } from './bench_view';
import { budgetLeft, MeasureRun, type MeasureStatus, networkIn } from './measure';

export interface BenchResults {
  readonly status: MeasureStatus;
  readonly message: string;
  /** The measurements so far, or the opened file's, in the command line's format. */
  readonly result: BenchResult | undefined;
  readonly comparison: Table | undefined;
}

const NOTHING = { done: 0, total: 1, title: '' };

export class Bench {
  readonly run: MeasureRun<'bench'>;
  private readonly app: App;
  private readonly files: BenchFiles;
  private readonly view: BenchView;
  private progress = NOTHING;
  private result: BenchResult | undefined;

  constructor(app: App) {
    this.app = app;
    this.files = new BenchFiles(app, () => this.result);
    this.view = new BenchView(() => app.changed());
    this.run = new MeasureRun(app, 'bench', (event) => {
      if (event.kind === 'progress') this.progress = event;
      this.result = addEvent(this.result, event);
    });
  }

  start(): void {
    this.progress = NOTHING;
    this.result = undefined;
    this.files.close();
    this.run.start();
  }

  /** Looks at a result file, or compares two. */
  open(files: readonly File[]): Promise<void> {
    return this.files.open(files);
  }

  get results(): BenchResults {
    const { status, message } = this.run;
    const { shown: result, comparison } = this.files;
    return { status, message, result, comparison };
  }

  render(): void {
    const { files, run } = this;
    this.view.draw(files.shown, !run.active || files.opened !== undefined);
    files.render();
  }

  get share(): number {
    return this.progress.done / this.progress.total;
  }

  get doing(): string {
    return `Measuring ${choiceText(this.result ? this.result.network : networkIn(this.app.settings))}`;
  }

  get found(): string {
    return this.result ? measuredText(this.result) : '';
  }

  get detail(): string {
    // What an opened file says of itself stands above it.
    if (this.run.status !== 'running')
      return this.result && !this.files.opened ? headLines(this.result).slice(-2).join(' ') : '';
    const left = budgetLeft(this.run.seconds, this.result?.budgetSeconds ?? this.app.settings.budget);
    const done = this.found && `Done: ${this.found}`;
    return [done, left, this.progress.title].filter(Boolean).join('; ');
  }
}
