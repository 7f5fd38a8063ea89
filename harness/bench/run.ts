/**
 * Measures the throughput of the whole network and of every kernel on the current adapter; each is checked before it is timed. Shared by
 * the page and the command line.
 */
import type { Optional } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import { stepOps, variantsByLayer } from '../run/in_use';
import { findChanges, type NetworkChoice, ownSize } from '../run/network';
import { matcher, matchesNothing } from '../run/pattern';
import { specs } from '../specs/lib/registry';
import { opAt } from '../text/shape_text';
import { chosenIn, findEntry, kernelName, listEntries, usedFirst } from './kernels';
import { type BenchEvent, type BenchResult, type RowPlace, SCHEMA, wholeNames } from './result';
import { limitMessage, Runner } from './runner';
import { Timer, withOp } from './timer';
import { type Entry, isConvolution } from './work';

/** Default number of images. */
export const BENCH_BATCH = 256;

/**
 * What a result says of its run, too. Defaults: BENCH_BATCH images of the recipe's own size, the tutorial, 60 seconds. Of several batches or sizes
 * the whole network alone is measured, kernels only if `kernel` names some. What has not begun when the seconds are over is not measured; a
 * measurement takes at least three samples, however long that takes.
 */
export interface BenchOptions
  extends Optional<
    Pick<BenchResult, 'batches' | 'sizes' | 'network' | 'budgetSeconds' | 'runtime' | 'commit'>
  > {
  /** Measures only what matches: see `matcher`. `step`, `forward` and `sample` are the whole network. Default: everything. */
  readonly kernel?: string | undefined;
  /** A run's variants, whose rows come first where the whole network is not measured. Default: the adapter's usual variants. */
  readonly variants?: Variants | undefined;
  readonly signal?: AbortSignal;
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
  const network = findChanges(options.network);
  const batches = inOrder(options.batches ?? [BENCH_BATCH]);
  const sizes = inOrder(options.sizes ?? [ownSize(network)]);
  const places = sizes.flatMap((size) => batches.map((batch) => ({ size, batch })));
  const { names, isWanted } = choiceOf(kernel, places.length > 1);
  const sites = places.map((place) => siteOf(engine, network, place, options.variants));
  const isByOps = names.includes('step') && sites.length === 1;
  const others = sites.reduce((sum, { entries }) => sum + names.length + entries.filter(isWanted).length, 0);
  let step: readonly Op[] = isByOps ? sites[0].step : [];
  const total = others + step.length;
  if (total === 0) throw matchesNothing(kernel!, [...wholeNames, ...specs.keys()]);

  const end = performance.now() + budgetSeconds * 1000;
  tell({ kind: 'progress', done: 0, total, title: 'peaks' });
  signal?.throwIfAborted();
  const probe = opAt(specs.get('fma_peak')!, { invocations: 2 ** 14, iterations: 256 });
  const timer = await withOp(engine.gpu, probe, (encode) => Timer.create(engine.gpu, encode));
  try {
    const runner = Object.assign(new Runner(engine, timer, tell, signal), { total, end });
    const peak = await runner.peaks();
    runner.peak = peak;
    tell({
      kind: 'begin',
      result: {
        schema: SCHEMA,
        adapter: engine.adapter,
        runtime,
        date: new Date().toISOString(),
        commit,
        batches,
        sizes,
        network,
        budgetSeconds,
        timer: { kind: timer.kind },
        peak,
        end: 'stopped',
        rows: [],
        left: total,
      },
    });
    let variants: Variants | undefined;
    for (const { place, entries } of sites)
      for (const name of names) {
        const ops = await runner.whole(name, network, place, entries);
        if (ops.length === 0) continue;
        variants ??= chosenIn(ops);
        if (isByOps && name === 'step') step = ops;
      }
    runner.total = others + step.length;
    for (const { place, entries, step: planned } of sites) {
      const used = usedIn(variantsByLayer(planned), variants);
      const kernels = usedFirst(entries.filter(isWanted), used, peak);
      for (const entry of [...step.map((op) => findEntry(op, entries)), ...kernels])
        await runner.kernel(entry, place);
    }
    runner.progress('peak, again');
    const gflopsAtEnd = await runner.gflops();
    tell({ kind: 'end', end: runner.done < runner.total ? 'budget' : 'complete', gflopsAtEnd });
  } finally {
    timer.destroy();
  }
}

const inOrder = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

/** What can be measured at a place, and the ops of a training step there, as planned. */
function siteOf(engine: Engine, network: NetworkChoice | undefined, place: RowPlace, variants?: Variants) {
  const { size, batch } = place;
  const { adapter, device } = engine;
  const about = { network, size, software: adapter.software, features: device.features };
  const opsOf = (images: number, chosen?: Variants) => {
    try {
      return stepOps({ ...about, batch: images, variants: chosen });
    } catch (error) {
      limitMessage(error);
      return [];
    }
  };
  // The plain variants have the shapes of what others fuse.
  const all = (images: number) => [...opsOf(images, {}), ...opsOf(images, variants)];
  const entries = listEntries(batch, all, size === ownSize(network));
  return { place, entries, step: opsOf(batch, variants) };
}

/** What a pattern asks for. The bare name of a task means the whole network, not the kernels whose names contain the word. */
function choiceOf(pattern: string | undefined, several: boolean) {
  const asked = pattern?.split(',').map((part) => part.trim());
  const matches = matcher(asked?.filter((part) => !wholeNames.some((name) => name === part)).join(','));
  const isWanted = (entry: Entry) => (!several || asked !== undefined) && matches(kernelName(entry));
  return { names: wholeNames.filter((name) => asked?.includes(name) || matches(name)), isWanted };
}

/** The variants that the network was measured with, which tell nothing of kernels without a choice; those are as in the plan of a step. */
export function usedIn(planned: Variants, measured: Variants | undefined): Variants {
  if (!measured) return planned;
  const others = Object.entries(planned).filter(([name]) => !isConvolution(name));
  return { ...Object.fromEntries(others), ...measured };
}
