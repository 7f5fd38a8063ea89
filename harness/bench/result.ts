/** A bench's result, which is also its JSON file, and the events of a run that add up to it. Pure. */
import type { AdapterDescription } from '../../src/gpu/adapter';
import type { Variants } from '../../src/unet/variants';
import type { CaseResult } from '../run/check';
import type { NetworkChoice } from '../run/network';
import type { TimerKind, Times } from './timer';
import type { Figures, Peak } from './work';

/** Changes whenever older files can no longer be read like current ones. */
export const SCHEMA = 2;

/** Tasks of the whole network on a batch. */
export const wholes = { step: 'training step', forward: 'forward pass', sample: 'sampling step' } as const;
export type Whole = keyof typeof wholes;
export const wholeNames = Object.keys(wholes) as readonly Whole[];

/** Pixels on a side, and the number of images. */
export interface Place {
  readonly size: number;
  readonly batch: number;
}

/** A measurement; without `ms` it has no passed check, or was not made. */
export interface Row extends Place, Partial<Figures> {
  /** The whole network, an op as the network's training step runs it, or a kernel's variant at a layer by itself. */
  readonly part: 'whole' | 'op' | 'kernel';
  /** A Whole where the part is the whole network; variant and layer, which is named like parameters (`down.1`), are then empty. */
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  readonly ms?: Times;
  /** On a small case, before it was timed; of the whole network the first failure of its kernels. */
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
}

export interface BenchResult {
  readonly schema: typeof SCHEMA;
  readonly adapter: AdapterDescription;
  readonly runtime: string;
  /** ISO 8601. */
  readonly date: string;
  /** The commit of the sources, with `-dirty` where they differed from it; unknown without git. */
  readonly commit?: string | undefined;
  readonly batches: readonly number[];
  readonly sizes: readonly number[];
  /** Absent for the tutorial. */
  readonly network?: NetworkChoice | undefined;
  readonly budgetSeconds: number;
  /** The clock of ops and kernels; the whole network is timed by the host's. */
  readonly timer: { readonly kind: TimerKind };
  readonly peak: Peak;
  /** `budget`: time ran out. `stopped`: interrupted by the user or an error, or not at its end yet. */
  readonly end: 'complete' | 'budget' | 'stopped';
  /** `peak.gflops`, measured again at the end: it differs on a machine that is busy or too hot. Missing where the run was stopped. */
  readonly gflopsAtEnd?: number;
  readonly rows: readonly Row[];
  /** How many measurements had not begun at the end. */
  readonly left: number;
}

export type BenchEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly title: string }
  /** The first event other than progress; `result` has no rows yet. */
  | { readonly kind: 'begin'; readonly result: BenchResult }
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'end'; readonly end: 'complete' | 'budget'; readonly gflopsAtEnd: number };

/** The result of the events so far, so that an interrupted run has one too. Undefined before it begins. */
export function addEvent(result: BenchResult | undefined, event: BenchEvent): BenchResult | undefined {
  if (event.kind === 'begin') return event.result;
  if (!result) return undefined;
  if (event.kind === 'progress') return { ...result, left: event.total - event.done };
  if (event.kind === 'row') return { ...result, rows: [...result.rows, event.row] };
  return { ...result, end: event.end, gflopsAtEnd: event.gflopsAtEnd };
}
