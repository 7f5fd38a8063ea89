/**
 * Measures the throughput of the whole network and of every kernel on the current adapter; each is checked before it is timed. Shared by
 * the page and the command line.
 */
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import { stepOps, variantsOf } from '../run/in_use';
import { changesOf, configOf, type NetworkChoice, ownSize } from '../run/network';
import { matcher, matchesNothing } from '../run/pattern';
import { specs } from '../specs/lib/registry';
import { opAt, shadersOf, shapeText } from '../text/shape_text';
import { type Entry, entryOf, listEntries, nameOf, opOf, refusalOf, usedFirst } from './kernels';
import {
  type BenchEvent,
  type BenchHead,
  type Place,
  type Row,
  SCHEMA,
  type Whole,
  wholeNames,
} from './result';
import { limitOf, Runner } from './runner';
import { Timer, withOp } from './timer';
import { withTask } from './whole';
import { isConvolution, type Peak } from './work';

/** Default number of images. */
export const BATCH = 256;

export interface BenchOptions {
  /** Numbers of images. Default: BATCH. Of several batches or sizes the whole network alone is measured, kernels only if `kernel` names some. */
  readonly batches?: readonly number[];
  /** Pixels on a side. Default: the recipe's own. */
  readonly sizes?: readonly number[];
  /** The network to measure. Default: the tutorial's. */
  readonly network?: NetworkChoice | undefined;
  /** Measures only what matches: see `matcher`. `step`, `forward` and `sample` are the whole network. Default: everything. */
  readonly kernel?: string | undefined;
  /** What has not begun by then is not measured. A measurement takes at least three samples, however long that takes. Default 60. */
  readonly budgetSeconds?: number | undefined;
  /** A run's variants, whose rows come first where the whole network is not measured. Default: the adapter's usual variants. */
  readonly variants?: Variants | undefined;
  /** The runtime, for example a browser's user agent. */
  readonly runtime?: string;
  /** As in the result. */
  readonly commit?: string | undefined;
  readonly signal?: AbortSignal;
}

/** A place, and what can be measured there. */
interface Site {
  readonly place: Place;
  readonly entries: readonly Entry[];
  /** The ops of a training step, as planned. */
  readonly step: readonly Op[];
}

/**
 * Tells of progress before each measurement and of its row after it; `addEvent` adds them up. The whole network comes first, then the ops
 * of its step, then kernels: what the network uses before all else, so that a short budget is spent on what matters. Rejects with
 * `argument` for a size that the network does not support, and for a kernel that does not exist.
 */
export async function runBench(
  engine: Engine,
  options: BenchOptions,
  tell: (event: BenchEvent) => void,
): Promise<void> {
  const { kernel, budgetSeconds = 60, runtime = 'unknown', commit, signal } = options;
  const network = changesOf(options.network);
  const batches = inOrder(options.batches ?? [BATCH]);
  const sizes = inOrder(options.sizes ?? [ownSize(network)]);
  for (const size of sizes) configOf(network, { height: size, width: size });
  const sites = sizes.flatMap((size) =>
    batches.map((batch) => siteOf(engine, network, { size, batch }, options.variants)),
  );
  const { names, isWanted } = choiceOf(kernel, sites.length > 1);
  const isWhole = names.includes('step') && sites.length === 1;
  const counts = sites.map(
    ({ step, entries }) => names.length + (isWhole ? step.length : 0) + entries.filter(isWanted).length,
  );
  const total = counts.reduce((a, b) => a + b);
  if (total === 0) throw matchesNothing(kernel!, [...wholeNames, ...specs.keys()]);

  const end = performance.now() + budgetSeconds * 1000;
  tell({ kind: 'progress', done: 0, total, title: 'peaks' });
  signal?.throwIfAborted();
  const probe = opAt(specs.get('fma_peak')!, { invocations: 2 ** 14, iterations: 256 });
  const timer = await withOp(engine.gpu, probe, (encode) => Timer.create(engine.gpu, encode));
  try {
    const runner = Object.assign(new Runner(engine, timer, tell, signal), { total, end });
    const peak = await runner.peaks();
    const head: BenchHead = {
      ...{ schema: SCHEMA, adapter: engine.adapter, runtime, date: new Date().toISOString(), commit },
      ...{ batches, sizes, network, budgetSeconds, timer: { kind: timer.kind }, peak },
    };
    tell({ kind: 'head', head });
    const run: Run = { runner, peak, network };
    for (const site of sites) for (const name of names) await measureWhole(run, name, site);
    for (const { place, entries, step } of sites) {
      const used = usedIn(variantsOf(step), run.variants);
      const ops = isWhole ? (run.step ?? step) : [];
      if (isWhole) runner.total += ops.length - step.length;
      const kernels = usedFirst(entries.filter(isWanted), used, peak);
      for (const entry of [...ops.map((op) => entryOf(op, entries)), ...kernels])
        await measureKernel(run, entry, place, used);
    }
    runner.progress('peak, again');
    const gflopsAtEnd = await runner.gflops();
    tell({ kind: 'end', end: runner.isOver ? 'budget' : 'complete', gflopsAtEnd });
  } finally {
    timer.destroy();
  }
}

