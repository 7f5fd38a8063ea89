/** Checks what is measured, times it, and tells of it in rows. */
import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import type { Cost, Op } from '../../src/plan/op';
import { type CaseResult, checkCase, missingFeature, References } from '../run/check';
import type { NetworkChoice } from '../run/network';
import { makeInputs, toBits } from '../specs/lib/check_kernel';
import type { Arrays } from '../specs/lib/spec';
import { shaderNames, shapeText } from '../text/shape_text';
import { checkedShape, chosenIn, findEntry, kernelName, listEntries, makeOp, whyNotTimed } from './kernels';
import type { BenchEvent, Peak, Row, RowPlace, Whole } from './result';
import { rowName } from './table';
import { type Timer, type Times, withOp } from './timer';
import { withTask } from './whole';
import { computeFigures, type Entry } from './work';

/** How long all samples of an op, a kernel or a peak take, about. */
const SECONDS = 0.2;

export class Runner {
  peak: Peak = { gflops: 0, gbps: 0, copies: [] };
  /** Rows in all, and those that have begun. */
  total = 0;
  done = 0;
  /** When time is up. */
  end = Number.POSITIVE_INFINITY;
  private readonly engine: Engine;
  private readonly timer: Timer;
  private readonly tell: (event: BenchEvent) => void;
  private readonly signal: AbortSignal | undefined;
  private readonly references = new References();
  private readonly checks = new Map<string, CaseResult>();
  /** The variants at a layer get the same. */
  private inputs: { readonly shape: unknown; readonly arrays: Arrays } | undefined;

  constructor(engine: Engine, timer: Timer, tell: (event: BenchEvent) => void, signal?: AbortSignal) {
    this.engine = engine;
    this.timer = timer;
    this.tell = tell;
    this.signal = signal;
  }

  progress(title: string): void {
    this.tell({ kind: 'progress', done: this.done, total: this.total, title });
  }

  /** A row of the whole network. Resolves to the ops that it runs; none if time is up or the device too small. */
  async whole(kernel: Whole, network: NetworkChoice | undefined, place: RowPlace, entries: readonly Entry[]) {
    const row: Row = { part: 'whole', kernel, variant: '', layer: '', ...place };
    let ran: readonly Op[] = [];
    await this.row(row, () =>
      withTask(this.engine, kernel, network, place, async (ops, time) => {
        ran = ops;
        const all = ops.map((op) => findEntry(op, entries));
        return { variants: chosenIn(ops), ...(await this.measure(row, all, time)) };
      }),
    );
    return ran;
  }

  /** A row of a kernel by itself, or of an op as the network runs it. */
  kernel(entry: Entry, place: RowPlace): Promise<void> {
    const { kernel, variant, layer, used, op } = entry;
    const row: Row = { part: op ? 'op' : 'kernel', kernel, variant, layer, ...place, used };
    return this.row(row, async () => {
      const reason = whyNotTimed(this.engine, entry, this.peak);
      if (reason) return { reason };
      const about = { shape: shapeText(entry.shape), shaders: shaderNames(makeOp(entry)) };
      return { ...about, ...(await this.measure(row, [entry], () => this.time(entry))) };
    });
  }

  /** A row, unless time is up. What the device is too small for has a reason; any other error is thrown. */
  private async row(row: Row, make: () => Promise<Partial<Row>>): Promise<void> {
    this.signal?.throwIfAborted();
    if (performance.now() >= this.end) return;
    this.progress(rowName(row));
    this.done++;
    const entry = await make().catch((error) => ({ reason: limitMessage(error) }));
    this.tell({ kind: 'row', row: { ...row, ...entry } });
  }

