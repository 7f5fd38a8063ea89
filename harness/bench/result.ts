/** A bench's result, which is also its JSON file, and the events of a run that add up to it. Pure. */
import { isObject } from '../../src/base/errors';
import type { AdapterDescription } from '../../src/gpu/adapter';
import type { Variants } from '../../src/unet/variants';
import type { CaseResult } from '../run/check';
import type { NetworkChoice } from '../run/network';
import type { TimerKind, Times } from './timer';

/** Changes whenever older files can no longer be read like current ones. */
export const SCHEMA = 2;

/** Tasks of the whole network on a batch. */
export const wholes = { step: 'training step', forward: 'forward pass', sample: 'sampling step' } as const;
export type Whole = keyof typeof wholes;
export const wholeNames = Object.keys(wholes) as readonly Whole[];

/** Peak rates, measured in the same run, each from its fastest samples. */
export interface Peak {
  /** Multiply-adds in registers, by the faster of fma_peak's variants. */
  readonly gflops: number;
  /** Bytes read and written by a copy that is larger than the caches, by the faster of its variants. */
  readonly gbps: number;
  /** The copy at each measured size; `bytes` counts reads and writes together. */
  readonly copies: readonly { readonly bytes: number; readonly gbps: number }[];
}

export interface Figures {
  /** Nominal: every tap of every convolution counts, as libraries count, whatever the variant computes. */
  readonly gflops: number;
  /** Without the taps outside the image. Equal to nominal for kernels that are no convolutions. */
  readonly insideGflops: number;
  /** Bytes count that must be moved at least once. */
  readonly gbps: number;
  /** Time at the adapter's peak as a share of the measured one: of an op, arithmetic inside the image or a copy of as many bytes, whichever takes longer. */
  readonly shareOfPeak: number;
}

/** A measurement; without `ms` it has no passed check, or was not made. */
export interface Row extends Partial<Figures> {
  /** The whole network, an op as the network's training step runs it, or a kernel's variant at a layer by itself. */
  readonly part: 'whole' | 'op' | 'kernel';
  /** A Whole where the part is the whole network; variant and layer, which is named like parameters (`down.1`), are then empty. */
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  /** The number of images, and their pixels on a side. */
  readonly batch: number;
  readonly size: number;
  readonly ms?: Times;
  /** On a small case, before it was timed; of the whole network the first failure of its kernels. */
  readonly check?: CaseResult;
  /** Why it was not made. */
  readonly reason?: string;
  /** Whether the network runs this variant of the kernel at the layer; missing where it is not known to run the kernel there. */
  readonly used?: boolean;
  /** In words. */
  readonly shape?: string;
  readonly shaders?: readonly string[];
  /** The variant of each op whose kernel has several, by kernel and layer; the whole network alone has it. */
  readonly variants?: Variants;
}

export type RowPlace = Pick<Row, 'batch' | 'size'>;

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

/** JSON with a line for each row of a list of objects, and for each other field of what holds such a list. */
export const rowsToJson = (content: object): string => `${spread(content)}\n`;

function spread(value: unknown): string {
  if (!holdsRows(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[\n${value.map(spread).join(',\n')}\n]`;
  const fields = Object.entries(value).filter(([_, field]) => field !== undefined);
  return `{\n${fields.map(([name, field]) => `${JSON.stringify(name)}: ${spread(field)}`).join(',\n')}\n}`;
}

/** Whether there is a list of objects in it. */
const holdsRows = (value: unknown): value is object =>
  Array.isArray(value) ? value.some(isObject) : isObject(value) && Object.values(value).some(holdsRows);
