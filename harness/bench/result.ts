/** The events of a bench and the result that they add up to, which is also its JSON format. Pure. */
import type { AdapterDescription } from '../../src/gpu/adapter';
import type { Variants } from '../../src/unet/variants';
import type { CaseResult } from '../run/check';
import type { NetworkChoice } from '../run/network';
import { isConvolution } from './inside';
import type { Times } from './statistics';
import type { TimerKind } from './timer';

/** Changes whenever older files can no longer be read like current ones. */
export const SCHEMA = 1;

/** A kernel's variant at one of the UNet's real shapes. Without a passed check it has no numbers. */
export interface BenchRow {
  readonly kernel: string;
  readonly variant: string;
  /** Named like parameters: `down.1`, `up.0`. */
  readonly layer: string;
  readonly batch: number;
  readonly ms: Times | null;
  /** Nominal: counts every tap of every convolution, as libraries do, whatever the variant computes. */
  readonly gflops: number | null;
  /** Without the taps outside the image. Equal to nominal for kernels that are no convolutions. */
  readonly insideGflops: number | null;
  /** From the bytes that must be moved at least once. */
  readonly gbps: number | null;
  /** Share of the adapter's peak: the larger of insideGflops / peak.gflops and gbps / the copy of about as many bytes. */
  readonly shareOfPeak: number | null;
  readonly check: CaseResult;
  /** In words; like the three below it is not in files of before 0.3. */
  readonly shape?: string;
  /** Nominal floating-point operations. */
  readonly flops?: number;
  /** Bytes that must be moved at least once. */
  readonly bytes?: number;
  /** Names of the shaders that run. */
  readonly shaders?: readonly string[];
}

/** A skipped measurement and the reason. For the whole network, `kernel` is a TotalName; variant and layer name the part of it, if any. */
export interface SkippedRow {
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  readonly reason: string;
}

export const totalNames = ['step', 'forward', 'sample'] as const;
export type TotalName = (typeof totalNames)[number];

/** A task of the whole network on a batch. GFLOP/s count its convolutions. */
export interface BenchTotal {
  readonly batch: number;
  readonly ms: Times;
  readonly imagesPerSecond: number;
  readonly gflops: number;
  readonly insideGflops: number;
  readonly timer: TimerKind;
  /** The variants in use, by kernel and layer; an op that is not listed uses its kernel's first. */
  readonly variants: Variants;
  /** Milliseconds to make everything and run it once: compiling, and on a GPU choosing variants. Not in files of before 0.3. */
  readonly firstMs?: number;
}

/** A total's ops, each timed separately in the same buffers. */
export interface Breakdown {
  readonly ops: readonly OpTime[];
  /** By kernel, the most expensive first. */
  readonly kernels: readonly KernelShare[];
  /** The sum of the medians of all ops. */
  readonly sumMs: number;
  /** The sum as a share of the total's own median: the ops timed one by one on warm caches, against the whole list in sequence. */
  readonly sumOfTotal: number;
  /** The share of the sum that is not convolutions. */
  readonly otherShare: number;
}

export interface OpTime {
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  readonly ms: Times;
}

interface KernelShare {
  readonly kernel: string;
  readonly ops: number;
  readonly ms: number;
  /** Share of the sum of all ops. */
  readonly share: number;
}

export const axes = ['batch', 'size'] as const;
export type Axis = (typeof axes)[number];

/** The choices of a user. */
export const sweepChoices = ['none', ...axes, 'both'] as const;
export type SweepChoice = (typeof sweepChoices)[number];
export const axesOf = (choice: SweepChoice): Axis[] =>
  axes.filter((axis) => choice === axis || choice === 'both');

/** The whole network at one batch size or image size; has no numbers if `reason` says why. */
export interface SweepPoint {
  readonly axis: Axis;
  readonly batch: number;
  /** Pixels on a side. */
  readonly size: number;
  readonly step: SweepTotal | null;
  readonly forward: SweepTotal | null;
  readonly reason?: string;
}

export interface SweepTotal extends BenchTotal {
  readonly msPerImage: number;
  /** Picoseconds per multiply-add inside the images: the same at every size if the cost grows linearly. */
  readonly psPerMultiplyAdd: number;
}

/** Peak rates, measured in the same run, each from its fastest samples. */
export interface Peak {
  /** Multiply-adds in registers, by the faster of fma_peak's variants. */
  readonly gflops: number;
  /** Bytes read and written by a copy that is larger than the caches, by the faster of its variants. */
  readonly gbps: number;
  /** The copy at each measured size; `bytes` counts reads and writes together. */
  readonly copies: readonly { readonly bytes: number; readonly gbps: number }[];
}