  /** Times what consists of `all`, if each of it is right. */
  private async measure(
    row: Row,
    all: readonly Entry[],
    time: (signal?: AbortSignal) => Promise<Times>,
  ): Promise<Partial<Row>> {
    let worst: CaseResult = { pass: true, share: 0 };
    // Ops of a kernel follow each other, as they share references.
    for (const entry of [...all].sort((a, b) => a.kernel.localeCompare(b.kernel))) {
      this.progress(`${rowName(row)}: checking ${kernelName(entry)}`);
      const check = await this.check(entry);
      const failure = all.length > 1 ? `${kernelName(entry)}: ${check.failure}` : check.failure;
      if (!check.pass) return { check: { ...check, failure } };
      if (check.share >= worst.share) worst = check;
    }
    this.progress(rowName(row));
    const ms = await time(this.signal);
    return { check: worst, ms, ...computeFigures(all, ms.median, this.peak) };
  }

  /** Compares it with its reference, on each shape once. */
  async check(entry: Entry): Promise<CaseResult> {
    this.signal?.throwIfAborted();
    const { kernel, spec, variant } = entry;
    const shape = checkedShape(entry);
    if (!shape) return { pass: false, share: 0, failure: 'no case is small enough to be checked' };
    const key = `${kernel}.${variant} ${JSON.stringify(shape)}`;
    const known = this.checks.get(key);
    const found = known ?? (await checkCase(this.engine, spec, variant, shape, this.references));
    this.checks.set(key, found);
    return found;
  }

  /** On random numbers. Throws `limit` if the device cannot hold the shape's tensors. */
  private time(entry: Entry): Promise<Times> {
    const { engine, signal } = this;
    const { spec, shape } = entry;
    const timed = makeOp(entry);
    const all = timed.calls.flatMap(({ tensors }) => Object.values(tensors));
    const held = new Set(all.map((one) => one.base ?? one));
    return withOp(engine.gpu, timed, (encode, program) => {
      if (this.inputs?.shape !== shape) this.inputs = { shape, arrays: makeInputs(spec, shape) };
      // Tensors that a kernel updates in place start random too, as do weights and activations.
      for (const [name, values] of Object.entries(this.inputs!.arrays)) {
        const to = timed.origin.tensors[name];
        if (!values || !held.has(to.base ?? to)) continue;
        const bits = toBits(values) as BufferSource;
        engine.device.queue.writeBuffer(program.buffer(to), 4 * (to.offset ?? 0), bits);
      }
      return this.timer.measure(encode, { seconds: SECONDS, signal });
    });
  }

  /** The adapter's peak rates. Throws `shader` if a kernel that measures them fails its check. */
  async peaks(): Promise<Peak> {
    const gflops = await this.gflops();
    const best = await this.rates('copy', 'bytes');
    const copies = [...best].sort(([a], [b]) => a - b).map(([bytes, gbps]) => ({ bytes, gbps }));
    return { gflops, gbps: copies[copies.length - 1].gbps, copies };
  }

  /** The rate of multiply-adds in registers: which variant is faster differs between adapters. */
  async gflops(): Promise<number> {
    return Math.max(...(await this.rates('fma_peak', 'flops')).values());
  }

  /** The rate of a kernel by the amount of its work, of its fastest variant and samples: they are nearest to what the adapter can do. */
  private async rates(name: string, unit: keyof Cost): Promise<Map<number, number>> {
    const best = new Map<number, number>();
    for (const entry of listEntries(4, () => [])) {
      const { kernel, spec, variant, cost } = entry;
      if (kernel !== name || missingFeature(this.engine, spec, variant)) continue;
      const { pass, failure } = await this.check(entry);
      if (!pass)
        throw new EngineError(
          'shader',
          `${name}.${variant}, which measures this adapter's peak, fails its own check: ${failure}. The throughput is unknown; run check.`,
        );
      const { p10 } = await this.time(entry);
      const amount = cost[unit];
      best.set(amount, Math.max(amount / (1e6 * p10), best.get(amount) ?? 0));
    }
    return best;
  }
}

export function limitMessage(error: unknown): string {
  if (error instanceof EngineError && error.code === 'limit') return error.message;
  throw error;
}
