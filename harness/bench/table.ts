/** A bench's results as text tables: for terminals, Markdown and the page. Pure. */

import type { Variants } from '../../src/unet/variants';
import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import { variantLines } from '../text/kernels_text';
import { plural, whole } from '../text/units';
import { isConvolution } from './inside';
import {
  type Axis,
  axes,
  type BenchHead,
  type BenchResult,
  type BenchRow,
  type BenchTotal,
  type Breakdown,
  type Peak,
  type SkippedRow,
  type SweepPoint,
  type SweepTotal,
  type TotalName,
  totalNames,
} from './result';
import type { Times } from './statistics';

export interface Table {
  readonly title: string;
  /** Sentences above the table, which the reader must know before reading a number. */
  readonly lead?: readonly string[];
  readonly head: readonly string[];
  /** A row with fewer cells ends in a remark that spans the remaining columns. */
  readonly rows: readonly (readonly string[])[];
  /** The number of text columns, from the left; all others are numbers. */
  readonly text: number;
  /** Sentences below the table. */
  readonly notes?: readonly string[];
}

export const titles: Readonly<Record<TotalName, string>> = {
  step: 'training step',
  forward: 'forward pass',
  sample: 'sampling step',
};

// ---------------------------------------------------------------- kernels

export const rowHead = [
  'kernel',
  'variant',
  'layer',
  'ms',
  'p10 … p90',
  'GFLOP/s',
  'inside',
  'GB/s',
  'of peak',
] as const;

type Totals = Pick<BenchResult, TotalName | 'inUse' | 'network'>;

/** The total that rows are compared with: the training step, or else the first total that was measured. */
function headline(totals: Totals): { name: TotalName; total: BenchTotal } | undefined {
  const name = totalNames.find((n) => totals[n]);
  return name && { name, total: totals[name]! };
}

/** The variants that the measured total ran, as far as known; without a total, the variants that a step would run. */
export function usedIn(totals: Totals): Variants {
  const { inUse = {} } = totals;
  const head = headline(totals);
  if (!head) return inUse;
  // Of convolutions a total knows all. It does not tell of kernels without a choice, which only a step's plan does.
  const alone = Object.entries(inUse).filter(([entry]) => head.name === 'step' && !isConvolution(entry));
  return { ...Object.fromEntries(alone), ...head.total.variants };
}

/** Whether the network used this variant among several; undefined if it is not known to use the kernel there. */
export function isInUse(
  totals: Totals,
  { kernel, variant, layer }: Pick<BenchRow, 'kernel' | 'variant' | 'layer'>,
): boolean | undefined {
  const used = usedIn(totals)[`${kernel}/${layer}`];
  return used === undefined ? undefined : used === variant;
}

/** Names the total that ran these variants, and its network. */
export function usedBy(totals: Totals): string | undefined {
  const name = headline(totals)?.name ?? (totals.inUse && 'step');
  return name && `${titles[name]} of ${choiceText(totals.network)}`;
}

/** Explains the mark of those rows, if there can be any. */
export function inUseNote(totals: Totals): string[] {
  const user = usedBy(totals);
  return user ? [`*: in use in the ${user}.`] : [];
}

/** The variants behind the headline: a line for each kernel. Empty for another total. */
export function kernelLines(totals: Totals, name?: TotalName): string[] {
  const head = headline(totals);
  return head && (name ?? head.name) === head.name ? variantLines(head.total.variants) : [];
}

export function rowCells(row: BenchRow, inUse?: boolean): string[] {
  const { kernel, variant, layer, ms, gflops, insideGflops, gbps, shareOfPeak, check } = row;
  const place = inUse ? `${layer} *` : layer;
  if (!ms || !check.pass) {
    return [kernel, variant, place, `not timed, its check failed: ${check.failure?.split('\n')[0]}`];
  }
  return [
    kernel,
    variant,
    place,
    time(ms.median),
    spread(ms),
    gflops ? short(gflops) : '',
    insideGflops ? short(insideGflops) : '',
    gbps ? short(gbps) : '',
    shareOfPeak === null ? '' : percent(shareOfPeak),
  ];
}

/** Counts what was measured: `training step, 4 points of sweeps, 12 rows`; and the rows whose check failed. Empty for nothing. */
export function measuredText({
  rows,
  sweep,
  ...totals
}: Totals & Pick<BenchResult, 'rows' | 'sweep'>): string {
  const parts = [
    ...totalNames.filter((name) => totals[name]).map((name) => titles[name]),
    sweep.length > 0 ? `${plural(sweep.length, 'point')} of sweeps` : '',
    rows.length > 0 ? plural(rows.length, 'row') : '',
  ];
  const failed = rows.filter(({ check }) => !check.pass).length;
  const wrong =
    failed > 0
      ? `; ${failed} failed ${failed === 1 ? 'its check and was' : 'their check and were'} not timed`
      : '';
  return `${parts.filter(Boolean).join(', ')}${wrong}`;
}

