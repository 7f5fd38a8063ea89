/** The view of facts about the GPU. */
import { type EngineReport, requirements } from '../../../src';
import { describeAdapter } from '../../../src/gpu/adapter';
import type { WorkerEvent } from '../messages/messages';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, button, setDisabled, setMessage, setText } from '../shell/dom';
import { element } from '../shell/table';
import { featureUses, type GpuFacts, gpuReport, gpuSummary, type Limit, limitText } from './gpu_facts';
import { MeasureRun } from './measure';
import { factList } from './open_row';
import type { SelfCheckEvent } from './self_check';

/** A browser lets a page copy for about 5 s after a click. */
const PATIENCE_MS = 2000;

export class GpuPanel implements TaskPanel {
  readonly tasks = ['gpu'] as const;
  private readonly app: App;
  private readonly run: MeasureRun<'self-check'>;
  private facts: GpuFacts | undefined;
  private shown: GpuFacts | undefined;
  private looking: Promise<void> | undefined;
  private problem = '';
  private title = '';
  private copied = '';

  private readonly check = button('gpu-check');
  private readonly copy = button('gpu-copy');
  private readonly list = anyElement('gpu-facts');
  /** The report, for a hand to copy where the browser lets no program do it. */
  private readonly report = anyElement('gpu-report');

  constructor(app: App) {
    this.app = app;
    this.run = new MeasureRun(app, 'self-check', (event) => this.take(event));
    this.check.addEventListener('click', () => (this.run.active ? this.run.stop() : void this.start()));
    this.copy.addEventListener('click', () => void this.copyReport());
  }

  receive({ type }: WorkerEvent): void {
    this.run.proceed();
    // The browser gave no adapter before, and does now.
    if (type === 'recovered' && this.problem) {
      this.problem = '';
      this.looking = undefined;
    }
  }

  render(): void {
    void this.look();
    if (this.facts && this.facts !== this.shown) this.draw(this.facts);
    setText(this.check, this.run.active ? 'Stop' : 'Self-check');
    setDisabled(this.check, !this.run.active && !(this.run.possible && this.facts));
    setDisabled(this.copy, !this.facts);
    const doing = this.run.status === 'waiting' ? this.run.waits : this.title;
    setText('gpu-note', this.run.active ? doing : this.copied);
    setMessage('gpu-problem', this.problem || this.run.message);
  }

  async start(): Promise<void> {
    await this.look();
    if (!this.facts) return;
    this.copied = '';
    this.title = 'Starting';
    this.run.start();
    this.app.changed();
  }

  private take(event: SelfCheckEvent): void {
    const facts = this.facts!;
    if (event.kind === 'progress') this.title = event.title;
    else if (event.kind === 'timer') this.facts = { ...facts, timer: event.timer };
    else this.facts = { ...facts, selfCheck: event };
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
    const text = gpuReport(this.facts!, new Date().toISOString(), await this.ask());
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

  private draw(facts: GpuFacts): void {
    this.shown = facts;
    const features = Object.entries(featureUses).map(([name, use]) => [
      name,
      facts.features.includes(name) ? `Yes: ${use}` : `No; with it ${use}`,
    ]);
    const details = element('details', 'limits');
    const limits = Object.fromEntries(facts.limits.map((limit) => [limit.name, limitText(limit)]));
    details.append(element('summary', '', 'Limits'), factList(limits));
    const open = this.list.querySelector('details')?.open ?? false;
    details.open = open;
    this.list.replaceChildren(
      factList({ ...gpuSummary(facts), ...Object.fromEntries(features), Browser: facts.runtime }),
      details,
    );
    // What does not fit any more, or is wrong, must not be overlooked.
    anyElement('panel-gpu').classList.toggle('wrong', (facts.selfCheck?.wrong.length ?? 0) > 0);
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
