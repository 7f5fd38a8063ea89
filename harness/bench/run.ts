/**
 * Measures the throughput of the whole network and of every kernel on the current adapter; each kernel is checked before it is timed.
 * Shared by the page and the command line.
 */

import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import type { Variants } from '../../src/unet/variants';
import { missingFeature, References } from '../run/check';
import { namesInUse, stepOps, variantsOf } from '../run/in_use';
import { changesOf, type NetworkChoice } from '../run/network';
import { matcher, matchesNothing } from '../run/pattern';
import { specs } from '../specs/lib/registry';
import { shadersOf, shapeText } from '../text/shape_text';
import { breakDown, measureWork, openWork, ownSize } from './network';
import { measureGflops, measurePeaks } from './peaks';
import {
  type Axis,
  type BenchEvent,
  type BenchRow,
  type BenchTotal,
  type Peak,
  SCHEMA,
  type SkippedRow,
  type SweepPoint,
  type TotalName,
  totalNames,
} from './result';
import { checkSmall, type Entry, hasRivals, listEntries, RowBuffers, throughput, tooLong } from './rows';
import { foretell, measurePoint, placesOf, type SweepSize, workOf } from './sweep';
import { usedIn } from './table';
import type { Timer } from './timer';

/** Default number of images. */
export const BATCH = 256;

export interface BenchOptions {
  /** Images of the UNet's layers. Default BATCH. */
  readonly batch?: number;
  /** The network to measure. Default: the tutorial's. */
  readonly network?: NetworkChoice;
  /**
   * Measures only what matches: see `matcher`. `step`, `forward` and `sample` are the whole network. Default: everything, or only the
   * sweeps if there are any.
   */
  readonly kernel?: string;
  /** Measures the whole network at growing sizes along each of these axes. Default none. */
  readonly sweep?: readonly Axis[];
  /** Batch sizes, or pixels on a side, of a single sweep. Default: see `defaultPoints`. */
  readonly points?: readonly number[];
  /**
   * About how long everything may take. A measurement that has begun takes at least three samples, however long that takes; what has not
   * begun by then is skipped and reported. Default 60.
   */
  readonly budgetSeconds?: number;
  /**
   * A run's variants: the rows that a training step runs with them come first. Where the whole network is measured, its own variants
   * count. Default: the adapter's usual variants.
   */
  readonly variants?: Variants;
  /** The runtime, for example a browser's user agent. */
  readonly runtime?: string;
  /** As in the result. */
  readonly commit?: string;
  readonly signal?: AbortSignal;
}

/**
 * Yields progress before each measurement and its result after it; `addEvent` adds them up. The whole network comes first, then sweeps,
 * then row by row: what the network uses before all else, so that a short budget is spent on what matters. Throws `argument` for points that make no network, and for a kernel that does not exist.
 */
