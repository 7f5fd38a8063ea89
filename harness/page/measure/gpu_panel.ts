/** The view of the GPU: what it is, how fast a training step and its kernels run on it, and every kernel timed or checked. */
import { type EngineReport, requirements } from '../../../src';
import { describeAdapter } from '../../../src/gpu/adapter';
import type { StepEvent } from '../../bench/measure_step';
import { choiceText } from '../../run/network';
import { explainWords } from '../glossary/terms';
import type { WorkerEvent } from '../messages/messages';
import type { Task } from '../messages/settings';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { keepInSight, viewOf } from '../shell/doors';
import { connectFields } from '../shell/fields';
import { rests } from '../shell/state';
import { element } from '../shell/table';
import { Bench } from './bench';
import { Check } from './check';
import {
  featureUses,
  type GpuFacts,
  gpuReport,
  gpuSummary,
  type Limit,
  limitText,
  type Measured,
  selfCheckText,
} from './gpu_facts';
import { MeasureRun, networkIn, offerKernelNames, usualBatch } from './measure';
import { factList } from './open_row';
import { StepView } from './step_view';

/** A browser lets a page copy for about 5 s after a click. */
const PATIENCE_MS = 2000;

/** It is rendered in every view: what it measures by itself ends when its own is left. */
export class GpuPanel implements TaskPanel {
  readonly check: Check;
  readonly bench: Bench;
  private readonly app: App;
  private readonly step: MeasureRun<'measurement'>;
  private readonly stepView = new StepView();
  private readonly fields: ReturnType<typeof connectFields>;
  /** Check or Bench, whichever was started last. */
  private last: Check | Bench | undefined;
  private facts: GpuFacts | undefined;
  private found: Measured = { kernels: [] };
  /** The network that was measured. */
  private measured = '';
  /** The facts that are drawn. */
  private shown = '';
  private looking: Promise<void> | undefined;
  /** The view was opened, and has not decided whether it measures. */
  private opens = false;
  private isOpen = false;
  private problem = '';
  private title = '';
  private copied = '';

  private readonly copy = button('gpu-copy');
  private readonly list = anyElement('gpu-facts');
  /** The report, for a hand to copy where the browser lets no program do it. */
  private readonly report = anyElement('gpu-report');

  constructor(app: App) {
    this.app = app;
    this.step = new MeasureRun(app, 'measurement', (event) => this.take(event));
    this.check = new Check(app);
    this.bench = new Bench(app);
    this.fields = connectFields(
      app,
      byId('kernels-settings', HTMLFormElement),
      anyElement('kernels-problem'),
    );
    explainWords(anyElement('panel-gpu'));
    offerKernelNames();
    onClick('gpu-measure', () => (this.step.active ? this.step.stop() : this.measure()));
    for (const task of ['check', 'bench'] as const)
      onClick(`${task}-run`, () => (this[task].run.active ? this[task].run.stop() : this.begin(task)));
    this.copy.addEventListener('click', () => void this.copyReport());
  }

  receive({ type }: WorkerEvent): void {
    for (const run of [this.step, this.check.run, this.bench.run]) run.proceed();
    // The browser gave no adapter before, and does now.
    if (type === 'recovered' && this.problem) {
      this.problem = '';
      this.looking = undefined;
    }
  }

  async start(task: Task): Promise<void> {
    if (task === 'check' || task === 'bench') return this.begin(task);
    await this.look();
    this.measure();
  }

  /** Looks at a result file of the bench, or compares two. */
  async open(files: readonly File[]): Promise<void> {
    this.opens = false;
    await this.bench.open(files);
    anyElement('kernels-results').prepend(anyElement('bench-part'));
    keepInSight(anyElement('kernels-results'));
  }

  render(): void {
    const { app, step } = this;
    const isOpen = !app.home && viewOf(app.settings.task) === 'gpu';
    if (isOpen !== this.isOpen) {
      this.isOpen = isOpen;
      this.opens = isOpen;
      if (!isOpen) step.giveWay();
      else if (app.settings.task !== 'gpu') keepInSight(anyElement('every-kernel'));
    }
    if (!isOpen) return;
    void this.look();
    if (this.opens) this.measureOpened();
    this.drawFacts();
    setText('gpu-measure', step.active ? 'Stop' : this.found.checked ? 'Measure again' : 'Measure');
    setDisabled('gpu-measure', !step.active && !(step.possible && this.facts));
    setDisabled(this.copy, !this.facts);
    setText('gpu-copied', this.copied);
    setText('gpu-status', this.status());
    anyElement('gpu-status').parentElement!.classList.toggle('busy', step.active);
    setText('gpu-detail', step.status === 'running' ? this.title : '');
    const wrong = this.found.checked?.wrong.length ? selfCheckText(this.found) : '';
    setMessage('gpu-problem', this.problem || step.message || wrong);
    this.stepView.draw(this.found);
    this.renderKernels();
  }

  // ---------------------------------------------------------------- a training step

  /** Measures by itself where nothing else is done, and was not asked for, and there is nothing to show yet. */
  private measureOpened(): void {
    const { app, step, facts } = this;
    const { state, asked, measuring } = app;
    if (!facts || ['starting', 'loading'].includes(state.phase)) return;
    this.opens = false;
    const isFree = rests(state) && !state.training && !state.distilling && !measuring && !asked;
    const isNew = step.status === 'ready' || this.measured !== this.network;
    if (isFree && isNew && !this.last?.run.active) this.measure(true);
  }

