/** Checks what is measured, times it, and tells of it in rows. */
import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import { type CaseResult, checkCase, missingFeature, References } from '../run/check';
import { inputsOf } from '../specs/lib/check_kernel';
import type { Arrays } from '../specs/lib/spec';
import { checkedShape, type Entry, listEntries, nameOf, opOf, workOf } from './kernels';
import type { BenchEvent, Row } from './result';
import { type Timer, type Times, withOp } from './timer';
import { figuresOf, type Peak } from './work';

/** How long all samples of an op, a kernel or a peak take, about. */
const SECONDS = 0.2;

export class Runner {
  readonly engine: Engine;
  readonly timer: Timer;
  /** How many rows there will be. */
  total = 0;
  /** When time is up, and whether a row had not begun by then. */
  end = Number.POSITIVE_INFINITY;
  isOver = false;
  private done = 0;
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

  /** A row, unless time is up. What the device is too small for has a reason; any other error is thrown. */
  async row(row: Row, title: string, make: () => Promise<Partial<Row>>): Promise<void> {
    this.signal?.throwIfAborted();
    this.isOver ||= performance.now() >= this.end;
    if (this.isOver) return;
    this.progress(title);
    this.done++;
    const made = await make().catch((error) => ({ reason: limitOf(error) }));
    this.tell({ kind: 'row', row: { ...row, ...made } });
  }

  /** Times what consists of `all`, if each of it is right. Default: by `time`. */
  async measure(
    title: string,
    all: readonly Entry[],
    peak: Peak,
    time: (signal?: AbortSignal) => Promise<Times> = () => this.time(all[0]),
  ): Promise<Partial<Row>> {
    let worst: CaseResult = { pass: true, share: 0 };
    // Ops of a kernel follow each other, as they share references.
    for (const entry of [...all].sort((a, b) => a.name.localeCompare(b.name))) {
      this.progress(`${title}: checking ${nameOf(entry)}`);
      const check = await this.check(entry);
      if (!check.pass) {
        const failure = all.length > 1 ? `${nameOf(entry)}: ${check.failure}` : check.failure;
        return { check: { ...check, failure } };
      }
      if (check.share >= worst.share) worst = check;
    }
    this.progress(title);
    const ms = await time(this.signal);
    return { check: worst, ms, ...figuresOf(all.map(workOf), ms.median, peak) };
  }

  /** Compares it with its reference, on each shape once. */
  async check(entry: Entry): Promise<CaseResult> {
    this.signal?.throwIfAborted();
    const { name, spec, variant } = entry;
    const shape = checkedShape(entry);
    if (shape === undefined)
      return { pass: false, share: 0, failure: 'no case is small enough to be checked' };
    const key = `${name}.${variant} ${JSON.stringify(shape)}`;
    const found =
      this.checks.get(key) ?? (await checkCase(this.engine, spec, variant, shape, this.references));
    this.checks.set(key, found);
    return found;
  }

  /** On random numbers. Throws `limit` if the device cannot hold the shape's tensors. */
  private time(entry: Entry): Promise<Times> {
    const { engine, signal } = this;
    const { spec, shape } = entry;
    const timed = opOf(entry);
    const all = timed.calls.flatMap(({ tensors }) => Object.values(tensors));
    const held = new Set(all.map((one) => one.base ?? one));
    return withOp(engine.gpu, timed, (encode, program) => {
      if (this.inputs?.shape !== shape) this.inputs = { shape, arrays: inputsOf(spec, shape) };
      // Tensors that a kernel updates in place start random too, as do weights and activations.
      for (const [name, values] of Object.entries(this.inputs!.arrays)) {
        const to = timed.origin.tensors[name];
        if (!values || !held.has(to.base ?? to)) continue;
        const words = values instanceof Float64Array ? Float32Array.from(values) : values;
        engine.device.queue.writeBuffer(program.buffer(to), 4 * (to.offset ?? 0), words as BufferSource);
      }
      return this.timer.measure(encode, { seconds: SECONDS, signal });
    });
  }

  /** The adapter's peak rates, to which every row is compared. Throws `shader` if a kernel that measures them fails its check. */
  async peaks(): Promise<Peak> {
    const gflops = await this.gflops();
    const best = new Map<number, number>();
    for (const { bytes, gbps } of await this.rates('copy'))
      best.set(bytes, Math.max(gbps, best.get(bytes) ?? 0));
    const copies = [...best].sort(([a], [b]) => a - b).map(([bytes, gbps]) => ({ bytes, gbps }));
    return { gflops, gbps: copies[copies.length - 1].gbps, copies };
  }

  /** The rate of multiply-adds in registers: which variant is faster differs between adapters. */
  async gflops(): Promise<number> {
    return Math.max(...(await this.rates('fma_peak')).map(({ gflops }) => gflops));
  }

  /** The rates of every variant and shape of a kernel, from the fastest samples: they are nearest to what the adapter can do. */
  private async rates(name: string) {
    const rates: { bytes: number; gflops: number; gbps: number }[] = [];
    for (const entry of listEntries(4, () => [])) {
      const { spec, variant, shape } = entry;
      if (entry.name !== name || missingFeature(this.engine, spec, variant)) continue;
      const check = await this.check(entry);
      if (!check.pass) {
        throw new EngineError(
          'shader',
          `${name}.${variant}, which measures this adapter's peak, fails its own check: ${check.failure}. The throughput is unknown; run check.`,
        );
      }
      const { flops, bytes } = spec.kernel.cost(shape);
      const nanoseconds = 1e6 * (await this.time(entry)).p10;
      rates.push({ bytes, gflops: flops / nanoseconds, gbps: bytes / nanoseconds });
    }
    return rates;
  }
}

export function limitOf(error: unknown): string {
  if (error instanceof EngineError && error.code === 'limit') return error.message;
  throw error;
}