/** A line for each skipped variant, with the reason. */
export function skippedLines(rows: readonly SkippedRow[]): string[] {
  const layers = new Map<string, string[]>();
  for (const { kernel, variant, layer, reason } of rows) {
    const known = titles[kernel as TotalName];
    const name = known ? [known, variant].filter(Boolean).join(', ') : `${kernel}.${variant}`;
    const key = `${name}\n${reason}`;
    layers.set(key, [...(layers.get(key) ?? []), layer]);
  }
  return [...layers].map(([key, where]) => {
    const [name, reason] = key.split('\n');
    const at = where.filter(Boolean).join(', ');
    return `not run: ${name}${at && ` at ${at}`}: ${reason}`;
  });
}

// ---------------------------------------------------------------- the whole network

export function totalRow(name: TotalName, total: BenchTotal): string {
  const { ms, gflops, insideGflops, imagesPerSecond, batch, timer } = total;
  return (
    `${titles[name].padEnd(14)} ${time(ms.median)} ms (p10 ${time(ms.p10)}, p90 ${time(ms.p90)}, n ${ms.n}) for ${batch} ` +
    `images: ${short(imagesPerSecond)} images/s, ${short(gflops)} GFLOP/s, ${short(insideGflops)} inside (${timer})`
  );
}

function totalsTable(result: BenchResult): Table {
  const rows = totalNames.flatMap((name) => {
    const total = result[name];
    if (!total) return [];
    const { ms, gflops, insideGflops, imagesPerSecond, timer } = total;
    const numbers = [imagesPerSecond, gflops, insideGflops].map(short);
    return [[titles[name], timer, time(ms.median), spread(ms), String(ms.n), ...numbers]];
  });
  const head = ['task', 'timer', 'ms', 'p10 … p90', 'n', 'images/s', 'GFLOP/s', 'inside'];
  const notes = kernelLines(result);
  const title = `The whole network: ${choiceText(result.network)}, ${plural(result.batch, 'image')}`;
  return { title, head, rows, text: 2, notes };
}

export function breakdownTable(name: TotalName, breakdown: Breakdown): Table {
  const { kernels, sumMs, sumOfTotal, otherShare } = breakdown;
  return {
    title: `${titles[name].replace(/^./, (first) => first.toUpperCase())}, by kernel`,
    head: ['kernel', 'ops', 'ms', 'share'],
    rows: kernels.map(({ kernel, ops, ms, share }) => [kernel, String(ops), time(ms), percent(share, 1)]),
    text: 1,
    notes: [
      `${percent(otherShare, 1)} is not convolution. The ops one by one take ${time(sumMs)} ms together, ${percent(sumOfTotal)} of the whole.`,
    ],
  };
}

// ---------------------------------------------------------------- sweeps

export const sweepHead = [
  'batch',
  'size',
  'step ms',
  'images/s',
  'ms/image',
  'ps/MAC',
  'forward ms',
  'images/s',
  'ms/image',
  'ps/MAC',
] as const;

export function sweepCells({ batch, size, step, forward, reason }: SweepPoint): string[] {
  const place = [String(batch), `${size}x${size}`];
  if (!step || !forward) return [...place, `not measured: ${reason}`];
  const numbers = (total: SweepTotal) => [
    time(total.ms.median),
    ...[total.imagesPerSecond, total.msPerImage, total.psPerMultiplyAdd].map(short),
  ];
  return [...place, ...numbers(step), ...numbers(forward)];
}

export const sweepTitles: Readonly<Record<Axis, string>> = {
  batch: 'Over the batch',
  size: 'Over the size of the images',
};

// ---------------------------------------------------------------- all of it

export const kernelsTitle = ({ network }: Pick<BenchResult, 'network'>) => `Kernels: ${choiceText(network)}`;

/** Every table that has a row. */
export function benchTables(result: BenchResult): Table[] {
  const { rows, sweep, breakdowns } = result;
  const tables: Table[] = [totalsTable(result)];
  for (const name of totalNames) {
    const breakdown = breakdowns[name];
    if (breakdown) tables.push(breakdownTable(name, breakdown));
  }
  for (const axis of axes) {
    const points = sweep.filter((point) => point.axis === axis);
    const notes = ['ps/MAC: picoseconds for each multiply-add inside the images.'];
    tables.push({ title: sweepTitles[axis], head: sweepHead, rows: points.map(sweepCells), text: 2, notes });
  }
  const cells = rows.map((row) => rowCells(row, isInUse(result, row)));
  tables.push({ title: kernelsTitle(result), head: rowHead, rows: cells, text: 3, notes: inUseNote(result) });
  return tables.filter((table) => table.rows.length > 0);
}