  private get network(): string {
    return choiceText(networkIn(this.app.settings));
  }

  /** Asked for again, it trusts nothing that is remembered of the adapter. */
  private measure(byItself = false): void {
    if (!this.facts || !this.step.possible) return;
    const anew = !byItself && this.found.checked !== undefined;
    this.found = { kernels: [] };
    this.measured = this.network;
    this.copied = '';
    this.title = '';
    this.step.start({ byItself, anew });
    this.app.changed();
  }

  private take(event: StepEvent): void {
    const { kind, ...rest } = event;
    if (event.kind === 'progress') this.title = event.title;
    else if (event.kind === 'checked') this.found = { ...this.found, checked: event };
    else if (event.kind === 'kernel')
      this.found = { ...this.found, kernels: [...this.found.kernels, event.timed] };
    else this.found = { ...this.found, ...rest };
  }

  private status(): string {
    const { step, app } = this;
    const { training, distilling } = app.state;
    if (step.status === 'waiting') return step.waits;
    if (step.status === 'running') return 'Measuring';
    if (this.found.checked) return this.found.checked.wrong.length ? '' : selfCheckText(this.found);
    if (step.status !== 'ready') return '';
    if (distilling) return 'Measure waits for Distil to end';
    return training ? 'Measure pauses the run that trains' : '';
  }

  /** Reads the adapter's facts from the browser, once and without a device. */
  private look(): Promise<void> {
    this.looking ??= this.read();
    return this.looking;
  }

  private async read(): Promise<void> {
    try {
      const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) throw new Error('The browser gives no adapter.');
      this.facts = {
        adapter: describeAdapter(adapter.info),
        limits: limitsOf(adapter),
        features: [...adapter.features],
        runtime: navigator.userAgent,
      };
    } catch (error) {
      this.problem = `The page cannot describe the GPU: ${(error as Error).message}`;
    }
    this.app.changed();
  }

  /** The training engine's report; undefined if there is no engine, or if its worker does not answer. */
  private ask(): Promise<EngineReport | undefined> {
    return new Promise((resolve) => {
      setTimeout(resolve, PATIENCE_MS);
      this.app.ask('report', undefined).then(resolve, () => {});
    });
  }

  private async copyReport(): Promise<void> {
    const text = gpuReport(this.facts!, this.found, new Date().toISOString(), await this.ask());
    try {
      await navigator.clipboard.writeText(text);
      this.copied = 'Copied';
    } catch {
      this.copied = 'The browser does not let the page copy. Select the text below.';
      this.report.textContent = text;
      this.report.hidden = false;
    }
    this.app.changed();
  }

  private drawFacts(): void {
    const { facts, found, list } = this;
    const shown = JSON.stringify([facts, found.timer]);
    if (!facts || shown === this.shown) return;
    this.shown = shown;
    const features = Object.entries(featureUses).map(([name, use]) => [
      name,
      facts.features.includes(name) ? `Yes: ${use}` : `No; with it ${use}`,
    ]);
    const details = element('details', 'limits');
    const limits = Object.fromEntries(facts.limits.map((limit) => [limit.name, limitText(limit)]));
    details.append(element('summary', '', 'Limits'), factList(limits));
    details.open = list.querySelector('details')?.open ?? false;
    list.replaceChildren(
      factList({ ...gpuSummary(facts, found), ...Object.fromEntries(features), Browser: facts.runtime }),
      details,
    );
  }

  // ---------------------------------------------------------------- every kernel

  private begin(task: 'check' | 'bench'): void {
    const part = this[task];
    if (!this.fields.valid || !part.run.possible) return;
    this.step.giveWay();
    this.last = part;
    // The newest results stand first.
    anyElement('kernels-results').prepend(anyElement(`${task}-part`));
    part.start();
    this.app.changed();
  }

  private renderKernels(): void {
    const { app, fields, last } = this;
    fields.render();
    byId('bench-batch', HTMLInputElement).placeholder = String(usualBatch(app));
    for (const [task, name] of [
      ['check', 'Check'],
      ['bench', 'Bench'],
    ] as const) {
      const { run } = this[task];
      setText(`${task}-run`, run.active ? 'Stop' : name);
      setDisabled(`${task}-run`, !run.active && !(run.possible && fields.valid));
      this[task].render();
    }
    setHidden('kernels-progress', !last);
    setMessage('kernels-error', last?.run.message);
    if (!last) return;
    const { run, doing, found, detail, share } = last;
    const ended = { done: 'Done', stopped: 'Stopped', failed: found ? 'Stopped' : 'Not started' };
    const words = { ready: '', waiting: run.waits, running: doing, ...ended }[run.status];
    // A screen reader speaks this, so it does not include the progress, which is displayed beside it.
    setText('kernels-status', found && !run.active ? `${words}: ${found}` : words);
    anyElement('kernels-status').parentElement!.classList.toggle('busy', run.active);
    setText('kernels-detail', detail);
    byId('kernels-bar', HTMLProgressElement).value = run.status === 'done' ? 1 : share;
  }
}

function limitsOf({ limits }: GPUAdapter): Limit[] {
  const needed: Readonly<Record<string, number>> = requirements.limits;
  const names = new Set([...Object.keys(needed), ...requirements.optionalLimits]);
  return [...names].map((name) => ({
    name,
    has: limits[name as keyof typeof requirements.limits],
    needed: needed[name],
  }));
}