export async function* runBench(
  engine: Engine,
  options: BenchOptions = {},
): AsyncGenerator<BenchEvent, void, undefined> {
  const {
    batch = BATCH,
    kernel,
    sweep = [],
    points,
    budgetSeconds = 60,
    variants,
    runtime = 'unknown',
    commit,
    signal,
  } = options;
  const network = changesOf(options.network);
  const { software } = engine.adapter;
  const { features } = engine.device;
  const ops = (n: number) => stepOps({ network, batch: n, software, features, variants });
  const inUse = variantsOf(ops(batch));
  const asked = kernel?.split(',').map((part) => part.trim());
  // The bare name means the whole network, not the kernels whose names contain the word.
  const others = asked?.filter((part) => !totalNames.some((name) => name === part)).join(',');
  const wanted = kernel === undefined && sweep.length > 0 ? () => false : matcher(others);
  const names = totalNames.filter((name) => asked?.includes(name) || wanted(name));
  const places = sweep.flatMap((axis) => placesOf(axis, batch, points, network));
  const entries = listEntries(batch, network && { network, ops }).filter(({ name, variant, layer }) =>
    wanted(`${name}.${variant} ${layer}`),
  );
  if (kernel !== undefined && names.length + entries.length === 0)
    throw matchesNothing(kernel, [...totalNames, ...specs.keys()]);
  const pace = new Pace(budgetSeconds, names.length + places.length + entries.length);

  yield pace.progress('peaks');
  signal?.throwIfAborted();
  // A tenth of the time, in a handful of measurements.
  const peakSeconds = Math.min(budgetSeconds / 80, 1);
  const { timer, peak } = await measurePeaks(engine, peakSeconds, signal);
  const context = { engine, batch, network, timer, peak, pace, signal };
  const totals: Record<TotalName, BenchTotal | null> = { step: null, forward: null, sample: null };
  try {
    const { kind, resolutionMs } = timer;
    const { adapter } = engine;
    const date = new Date().toISOString();
    const measured = {
      ...(commit ? { commit } : {}),
      batch,
      ...(network ? { network } : {}),
      budgetSeconds,
      timer: { kind, resolutionMs },
      peak,
      inUse,
    };
    yield { kind: 'head', head: { schema: SCHEMA, adapter, runtime, date, ...measured } };
    for (const name of names) {
      for await (const event of measureTotal(context, name)) {
        if (event.kind === 'total') totals[name] = event.total;
        yield event;
      }
    }
    yield* measureSweeps(context, places);
    yield* measureRows(context, usedFirst(entries, usedIn({ ...totals, inUse }), peak));
    yield pace.progress('peak, again');
    const gflopsAtEnd = await measureGflops(engine, timer, peakSeconds, signal);
    yield { kind: 'end', end: pace.leftOut ? 'budget' : 'complete', gflopsAtEnd };
  } finally {
    timer.destroy();
  }
}

/** Puts the variants that the network uses first, by decreasing work; the rest keeps its order. */
export function usedFirst(entries: readonly Entry[], inUse: Variants, peak: Peak): Entry[] {
  const runs = (entry: Entry) => inUse[`${entry.name}/${entry.layer}`];
  // The step may call a kernel's only layer otherwise: `loss`.
  const known = new Set(entries.filter(runs).map(({ name }) => name));
  const names = namesInUse(inUse);
  const isUsed = (entry: Entry) => {
    const { name, variant } = entry;
    if (hasRivals(name) || known.has(name)) return runs(entry) === variant;
    return names.has(`${name}.${variant}`);
  };
  /** Seconds that it takes at least. */
  const floor = ({ spec, shape }: Entry) => {
    const { flops, bytes } = spec.kernel.cost(shape);
    return Math.max(flops / peak.gflops, bytes / peak.gbps) / 1e9;
  };
  const used = entries.filter(isUsed).sort((a, b) => floor(b) - floor(a));
  return [...used, ...entries.filter((entry) => !isUsed(entry))];
}

interface Context {
  readonly engine: Engine;
  readonly batch: number;
  readonly network: NetworkChoice | undefined;
  readonly timer: Timer;
  readonly peak: Peak;
  readonly pace: Pace;
  readonly signal?: AbortSignal;
}

/** The progress, the remaining time, and what must be skipped for lack of it. */
class Pace {
  leftOut = false;
  private done = 0;
  private readonly total: number;
  private readonly budget: number;
  private readonly end: number;

  constructor(budgetSeconds: number, total: number) {
    this.budget = budgetSeconds;
    this.total = total;
    this.end = performance.now() + budgetSeconds * 1000;
  }

  progress(title: string): BenchEvent {
    return { kind: 'progress', done: this.done, total: this.total, title };
  }

  finished(): void {
    this.done++;
  }

  /** Seconds. */
  get left(): number {
    return Math.max(this.end - performance.now(), 0) / 1000;
  }

  /** The remaining time divided by the remaining measurements. */
  get share(): number {
    return this.left / Math.max(this.total - this.done, 1);
  }

  /** The share for the most informative measurements. */
  get largeShare(): number {
    return Math.max(this.share, Math.min(this.budget / 30, this.left));
  }

  /** The reason why no time is left for a measurement of at least `seconds`; undefined if there is time. */
  refusal(seconds = 0): string | undefined {
    const { left, budget } = this;
    if (seconds < left) return undefined;
    this.leftOut = true;
    if (left === 0) return `the budget of ${budget} s ended`;
    return `it would take about ${Math.ceil(seconds)} s, and ${Math.floor(left)} s of the budget of ${budget} s are left`;
  }
}

