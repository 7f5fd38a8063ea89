/** The view of the GPU: what it is, how fast a training step and its kernels run on it, and every kernel timed or checked. */
import { type EngineReport, requirements } from '../../../src';
import { describeAdapter } from '../../../src/gpu/adapter';
import { choiceText } from '../../run/network';
import { explainWords } from '../glossary/terms';
import type { WorkerEvent } from '../messages/messages';
import type { Task } from '../messages/settings';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { viewFor } from '../shell/doors';
import { connectFields } from '../shell/fields';
import { rests } from '../shell/state';
import { element } from '../shell/table';
import { Bench } from './bench';
import { Check } from './check';
import { featureUses, type GpuFacts, gpuReport, gpuSummary, type Limit, limitText } from './gpu_facts';
import { chosenNetwork, offerKernelNames, usualBatch } from './measure';
import { factList } from './open_row';

/** A browser lets a page copy for about 5 s after a click. */
const PATIENCE_MS = 2000;

/** It is rendered in every view: what it measures by itself ends when its own is left. */
export class GpuPanel implements TaskPanel {
  readonly check: Check;
  readonly bench: Bench;
  private readonly app: App;
  private readonly fields: ReturnType<typeof connectFields>;
  /** Check or Bench, whichever was started last. */
  private last: Check | Bench | undefined;
  private facts: GpuFacts | undefined;
  /** The network of a step that was timed without a press. */
  private measured = '';
  /** The facts that are drawn. */
  private shown = '';
  private looking: Promise<void> | undefined;
  /** The view was opened, and has not decided whether it measures. */
  private opens = false;
  private isOpen = false;
  private problem = '';
  private copied = '';

  private readonly copy = button('gpu-copy');
  private readonly list = anyElement('gpu-facts');
  /** The report, for a hand to copy where the browser lets no program do it. */
  private readonly report = anyElement('gpu-report');

  constructor(app: App) {
    this.app = app;
    this.check = new Check(app);
    this.bench = new Bench(app);
    this.fields = connectFields(
      app,
      byId('kernels-settings', HTMLFormElement),
      anyElement('kernels-problem'),
    );
    explainWords(anyElement('panel-gpu'));
    offerKernelNames();
    for (const task of ['check', 'bench'] as const)
      onClick(`${task}-run`, () => {
        const { run } = this[task];
        if (run.active && !run.byItself) run.stop();
        else this.begin(task);
      });
    this.copy.addEventListener('click', () => void this.copyReport());
  }

  receive({ type }: WorkerEvent): void {
    for (const { run } of [this.check, this.bench]) run.proceed();
    // The browser gave no adapter before, and does now.
    if (type === 'recovered' && this.problem) {
      this.problem = '';
      this.looking = undefined;
    }
  }

  start(task: Task): void {
    this.begin(task === 'check' ? task : 'bench');
  }

  render(): void {
    const { app, bench } = this;
    const isOpen = !app.home && viewFor(app.settings.task) === 'gpu';
    if (isOpen !== this.isOpen) {
      this.isOpen = isOpen;
      this.opens = isOpen;
      if (!isOpen) bench.run.giveWay();
    }
    if (!isOpen) return;
    void this.look();
    if (this.opens) this.measureOpened();
    this.drawFacts();
    setDisabled(this.copy, !this.facts);
    setText('gpu-copied', this.copied);
    this.renderRuns();
  }

  /** Times a step by itself where nothing else is done, and was not asked for, and there is nothing to show yet. */
  private measureOpened(): void {
    const { app, bench, last, facts } = this;
    const { state, asked, measuring } = app;
    if (!facts || ['starting', 'loading'].includes(state.phase)) return;
    this.opens = false;
    const isFree = rests(state) && !state.training && !state.distilling && !measuring && !asked;
    const network = choiceText(chosenNetwork(app.settings));
    const isNew = !last || bench.run.status === 'ready' || (bench.run.byItself && this.measured !== network);
    if (!isFree || !isNew || !bench.run.possible) return;
    this.measured = network;
    this.last = bench;
    bench.start(true);
    app.changed();
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
    const { facts, bench, last } = this;
    const engines = {
      'The engine that trains': await this.ask(),
      'The engine that measured': last?.run.report,
    };
    const text = gpuReport(facts!, bench.result, new Date().toISOString(), engines);
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
    const { facts, bench, list } = this;
    const shown = JSON.stringify([facts, bench.result?.timer]);
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
    const summary = gpuSummary(facts, bench.result);
    list.replaceChildren(
      factList({ ...summary, ...Object.fromEntries(features), Browser: facts.runtime }),
      details,
    );
  }

  private begin(task: 'check' | 'bench'): void {
    const part = this[task];
    if (!this.fields.valid || !part.run.possible) return;
    this.bench.run.giveWay();
    this.last = part;
    // The newest results stand first.
    anyElement('gpu-results').prepend(anyElement(`${task}-part`));
    part.start();
    this.app.changed();
  }

  private renderRuns(): void {
    const { app, fields, last } = this;
    fields.render();
    byId('bench-batch', HTMLInputElement).placeholder = String(usualBatch(app));
    for (const [task, name] of [
      ['check', 'Check'],
      ['bench', 'Bench'],
    ] as const) {
      const { run } = this[task];
      const isAsked = run.active && !run.byItself;
      setText(`${task}-run`, isAsked ? 'Stop' : name);
      setDisabled(`${task}-run`, !isAsked && !(run.possible && fields.valid));
      this[task].render();
    }
    setHidden('gpu-progress', !last || last.run.status === 'ready');
    setMessage('gpu-problem', this.problem || last?.run.message);
    if (!last) return;
    const { run, doing, found, detail, share } = last;
    const ended = { done: 'Done', stopped: 'Stopped', failed: found ? 'Stopped' : 'Not started' };
    const words = { ready: '', waiting: run.waits, running: doing, ...ended }[run.status];
    // A screen reader speaks this, so it does not include the progress, which is displayed beside it.
    setText('gpu-status', found && !run.active ? `${words}: ${found}` : words);
    anyElement('gpu-status').parentElement!.classList.toggle('busy', run.active);
    setText('gpu-detail', detail);
    byId('gpu-bar', HTMLProgressElement).value = run.status === 'done' ? 1 : share;
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