interface Run {
  readonly runner: Runner;
  readonly peak: Peak;
  readonly network: NetworkChoice | undefined;
  /** The variants of the first task of the whole network, and the ops of its step. */
  variants?: Variants;
  step?: readonly Op[];
}

const inOrder = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

function measureWhole(run: Run, kernel: Whole, { place, entries }: Site): Promise<void> {
  const { runner, peak, network } = run;
  const title = `${kernel}, batch ${place.batch}, ${place.size}x${place.size} pixels`;
  return runner.row({ part: 'whole', kernel, variant: '', layer: '', ...place }, title, () =>
    withTask(runner.engine, kernel, network, place, async (ops, time) => {
      const variants = variantsOf(ops.filter((op) => hasRivals(op.kernel)));
      run.variants ??= variants;
      if (kernel === 'step') run.step ??= ops;
      const all = ops.map((op) => entryOf(op, entries));
      return { variants, ...(await runner.measure(title, all, peak, time)) };
    }),
  );
}

const hasRivals = (kernel: string) => Object.keys(specs.get(kernel)!.kernel.variants).length > 1;

/** A kernel by itself, or an op as the network runs it. */
function measureKernel({ runner, peak }: Run, entry: Entry, place: Place, used: Variants): Promise<void> {
  const { name, variant, layer, op } = entry;
  const known = op ? undefined : used[`${name}/${layer}`];
  const isUsed = known === undefined ? {} : { used: known === variant };
  const row: Row = { part: op ? 'op' : 'kernel', kernel: name, variant, layer, ...place, ...isUsed };
  return runner.row(row, nameOf(entry), async () => {
    const reason = refusalOf(runner.engine, entry, peak);
    if (reason) return { reason };
    const about = { shape: shapeText(entry.shape), shaders: shadersOf(opOf(entry)) };
    return { ...about, ...(await runner.measure(nameOf(entry), [entry], peak)) };
  });
}

function siteOf(engine: Engine, network: NetworkChoice | undefined, place: Place, variants?: Variants): Site {
  const { adapter, device } = engine;
  const { size } = place;
  const opsWith = (chosen: Variants | undefined) => (batch: number) => {
    try {
      const { software } = adapter;
      return stepOps({ network, size, batch, software, features: device.features, variants: chosen });
    } catch (error) {
      limitOf(error);
      return [];
    }
  };
  // The plain variants have the shapes of what others fuse.
  const [plain, used] = [opsWith({}), opsWith(variants)];
  const isUsual = size === ownSize(network);
  const entries = listEntries(place.batch, (batch) => [...plain(batch), ...used(batch)], isUsual);
  return { place, entries, step: used(place.batch) };
}

/** What a pattern asks for. The bare name of a task means the whole network, not the kernels whose names contain the word. */
function choiceOf(pattern: string | undefined, several: boolean) {
  const asked = pattern?.split(',').map((part) => part.trim());
  const matches = matcher(asked?.filter((part) => !wholeNames.some((name) => name === part)).join(','));
  const isWanted = (entry: Entry) => (!several || asked !== undefined) && matches(nameOf(entry));
  return { names: wholeNames.filter((name) => asked?.includes(name) || matches(name)), isWanted };
}

/** The variants that the network was measured with, which tell nothing of kernels without a choice; those are as in the plan of a step. */
export function usedIn(planned: Variants, measured: Variants | undefined): Variants {
  if (!measured) return planned;
  const others = Object.entries(planned).filter(([name]) => !isConvolution(name));
  return { ...Object.fromEntries(others), ...measured };
}
