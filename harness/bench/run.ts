/**
 * Measures the throughput of the whole network and of every kernel on the current adapter; each is checked before it is timed. Shared by
 * the page and the command line.
 */
import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import type { CaseResult } from '../run/check';
import { stepOps, variantsOf } from '../run/in_use';
import { changesOf, configOf, type NetworkChoice, ownSize } from '../run/network';
import { matcher, matchesNothing } from '../run/pattern';
import { specs } from '../specs/lib/registry';
import { shadersOf, shapeText } from '../text/shape_text';
import { type Entry, entryOf, Kernels, listEntries, opOf, refusalOf, usedFirst, workOf } from './kernels';
import { measureGflops, measurePeak } from './peaks';
import {
  type BenchEvent,
  type BenchHead,
  type Place,
  type Row,
  SCHEMA,
  type Whole,
  wholeNames,
} from './result';
import type { Times } from './timer';
import { timeTask, withTask } from './whole';
import { figuresOf, isConvolution, type Peak } from './work';

/** Default number of images. */
export const BATCH = 256;

/** Seconds of samples, about: of the whole network; of an op, a kernel or a peak. */
const SECONDS = { whole: 1, op: 0.2 } as const;

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
  const kernels = await Kernels.create(engine, signal);
  try {
    const peak = await measurePeak(kernels, SECONDS.op);
    const head: BenchHead = {
      ...{ schema: SCHEMA, adapter: engine.adapter, runtime, date: new Date().toISOString(), commit },
      ...{ batches, sizes, network, budgetSeconds, timer: { kind: kernels.timer.kind }, peak },
    };
    tell({ kind: 'head', head });
    const runner = new Runner({ kernels, peak, tell, end, signal }, total);
    for (const site of sites) for (const name of names) await runner.whole(name, site, network);
    for (const site of sites) {
      const used = usedIn(variantsOf(site.step), runner.variants);
      const ops = isWhole ? (runner.step ?? site.step) : [];
      if (isWhole) runner.total += ops.length - site.step.length;
      const entries = usedFirst(site.entries.filter(isWanted), used, peak);
      for (const entry of [...ops.map((op) => entryOf(op, site.entries)), ...entries])
        await runner.kernel(entry, site, used);
    }
    runner.progress('peak, again');
    const gflopsAtEnd = await measureGflops(kernels, SECONDS.op);
    tell({ kind: 'end', end: runner.isOver ? 'budget' : 'complete', gflopsAtEnd });
  } finally {
    kernels.destroy();
  }
}

interface Given {
  readonly kernels: Kernels;
  readonly peak: Peak;
  readonly tell: (event: BenchEvent) => void;
  /** When time is up. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
}

/** Checks what a row consists of, times it and tells of it, until time is up. */
class Runner {
  /** Whether something had not begun by the end of the budget. */
  isOver = false;
  /** The variants of the first task of the whole network, and the ops of its step. */
  variants: Variants | undefined;
  step: readonly Op[] | undefined;
  /** How many rows there will be. */
  total: number;
  private readonly given: Given;
  private done = 0;

  constructor(given: Given, total: number) {
    this.given = given;
    this.total = total;
  }

  progress(title: string): void {
    this.given.tell({ kind: 'progress', done: this.done, total: this.total, title });
  }

  async whole(name: Whole, { place, entries }: Site, network: NetworkChoice | undefined): Promise<void> {
    const { kernels, signal } = this.given;
    const { engine } = kernels;
    const title = `${name}, batch ${place.batch}, ${place.size}x${place.size} pixels`;
    const row = { part: 'whole', kernel: name, variant: '', layer: '', ...place } as const;
    await this.measure(row, title, () =>
      withTask(engine, name, network, place, async (task) => {
        const variants = variantsOf(task.ops.filter(({ kernel }) => hasRivals(kernel)));
        this.variants ??= variants;
        if (name === 'step') this.step ??= task.ops;
        const time = () => timeTask(engine, task, { seconds: SECONDS.whole, signal });
        const all = task.ops.map((op) => entryOf(op, entries));
        return { variants, ...(await this.checked(title, all, time)) };
      }),
    );
  }

  /** A kernel by itself, or an op as the network runs it. */
  async kernel(entry: Entry, { place }: Site, used: Variants): Promise<void> {
    const { kernels, peak } = this.given;
    const { name, variant, layer, op } = entry;
    const known = op ? undefined : used[`${name}/${layer}`];
    const isUsed = known === undefined ? {} : { used: known === variant };
    const part = op ? 'op' : 'kernel';
    await this.measure(
      { part, kernel: name, variant, layer, ...place, ...isUsed },
      nameOf(entry),
      async () => {
        const reason = refusalOf(kernels.engine, entry, peak);
        if (reason) return { reason };
        const time = () => kernels.time(entry, SECONDS.op);
        const about = { shape: shapeText(entry.shape), shaders: shadersOf(opOf(entry)) };
        return { ...about, ...(await this.checked(nameOf(entry), [entry], time)) };
      },
    );
  }

  /** What the device is too small for has a reason; any other error is thrown. */
  private async measure(row: Row, title: string, make: () => Promise<Partial<Row>>): Promise<void> {
    const { signal, end, tell } = this.given;
    signal?.throwIfAborted();
    this.isOver ||= performance.now() >= end;
    if (this.isOver) return;
    this.progress(title);
    this.done++;
    const made = await make().catch((error) => ({ reason: limitOf(error) }));
    tell({ kind: 'row', row: { ...row, ...made } });
  }

  private async checked(
    title: string,
    all: readonly Entry[],
    time: () => Promise<Times>,
  ): Promise<Partial<Row>> {
    const { kernels, peak } = this.given;
    let worst: CaseResult = { pass: true, share: 0 };
    // Ops of a kernel follow each other, as they share references.
    for (const entry of [...all].sort((a, b) => a.name.localeCompare(b.name))) {
      const name = nameOf(entry);
      this.progress(`${title}: checking ${name}`);
      const check = await kernels.check(entry);
      if (!check.pass) {
        const failure = all.length > 1 ? `${name}: ${check.failure}` : check.failure;
        return { check: { ...check, failure } };
      }
      if (check.share >= worst.share) worst = check;
    }
    this.progress(title);
    const ms = await time();
    return { check: worst, ms, ...figuresOf(all.map(workOf), ms.median, peak) };
  }
}

const inOrder = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

const hasRivals = (kernel: string) => Object.keys(specs.get(kernel)!.kernel.variants).length > 1;
const nameOf = ({ name, variant, layer }: Entry) => `${name}.${variant} ${layer}`;

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

function limitOf(error: unknown): string {
  if (error instanceof EngineError && error.code === 'limit') return error.message;
  throw error;
}