async function* measureTotal(context: Context, name: TotalName): AsyncGenerator<BenchEvent> {
  const { engine, batch, network, timer, pace, signal } = context;
  const skip = (variant: string, reason: string) => skipped({ kernel: name, variant, layer: '', reason });
  signal?.throwIfAborted();
  yield pace.progress(name);
  const refusal = pace.refusal();
  if (refusal) yield skip('', refusal);
  else {
    try {
      const work = await openWork(engine, name, ownSize(network), batch, timer, network);
      try {
        const total = await measureWork(work, pace.largeShare / 2, signal);
        yield { kind: 'total', name, total };
        yield pace.progress(`${name}, op by op`);
        // Warm-up, trial, and two more samples.
        const short = pace.refusal((4 * total.ms.median) / 1000);
        if (short) yield skip('breakdown', short);
        else {
          const breakdown = await breakDown(engine, work, total, timer, pace.largeShare / 2, signal);
          yield { kind: 'breakdown', name, breakdown };
        }
      } finally {
        work.destroy();
      }
    } catch (error) {
      yield skip('', limitOf(error));
    }
  }
  pace.finished();
}

async function* measureSweeps(context: Context, places: readonly SweepSize[]): AsyncGenerator<BenchEvent> {
  const { engine, network, timer, pace, signal } = context;
  let last: SweepPoint | undefined;
  for (const [i, place] of places.entries()) {
    signal?.throwIfAborted();
    yield pace.progress(`sweep: batch ${place.batch}, ${place.size}x${place.size} pixels`);
    const reason = pace.refusal(foretell(place, last, network));
    // In proportion to their work, or small points would use up the time of large ones.
    const rest = places.slice(i).reduce((sum, other) => sum + workOf(other, network), 0);
    const seconds =
      Math.min(pace.left, pace.largeShare * (places.length - i)) * (workOf(place, network) / rest);
    const point = reason
      ? { ...place, step: null, forward: null, reason }
      : await measurePoint(engine, place, timer, seconds, signal, network);
    if (point.step) last = point;
    yield { kind: 'point', point };
    pace.finished();
  }
}

async function* measureRows(context: Context, entries: readonly Entry[]): AsyncGenerator<BenchEvent> {
  const { engine, batch, timer, peak, pace, signal } = context;
  const references = new References();
  const buffers = new RowBuffers(engine);
  try {
    for (const entry of entries) {
      const { name, spec, variant, layer, shape } = entry;
      const head = { kernel: name, variant, layer };
      signal?.throwIfAborted();
      yield pace.progress(`${name}.${variant} ${layer}`);
      const reason =
        missingFeature(engine, spec, variant) ??
        spec.kernel.variants[variant].refuses?.(shape) ??
        tooLong(entry, engine.adapter.software, peak) ??
        pace.refusal();
      if (reason) yield skipped({ ...head, reason });
      else {
        const check = await checkSmall(engine, entry, references);
        const none = { ms: null, gflops: null, insideGflops: null, gbps: null, shareOfPeak: null };
        const of = {
          shape: shapeText(shape),
          ...spec.kernel.cost(shape),
          shaders: shadersOf(spec, shape, variant),
        };
        let row: BenchRow = { ...head, batch, ...none, check, ...of };
        try {
          if (check.pass) {
            const ms = await buffers.measure(entry, timer, pace.share, signal);
            row = { ...row, ms, ...throughput(entry, ms, peak) };
          }
          yield { kind: 'row', row };
        } catch (error) {
          yield skipped({ ...head, reason: limitOf(error) });
        }
      }
      pace.finished();
    }
  } finally {
    buffers.clear();
  }
}

const skipped = (row: SkippedRow): BenchEvent => ({ kind: 'skipped', row });

/** A measurement that the device is too small for is skipped; any other error is thrown. */
function limitOf(error: unknown): string {
  if (error instanceof EngineError && error.code === 'limit') return error.message;
  throw error;
}
