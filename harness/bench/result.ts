/** The events of a bench and the result that they add up to, which is also its JSON format. Pure. */
import type { AdapterDescription } from '../../src/gpu/adapter';
import type { Op } from '../../src/plan/op';
import type { Variants } from '../../src/unet/variants';
import type { CaseResult } from '../run/check';
import type { NetworkChoice } from '../run/network';
import { insideFlops } from './inside';
import type { TimerKind, Times } from './timer';

/** Changes whenever older files can no longer be read like current ones. */
export const SCHEMA = 2;

/** Tasks of the whole network on a batch. */
export const wholes = { step: 'training step', forward: 'forward pass', sample: 'sampling step' } as const;
export type Whole = keyof typeof wholes;
export const wholeNames = Object.keys(wholes) as readonly Whole[];

/** The whole network, an op of its training step in the step's own buffers, or a kernel's variant at a layer by itself. */
export const parts = ['whole', 'op', 'kernel'] as const;
export type Part = (typeof parts)[number];

/** A measurement; without `ms` it has no passed check, or was not made. */
export interface Row extends Partial<Figures> {
  readonly part: Part;
  /** A Whole where the part is the whole network. */
  readonly kernel: string;
  /** This and the layer, which is named like parameters (`down.1`), are empty for the whole network. */
  readonly variant: string;
  readonly layer: string;
  /** Images, and the pixels on a side of each. */
  readonly batch: number;
  readonly size: number;
  readonly ms?: Times;
  /** On a small case, before it was timed; of the whole network the first failure of its kernels. Files of schema 1 have it of kernels alone. */
  readonly check?: CaseResult;
  /** Why it was not made. */
  readonly reason?: string;
  /** Whether the network runs this variant of the kernel at the layer; missing where it is not known to run the kernel there. */
  readonly used?: boolean;
  /** In words. */
  readonly shape?: string;
  /** Names of the shaders that run. */
  readonly shaders?: readonly string[];
  /** The variant of each op whose kernel has several, by kernel and layer; the whole network alone has it. */
  readonly variants?: Variants;
  /** Milliseconds to make the whole network and run it once: compiling, and on a GPU choosing variants. */
  readonly firstMs?: number;
}

export interface Figures {
  /** Nominal floating-point operations: every tap of every convolution, as libraries count, whatever the variant computes. */
  readonly flops: number;
  /** Bytes that must be moved at least once. */
  readonly bytes: number;
  readonly gflops: number;
  /** Without the taps outside the image. Equal to nominal for kernels that are no convolutions. */
  readonly insideGflops: number;
  readonly gbps: number;
  /** Time at the adapter's peak as a share of the measured one: of an op, arithmetic inside the image or a copy of as many bytes, whichever takes longer. */
  readonly shareOfPeak: number;
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
  /** The commit of the sources, with `-dirty` where they differed from it; unknown without git. */
  readonly commit?: string;
  readonly batches: readonly number[];
  readonly sizes: readonly number[];
  /** The measured network. Absent for the tutorial. */
  readonly network?: NetworkChoice;
  readonly budgetSeconds: number;
  /** The clock of ops and kernels; the whole network is timed by the host's. */
  readonly timer: { readonly kind: TimerKind; readonly resolutionMs: number };
  readonly peak: Peak;
}

export interface BenchResult extends BenchHead {
  /** `budget`: time ran out. `stopped`: interrupted by the user or an error. */
  readonly end: 'complete' | 'budget' | 'stopped';
  /** `peak.gflops`, measured again at the end: it differs on a machine that is busy or too hot. Missing where the run was stopped. */
  readonly gflopsAtEnd?: number;
  readonly rows: readonly Row[];
  /** How many measurements had not begun at the end. */
  readonly left: number;
}

export type BenchEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly title: string }
  /** The first event other than progress. */
  | { readonly kind: 'head'; readonly head: BenchHead }
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'end'; readonly end: 'complete' | 'budget'; readonly gflopsAtEnd: number };

/** The result of the events so far, so that an interrupted run has one too. Undefined before the head has come. */
export function addEvent(result: BenchResult | undefined, event: BenchEvent): BenchResult | undefined {
  if (event.kind === 'head') return { ...event.head, end: 'stopped', rows: [], left: 0 };
  if (!result) return undefined;
  if (event.kind === 'progress') return { ...result, left: event.total - event.done };
  if (event.kind === 'row') return { ...result, rows: [...result.rows, event.row] };
  const { end, gflopsAtEnd } = event;
  return { ...result, end, gflopsAtEnd, left: end === 'complete' ? 0 : result.left };
}

/** GB/s of a copy of about `bytes` bytes (reads and writes): a tensor that stays in a cache has another peak. */
export function copyRate({ copies }: Peak, bytes: number): number {
  const distance = (copy: { bytes: number }) => Math.abs(Math.log(copy.bytes / bytes));
  return copies.reduce((best, copy) => (distance(copy) < distance(best) ? copy : best)).gbps;
}

/** An op, as far as it counts as work. */
export type Work = Pick<Op, 'kernel' | 'cost'> & { readonly shape: unknown };

/** What `works` together do in `ms` milliseconds. */
export function figuresOf(works: readonly Work[], ms: number, peak: Peak): Figures {
  const sum = (of: (work: Work) => number) => works.reduce((all, work) => all + of(work), 0);
  const inside = ({ kernel, shape, cost }: Work) => insideFlops(kernel, shape, cost.flops);
  const atPeak = (work: Work) =>
    Math.max(inside(work) / peak.gflops, work.cost.bytes / copyRate(peak, work.cost.bytes));
  const [flops, bytes] = [sum(({ cost }) => cost.flops), sum(({ cost }) => cost.bytes)];
  const rate = (amount: number) => amount / ms / 1e6;
  return {
    ...{ flops, bytes, gflops: rate(flops), insideGflops: rate(sum(inside)), gbps: rate(bytes) },
    shareOfPeak: rate(sum(atPeak)),
  };
}
