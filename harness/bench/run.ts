/**
 * Measures the throughput of the whole network and of every kernel on the current adapter; each is checked before it is timed. Shared by
 * the page and the command line.
 */

import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import { type CaseResult, missingFeature } from '../run/check';
import { namesInUse, stepOps, variantsOf } from '../run/in_use';
import { changesOf, configOf, type NetworkChoice, ownSize } from '../run/network';
import { matcher, matchesNothing } from '../run/pattern';
import { specs } from '../specs/lib/registry';
import { measureGflops, measurePeaks } from './peaks';
import { type BenchEvent, type Peak, type Row, SCHEMA, type Whole, wholeNames } from './result';
import {
  Checks,
  type Entry,
  hasRivals,
  listEntries,
  measureEntry,
  type Place,
  RowBuffers,
  tooLong,
} from './rows';
import { usedIn } from './table';
import type { Timer } from './timer';
import { checkOps, measureOps, measureWhole, openTask, type Task } from './whole';

/** Default number of images. */
export const BATCH = 256;

/** Seconds of samples, about: of a task of the whole network; of an op, a kernel or a peak. */
const SECONDS = { whole: 1, part: 0.2 } as const;

export interface BenchOptions {
  /** Numbers of images. Default: BATCH. Of several batches or sizes the whole network alone is measured, kernels only if `kernel` names some. */
  readonly batches?: readonly number[];
  /** Pixels on a side. Default: the recipe's own. */
  readonly sizes?: readonly number[];
  /** The network to measure. Default: the tutorial's. */
  readonly network?: NetworkChoice;
  /** Measures only what matches: see `matcher`. `step`, `forward` and `sample` are the whole network. Default: everything. */
  readonly kernel?: string;
  /** What has not begun by then is not measured. A measurement takes at least three samples, however long that takes. Default 60. */
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
 * Yields progress before each measurement and its row after it; `addEvent` adds them up. The whole network comes first, then kernels: what
 * the network uses before all else, so that a short budget is spent on what matters. Throws `argument` for a size that the network does not
 * support, and for a kernel that does not exist.
 */
export async function* runBench(
  engine: Engine,
  options: BenchOptions = {},
): AsyncGenerator<BenchEvent, void, undefined> {
  const { kernel, budgetSeconds = 60, variants, runtime = 'unknown', commit, signal } = options;
  const network = changesOf(options.network);
  const [batches, sizes] = [
    inOrder(options.batches ?? [BATCH]),
    inOrder(options.sizes ?? [ownSize(network)]),
  ];
  const places = sizes.flatMap((size) => batches.map((batch): Place => ({ network, size, batch })));
  const { adapter, device } = engine;
  const { software } = adapter;
  for (const size of sizes) configOf(network, { height: size, width: size });
  const opsAt = (size: number, chosen: Variants | undefined) => (batch: number) => {
    try {
      return stepOps({ network, size, batch, software, features: device.features, variants: chosen });
    } catch (error) {
      limitOf(error);
      return [];
    }
  };
  const inUse = variantsOf(opsAt(sizes[0], variants)(batches[0]));
  const { names, isWanted } = choiceOf(kernel, places.length > 1);
  const sites = places.map((place) => {
    // The plain variants have the shapes of what others fuse.
    const [plain, used] = [opsAt(place.size, {}), opsAt(place.size, variants)];
    const isUsual = place.size === ownSize(network);
    const all = listEntries(place.batch, (batch) => [...plain(batch), ...used(batch)], isUsual);
    return { place, all };
  });
  const wanted = sites.map((site) => ({ ...site, entries: site.all.filter(isWanted) }));
  const ofSteps = places.length === 1 ? sites.filter(() => names.includes('step')) : [];
  const entries = wanted.reduce((sum, site) => sum + site.entries.length, 0);
  if (kernel !== undefined && names.length + entries === 0)
    throw matchesNothing(kernel, [...wholeNames, ...specs.keys()]);
  const pace = new Pace(budgetSeconds, names.length * places.length + ofSteps.length + entries);

  yield pace.progress('peaks');
  signal?.throwIfAborted();
  const { timer, peak } = await measurePeaks(engine, SECONDS.part, signal);
  const context = { engine, timer, peak, pace, signal, checks: new Checks(engine) };
  const rows: Row[] = [];
  try {
    const { kind, resolutionMs } = timer;
    const about = { runtime, date: new Date().toISOString(), ...(commit ? { commit } : {}) };
    const of = { batches, sizes, ...(network ? { network } : {}), budgetSeconds };
    const measured = { timer: { kind, resolutionMs }, peak, inUse };
    yield { kind: 'head', head: { schema: SCHEMA, adapter, ...about, ...of, ...measured } };
    for (const site of sites)
      for (const name of names)
        for await (const event of measureNetwork(context, name, site)) {
          if (event.kind === 'row') rows.push(event.row);
          yield event;
        }
    for (const site of ofSteps) yield* measureStepOps(context, site);
    const used = usedIn({ rows, inUse });
    for (const site of wanted)
      yield* measureEntries(context, site.place, usedFirst(site.entries, used, peak));
    yield pace.progress('peak, again');
    const gflopsAtEnd = await measureGflops(engine, timer, SECONDS.part, signal);
    yield { kind: 'end', end: pace.isOver ? 'budget' : 'complete', gflopsAtEnd };
  } finally {
    timer.destroy();
  }
}

const inOrder = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

/** What a pattern asks for. The bare name of a task means the whole network, not the kernels whose names contain the word. */
function choiceOf(pattern: string | undefined, several: boolean) {
  const asked = pattern?.split(',').map((part) => part.trim());
  const matches = matcher(asked?.filter((part) => !wholeNames.some((name) => name === part)).join(','));
  const isWanted = ({ name, variant, layer }: Entry) =>
    (!several || asked !== undefined) && matches(`${name}.${variant} ${layer}`);
  return { names: wholeNames.filter((name) => asked?.includes(name) || matches(name)), isWanted };
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

/** Counts the measurements that have begun, until the budget ends. */
class Pace {
  /** Whether the budget ended before something had begun. */
  isOver = false;
  private done = 0;
  private readonly total: number;
  private readonly end: number;

  constructor(budgetSeconds: number, total: number) {
    this.total = total;
    this.end = performance.now() + budgetSeconds * 1000;
  }

  progress(title: string): BenchEvent {
    return { kind: 'progress', done: this.done, total: this.total, title };
  }

  /** Yields progress and counts a measurement; false if there is no time for it. */
  *begin(title: string, signal: AbortSignal | undefined): Generator<BenchEvent, boolean, undefined> {
    signal?.throwIfAborted();
    this.isOver ||= performance.now() >= this.end;
    if (this.isOver) return false;
    yield this.progress(title);
    this.done++;
    return true;
  }
}

interface Context {
  readonly engine: Engine;
  readonly timer: Timer;
  readonly peak: Peak;
  readonly pace: Pace;
  readonly checks: Checks;
  readonly signal?: AbortSignal | undefined;
}

/** A place, and all that can be measured there. */
interface Site {
  readonly place: Place;
  readonly all: readonly Entry[];
}

async function* measureNetwork(context: Context, name: Whole, { place, all }: Site) {
  const title = `${name}, batch ${place.batch}, ${place.size}x${place.size} pixels`;
  if (!(yield* context.pace.begin(title, context.signal))) return;
  const measuring = { ...context, seconds: SECONDS.whole };
  yield* withTask(context, name, { place, all }, async function* (task, checked) {
    yield await measureWhole(measuring, name, place, task, checkOfAll(checked));
  });
}

async function* measureStepOps(context: Context, { place, all }: Site) {
  if (!(yield* context.pace.begin('step, op by op', context.signal))) return;
  const measuring = { ...context, seconds: SECONDS.part };
  yield* withTask(context, 'step', { place, all }, (task, checked) =>
    measureOps(measuring, place, task, checked),
  );
}

/** Opens a task and checks its ops, for `measure`. Where the device is too small there is a row with the reason. */
async function* withTask(
  { engine, pace, checks, signal }: Context,
  name: Whole,
  { place, all }: Site,
  measure: (task: Task, checked: ReadonlyMap<Op, CaseResult>) => AsyncIterable<Row>,
): AsyncGenerator<BenchEvent, void, undefined> {
  try {
    const task = await openTask(engine, name, place);
    try {
      const checking = checkOps(task.ops, all, checks);
      let next = await checking.next();
      for (; !next.done; next = await checking.next()) {
        signal?.throwIfAborted();
        yield pace.progress(`${name}: checking ${next.value.kernel}.${next.value.variant}`);
      }
      for await (const row of measure(task, next.value)) yield { kind: 'row', row };
    } finally {
      task.destroy();
    }
  } catch (error) {
    const { batch, size } = place;
    const reason = limitOf(error);
    yield {
      kind: 'row',
      row: { part: 'whole', kernel: name, variant: '', layer: '', batch, size, reason },
    };
  }
}

/** The first failure, which names its kernel, or else the largest share. */
function checkOfAll(checked: ReadonlyMap<Op, CaseResult>): CaseResult {
  for (const [{ kernel, variant, layer }, check] of checked)
    if (!check.pass) return { ...check, failure: `${kernel}.${variant} ${layer}: ${check.failure}` };
  return { pass: true, share: Math.max(...[...checked.values()].map(({ share }) => share)) };
}

async function* measureEntries(
  { engine, timer, peak, pace, checks, signal }: Context,
  place: Place,
  entries: readonly Entry[],
): AsyncGenerator<BenchEvent, void, undefined> {
  const buffers = new RowBuffers(engine);
  try {
    for (const entry of entries) {
      const { name: kernel, spec, variant, layer, shape } = entry;
      if (!(yield* pace.begin(`${kernel}.${variant} ${layer}`, signal))) return;
      let reason =
        missingFeature(engine, spec, variant) ??
        spec.kernel.variants[variant].refuses?.(shape) ??
        tooLong(entry, engine.adapter.software, peak);
      try {
        if (!reason) {
          const time = (of: Entry) => buffers.measure(of, timer, SECONDS.part, signal);
          yield { kind: 'row', row: await measureEntry(entry, place, peak, checks, time) };
        }
      } catch (error) {
        reason = limitOf(error);
      }
      const { batch, size } = place;
      if (reason) yield { kind: 'row', row: { part: 'kernel', kernel, variant, layer, batch, size, reason } };
    }
  } finally {
    buffers.clear();
  }
}

/** A measurement that the device is too small for has a reason; any other error is thrown. */
function limitOf(error: unknown): string {
  if (error instanceof EngineError && error.code === 'limit') return error.message;
  throw error;
}