export const networkLine = ({ network, batch }: Pick<BenchHead, 'network' | 'batch'>) =>
  `Network: ${choiceText(network)}; ${plural(batch, 'image')}.`;

export function headLines(head: BenchHead): string[] {
  const { adapter, runtime, date, commit, timer, peak, batch, network } = head;
  return [
    `Adapter: ${adapterText(adapter)}.`,
    `Runtime: ${runtime}. ${date}.`,
    ...(commit ? [`Commit: ${commit}.`] : []),
    networkLine({ network, batch }),
    `Timer: ${timerLine(timer)}.`,
    `Peaks: ${peaksLine(peak)}.`,
  ];
}

/** A relative change of the peak above this makes it unusable as a roof. */
const DRIFT = 0.15;

/** Caveats about how the run went; empty for a complete run on a quiet machine. */
export function caveats({ end, budgetSeconds, peak, gflopsAtEnd, rows, left }: BenchResult): string[] {
  const found: string[] = [];
  if (end === 'stopped') {
    const more = left ? `, and ${left} more ${left === 1 ? 'was' : 'were'} to come` : '';
    found.push(`Stopped before its end: this is what was measured until then${more}.`);
  }
  if (end === 'budget') found.push(`Not everything was measured within the budget of ${budgetSeconds} s.`);
  if (gflopsAtEnd !== null && Math.abs(gflopsAtEnd / peak.gflops - 1) > DRIFT) {
    found.push(
      `The peak was ${short(peak.gflops)} GFLOP/s at the start and ${short(gflopsAtEnd)} at the end: the machine was busy or throttled, and shares of peak are as uncertain as that.`,
    );
  }
  const above = rows.filter(
    ({ kernel, shareOfPeak }) => ['fma_peak', 'copy'].includes(kernel) && (shareOfPeak ?? 0) > 1 + DRIFT,
  );
  for (const { kernel, variant, layer, shareOfPeak } of above) {
    found.push(
      `${kernel}.${variant} ${layer}, itself a measure of the peak, reached ${percent(shareOfPeak!)} of it later: the machine was busy or throttled, and shares of peak are as uncertain as that.`,
    );
  }
  return found;
}

export function peaksLine({ gflops, copies }: Peak): string {
  const size = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const rates = copies.map(({ bytes, gbps }) => `${short(gbps)} for ${size(bytes)}`);
  return `${short(gflops)} GFLOP/s; copying, GB/s: ${rates.join(', ')}`;
}

export function timerLine({ kind, resolutionMs }: BenchHead['timer']): string {
  const resolution =
    resolutionMs < 0.001 ? `${Math.round(resolutionMs * 1e6)} ns` : `${short(resolutionMs)} ms`;
  return kind === 'wall clock'
    ? `the host's clock (${resolution}), as the device has no timestamp queries that agree with it`
    : `the GPU's timestamps (${resolution})`;
}

// ---------------------------------------------------------------- text

/** Fixed column widths for rows that are printed as they come. */
export const rowColumns = { text: 3, widths: [20, 24, 8, 8, 17, 8, 8, 8, 8] } as const;
export const sweepColumns = { text: 0, widths: [5, 7, 8, 9, 9, 7, 10, 9, 9, 7] } as const;

export function textLine(
  cells: readonly string[],
  { text, widths }: { readonly text: number; readonly widths: readonly number[] },
): string {
  // A remark may be longer than its column.
  return cells
    .map((cell, i) => (i < text ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
    .join(' ')
    .trimEnd();
}

export function textTable({ title, lead = [], head, rows, text, notes = [] }: Table): string {
  const widths = head.map((name, i) =>
    Math.max(name.length, ...rows.filter((row) => row.length === head.length).map((row) => row[i].length)),
  );
  const lines = [head, ...rows].map((row) => `  ${textLine(row, { text, widths })}`);
  return [title, ...lead, ...lines, ...notes].join('\n');
}

/** Three digits, more for large values. */
export function short(value: number): string {
  if (value >= 100) return whole(value);
  return value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

const time = (ms: number) => (ms < 0.001 ? ms.toExponential(1) : short(ms));
const spread = ({ p10, p90 }: Times) => `${time(p10)} … ${time(p90)}`;
export const percent = (share: number, digits = 0) => `${(100 * share).toFixed(digits)}%`;