/** The part of a result that is known at the start of a run. */
export interface BenchHead {
  readonly schema: typeof SCHEMA;
  readonly adapter: AdapterDescription;
  readonly runtime: string;
  /** ISO 8601. */
  readonly date: string;
  /** The commit of the sources, with `-dirty` where they differed from it. Not in files of before 0.3, and unknown without git. */
  readonly commit?: string;
  readonly batch: number;
  /** The measured network. Absent for the tutorial, and in files from before there was a choice. */
  readonly network?: NetworkChoice;
  readonly budgetSeconds: number;
  readonly timer: { readonly kind: TimerKind; readonly resolutionMs: number };
  readonly peak: Peak;
  /** The variants that a training step would run, kernels with one variant included: `kernel/layer` -> variant. */
  readonly inUse?: Variants;
}

export interface BenchResult extends BenchHead {
  /** `budget`: time ran out, and `skipped` lists the rest. `stopped`: interrupted by the user or an error. */
  readonly end: 'complete' | 'budget' | 'stopped';
  /** `peak.gflops`, measured again at the end: it differs on a machine that is busy or too hot. Null for a run that was stopped. */
  readonly gflopsAtEnd: number | null;
  /** A whole training step; null if it was not requested or not measured. */
  readonly step: BenchTotal | null;
  readonly forward: BenchTotal | null;
  /** One step of sampling. */
  readonly sample: BenchTotal | null;
  readonly breakdowns: Readonly<Record<TotalName, Breakdown | null>>;
  readonly sweep: readonly SweepPoint[];
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly SkippedRow[];
  /** How many totals, points and rows were not finished when the run was stopped. */
  readonly left?: number;
}

export type BenchEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly title: string }
  /** The first event other than progress. */
  | { readonly kind: 'head'; readonly head: BenchHead }
  | { readonly kind: 'total'; readonly name: TotalName; readonly total: BenchTotal }
  | { readonly kind: 'breakdown'; readonly name: TotalName; readonly breakdown: Breakdown }
  | { readonly kind: 'point'; readonly point: SweepPoint }
  | { readonly kind: 'row'; readonly row: BenchRow }
  | { readonly kind: 'skipped'; readonly row: SkippedRow }
  | { readonly kind: 'end'; readonly end: 'complete' | 'budget'; readonly gflopsAtEnd: number };

/** The result of the events so far, so that an interrupted run has one too. Undefined before the head has come. */
export function addEvent(result: BenchResult | undefined, event: BenchEvent): BenchResult | undefined {
  if (event.kind === 'head') {
    return {
      ...event.head,
      end: 'stopped',
      gflopsAtEnd: null,
      step: null,
      forward: null,
      sample: null,
      breakdowns: { step: null, forward: null, sample: null },
      sweep: [],
      rows: [],
      skipped: [],
    };
  }
  if (!result) return undefined;
  switch (event.kind) {
    case 'progress':
      return { ...result, left: event.total - event.done };
    case 'total':
      return { ...result, [event.name]: event.total };
    case 'breakdown':
      return { ...result, breakdowns: { ...result.breakdowns, [event.name]: event.breakdown } };
    case 'point':
      return { ...result, sweep: [...result.sweep, event.point] };
    case 'row':
      return { ...result, rows: [...result.rows, event.row] };
    case 'skipped':
      return { ...result, skipped: [...result.skipped, event.row] };
    case 'end':
      return { ...result, end: event.end, gflopsAtEnd: event.gflopsAtEnd, left: undefined };
  }
}

/** GB/s of a copy of about `bytes` bytes (reads and writes): a tensor that stays in a cache has another peak. */
export function copyRate({ copies }: Peak, bytes: number): number {
  const distance = (copy: { bytes: number }) => Math.abs(Math.log(copy.bytes / bytes));
  return copies.reduce((best, copy) => (distance(copy) < distance(best) ? copy : best)).gbps;
}

export function breakdownOf(ops: readonly OpTime[], total: BenchTotal): Breakdown {
  const sumMs = ops.reduce((sum, { ms }) => sum + ms.median, 0);
  const kernels = new Map<string, { ops: number; ms: number }>();
  for (const { kernel, ms } of ops) {
    const known = kernels.get(kernel) ?? { ops: 0, ms: 0 };
    kernels.set(kernel, { ops: known.ops + 1, ms: known.ms + ms.median });
  }
  const other = ops.reduce((sum, { kernel, ms }) => sum + (isConvolution(kernel) ? 0 : ms.median), 0);
  return {
    ops,
    kernels: [...kernels]
      .map(([kernel, { ops: count, ms }]) => ({ kernel, ops: count, ms, share: ms / sumMs }))
      .sort((a, b) => b.ms - a.ms),
    sumMs,
    sumOfTotal: sumMs / total.ms.median,
    otherShare: other / sumMs,
  };
}
