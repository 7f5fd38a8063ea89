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
import { shadersOf, shapeText } from '../text/shape_text';
import { isConvolution } from './inside';
import { chooseTimer, measureGflops, measurePeak } from './peaks';
import { type BenchEvent, figuresOf, type Peak, type Row, SCHEMA, type Whole, wholeNames } from './result';
import { type Entry, hasRivals, Kernels, listEntries, type Place, tooLong } from './rows';
import type { Timer } from './timer';
import { measureOps, measureWhole, openTask } from './whole';

/** Default number of images. */
export const BATCH = 256;

/** Seconds of samples, about: of a task of the whole network; of an op, a kernel or a peak. */
const SECONDS = { whole: 1, op: 0.2 } as const;

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
  const sites = places.map((place): Site => {
    // The plain variants have the shapes of what others fuse.
    const [plain, used] = [opsAt(place.size, {}), opsAt(place.size, variants)];
    const isUsual = place.size === ownSize(network);
    return { place, all: listEntries(place.batch, (n) => [...plain(n), ...used(n)], isUsual) };
  });
  const tasks = sites.flatMap((site) =>
    names.map((name): [Whole, 'whole' | 'op', Site] => [name, 'whole', site]),
  );
  if (tasks[0]?.[0] === 'step' && sites.length === 1) tasks.push(['step', 'op', sites[0]]);
  const count = sites.reduce((sum, { all }) => sum + all.filter(isWanted).length, tasks.length);
  if (kernel !== undefined && count === 0) throw matchesNothing(kernel, [...wholeNames, ...specs.keys()]);
  const pace = new Pace(budgetSeconds, count);

  yield pace.progress('peaks');
  signal?.throwIfAborted();
  const timer = await chooseTimer(engine);
  const kernels = new Kernels(engine, timer, signal);
  const rows: Row[] = [];
  try {
    const peak = await measurePeak(engine, kernels, SECONDS.op);
    const context = { engine, timer, peak, pace, signal, kernels };
    const { kind, resolutionMs } = timer;
    const about = { runtime, date: new Date().toISOString(), ...(commit ? { commit } : {}) };
    const of = { batches, sizes, ...(network ? { network } : {}), budgetSeconds, peak };
    yield { kind: 'head', head: { schema: SCHEMA, adapter, ...about, ...of, timer: { kind, resolutionMs } } };
    for (const [name, part, site] of tasks)
      for await (const event of measureTask(context, name, part, site)) {
        if (event.kind === 'row') rows.push(event.row);
        yield event;
      }
    const used = usedIn(rows, inUse);
    for (const { place, all } of sites)
      yield* measureEntries(context, place, usedFirst(all.filter(isWanted), used, peak), used);
    yield pace.progress('peak, again');
    const gflopsAtEnd = await measureGflops(engine, kernels, SECONDS.op);
    yield { kind: 'end', end: pace.isOver ? 'budget' : 'complete', gflopsAtEnd };
  } finally {
    kernels.destroy();
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

/** The variants that the network ran in its training step, or else in the first task that was measured; without one, what the plan `inUse` has. */
export function usedIn(rows: readonly Row[], inUse: Variants): Variants {
  const whole = wholeNames
    .map((name) => rows.find((row) => row.kernel === name && row.variants))
    .find(Boolean);
  if (!whole) return inUse;
  // Of convolutions a task knows all. It does not tell of kernels without a choice, which only a step's plan does.
  const alone = Object.entries(inUse).filter(([name]) => whole.kernel === 'step' && !isConvolution(name));
  return { ...Object.fromEntries(alone), ...whole.variants };
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
  readonly kernels: Kernels;
  readonly signal?: AbortSignal | undefined;
}

/** A place, and all that can be measured there. */
interface Site {
  readonly place: Place;
  readonly all: readonly Entry[];
}

/** Opens a task and checks its ops; then times it, or each of its ops. Where the device is too small there is a row with the reason. */
async function* measureTask(
  context: Context,
  name: Whole,
  part: 'whole' | 'op',
  { place, all }: Site,
): AsyncGenerator<BenchEvent, void, undefined> {
  const { engine, pace, kernels, signal } = context;
  const { batch, size } = place;
  const title = part === 'op' ? `${name}, op by op` : `${name}, batch ${batch}, ${size}x${size} pixels`;
  if (!(yield* pace.begin(title, signal))) return;
  try {
    const task = await openTask(engine, name, place);
    try {
      const checked = new Map<Op, CaseResult>();
      // Ops of a kernel follow each other, as they share references.
      for (const op of [...task.ops].sort((a, b) => a.kernel.localeCompare(b.kernel))) {
        signal?.throwIfAborted();
        yield pace.progress(`${name}: checking ${op.kernel}.${op.variant}`);
        checked.set(op, await kernels.check(entryOf(op, all)));
      }
      const measuring = { ...context, seconds: SECONDS[part] };
      const measured =
        part === 'op'
          ? measureOps(measuring, place, task, checked)
          : [await measureWhole(measuring, name, place, task, checkOfAll(checked))];
      for await (const row of measured) yield { kind: 'row', row };
    } finally {
      task.destroy();
    }
  } catch (error) {
    const row = { kernel: name, variant: '', layer: '', batch, size, reason: limitOf(error) };
    yield { kind: 'row', row: { part: 'whole', ...row } };
  }
}

/** What an op does at its layer, or else anywhere. */
function entryOf({ kernel, variant, layer }: Op, entries: readonly Entry[]): Entry {
  const same = entries.filter((entry) => entry.name === kernel && entry.variant === variant);
  return same.find((entry) => entry.layer === layer) ?? same[0];
}

/** The first failure, which names its kernel, or else the largest share. */
function checkOfAll(checked: ReadonlyMap<Op, CaseResult>): CaseResult {
  for (const [{ kernel, variant, layer }, check] of checked)
    if (!check.pass) return { ...check, failure: `${kernel}.${variant} ${layer}: ${check.failure}` };
  return { pass: true, share: Math.max(...[...checked.values()].map(({ share }) => share)) };
}

async function* measureEntries(
  { engine, kernels, peak, pace, signal }: Context,
  { batch, size }: Place,
  entries: readonly Entry[],
  used: Variants,
): AsyncGenerator<BenchEvent, void, undefined> {
  for (const entry of entries) {
    const { name: kernel, spec, variant, layer, shape } = entry;
    if (!(yield* pace.begin(`${kernel}.${variant} ${layer}`, signal))) return;
    const known = used[`${kernel}/${layer}`];
    const isUsed = known === undefined ? {} : { used: known === variant };
    const of = { part: 'kernel', kernel, variant, layer, batch, size, ...isUsed } as const;
    const refusal =
      missingFeature(engine, spec, variant) ??
      spec.kernel.variants[variant].refuses?.(shape) ??
      tooLong(entry, engine.adapter.software, peak);
    const row = async (): Promise<Row> => {
      if (refusal) return { ...of, reason: refusal };
      const check = await kernels.check(entry);
      const about = { check, shape: shapeText(shape), shaders: shadersOf(spec, shape, variant) };
      if (!check.pass) return { ...of, ...about };
      const ms = await kernels.time(entry, SECONDS.op);
      const work = { kernel, shape, cost: spec.kernel.cost(shape) };
      return { ...of, ...about, ms, ...figuresOf([work], ms.median, peak) };
    };
    yield { kind: 'row', row: await row().catch((error) => ({ ...of, reason: limitOf(error) })) };
  }
}

/** A measurement that the device is too small for has a reason; any other error is thrown. */
function limitOf(error: unknown): string {
  if (error instanceof EngineError && error.code === 'limit') return error.message;
  throw error;
}
