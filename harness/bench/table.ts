/** A bench's rows as one table in three parts, for the terminal, Markdown and the page, and what must be said of them. Pure. */

import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import { variantLines } from '../text/kernels_text';
import { escapeMarkdown, markdownTable, percent, short, type Table } from '../text/table';
import { plural } from '../text/units';
import { isConvolution } from './inside';
import {
  type BenchHead,
  type BenchResult,
  type Part,
  type Peak,
  parts,
  type Row,
  type Whole,
  wholes,
} from './result';
import type { Times } from './timer';

export const timeHead = ['ms', 'p10 … p90', 'n'] as const;
const columns = [...timeHead, 'images/s', 'GFLOP/s', 'inside', 'GB/s', 'of peak'] as const;
/** Widths of the name and the columns after it: for rows that are printed as they come. */
export const widthsOf = (result: Shown) => [hasSeveral(result) ? 68 : 47, 8, 17, 3, 8, 8, 8, 7, 7];

const hasSeveral = ({ batches, sizes }: Shown) => batches.length * sizes.length > 1;

type Shown = Pick<BenchResult, 'rows' | 'network' | 'batches' | 'sizes'>;

/** A part of the table without its rows: what the reader must know before and after them. */
export function partOf(result: Shown, part: Part) {
  const rows = result.rows.filter((row) => row.part === part);
  const network = choiceText(result.network);
  const variants = rows.find((row) => row.variants)?.variants ?? {};
  const { head, notes, ...about } = {
    whole: { title: `The whole network: ${network}`, head: 'task', notes: variantLines(variants) },
    op: { title: 'The training step, op by op', head: 'op of the step', notes: stepNotes(result.rows) },
    kernel: { title: `Kernels: ${network}`, lead: [`*: ${usedBy(result)}.`], head: 'kernel', notes: [] },
  }[part];
  return { lead: [], ...about, head: [head, ...columns], text: 1, notes: [...notes, ...notRun(rows)] };
}

/** Says what the mark of used kernels means. */
export const usedBy = ({ network }: Pick<BenchResult, 'network'>) =>
  `in use in the network of ${choiceText(network)}`;

/** All parts of the table that have a row. */
export const benchTables = (result: Shown): Table[] =>
  parts
    .filter((part) => result.rows.some((row) => row.part === part))
    .map((part) => {
      const rows = result.rows.filter((row) => row.part === part && row.reason === undefined);
      return { ...partOf(result, part), rows: rows.map((row) => rowCells(result, row)) };
    });

export function benchMarkdown(result: BenchResult): string {
  const blocks = [
    '# webgpu-diffusion bench',
    headLines(result)
      .map((line) => `- ${escapeMarkdown(line)}`)
      .join('\n'),
    ...caveats(result).map((line) => `**${escapeMarkdown(line)}**`),
    ...benchTables(result).map(markdownTable),
  ];
  return `${blocks.join('\n\n')}\n`;
}

// ---------------------------------------------------------------- rows

/** `training step`, `conv2d.direct down.1` */
const shortName = ({ part, kernel, variant, layer }: Row) =>
  part === 'whole' && Object.hasOwn(wholes, kernel)
    ? wholes[kernel as Whole]
    : `${kernel}.${variant} ${layer}`;

/** `training step, 64 images of 28x28`; differs for any two measurements of a result. */
export function nameOf(row: Row): string {
  const { part, batch, size } = row;
  const inStep = part === 'op' ? ' in the step' : '';
  return `${shortName(row)}${inStep}, ${plural(batch, 'image')} of ${size}x${size}`;
}

export function rowCells(result: Shown, row: Row): string[] {
  const { part, batch, ms, gflops, insideGflops, gbps, shareOfPeak, check, used } = row;
  const isLong = part === 'whole' || hasSeveral(result);
  const name = `${isLong ? nameOf(row) : shortName(row)}${used ? ' *' : ''}`;
  if (!ms || check?.pass === false)
    return [name, `not timed, its check failed: ${check?.failure?.split('\n')[0]}`];
  const rates = [part === 'whole' ? (1000 * batch) / ms.median : 0, gflops, insideGflops, gbps];
  return [
    name,
    ...timeCells(ms),
    ...rates.map((rate) => (rate ? short(rate) : '')),
    shareOfPeak === undefined ? '' : percent(shareOfPeak),
  ];
}

/** Median, band and number of samples. */
export const timeCells = ({ median, p10, p90, n }: Times): string[] => [
  time(median),
  `${time(p10)} … ${time(p90)}`,
  String(n),
];

const time = (ms: number) => (ms < 0.001 ? ms.toExponential(1) : short(ms));

/** Counts what was measured: `3 rows of the whole network, 31 ops of its step, 12 kernels`; and the rows whose check failed. Empty for nothing. */
export function measuredText(rows: readonly Row[]): string {
  const count = (part: Part, what: string, of = '') => {
    const n = rows.filter((row) => row.part === part && row.ms).length;
    return n > 0 ? [plural(n, what) + of] : [];
  };
  const counts = [
    ...count('whole', 'row', ' of the whole network'),
    ...count('op', 'op', ' of its step'),
    ...count('kernel', 'kernel'),
  ];
  const failed = rows.filter(({ check }) => check?.pass === false).length;
  const its = failed === 1 ? 'its check and was' : 'their check and were';
  return `${counts.join(', ')}${failed > 0 ? `; ${failed} failed ${its} not timed` : ''}`;
}

/** A line for each variant that was not measured for a reason. */
function notRun(rows: readonly Row[]): string[] {
  const places = new Map<string, string[]>();
  for (const row of rows) {
    if (row.reason === undefined) continue;
    const name = row.part === 'whole' ? nameOf(row) : `${row.kernel}.${row.variant}`;
    const key = `${name}\n${row.reason}`;
    places.set(key, [...(places.get(key) ?? []), row.layer]);
  }
  return [...places].map(([key, layers]) => {
    const [name, ...reason] = key.split('\n');
    const at = [...new Set(layers)].filter(Boolean).join(', ');
    return `not run: ${name}${at && ` at ${at}`}: ${reason.join(' ')}`;
  });
}

// ---------------------------------------------------------------- the step

/** Where the time of a step goes. */
function stepNotes(rows: readonly Row[]): string[] {
  const ops = rows.filter(({ part, ms }) => part === 'op' && ms);
  const sumOf = (some: readonly Row[]) => some.reduce((sum, { ms }) => sum + ms!.median, 0);
  const sum = sumOf(ops);
  const kernels = [...new Set(ops.map(({ kernel }) => kernel))]
    .map((kernel) => ({ kernel, ms: sumOf(ops.filter((op) => op.kernel === kernel)) }))
    .sort((a, b) => b.ms - a.ms);
  if (sum === 0) return [];
  const step = rows.find(({ part, kernel, ms }) => part === 'whole' && kernel === 'step' && ms);
  const whole = step ? `, ${percent(sum / step.ms!.median)} of the whole` : '';
  const other = sumOf(ops.filter(({ kernel }) => !isConvolution(kernel)));
  return [
    `By kernel: ${kernels.map(({ kernel, ms }) => `${kernel} ${percent(ms / sum, 1)}`).join(', ')}.`,
    `${percent(other / sum, 1)} is not convolution. The ${ops.length} ops one by one take ${time(sum)} ms together${whole}.`,
  ];
}

// ---------------------------------------------------------------- the run

export function headLines(head: BenchHead): string[] {
  const { adapter, runtime, date, commit, timer, peak } = head;
  return [
    `Adapter: ${adapterText(adapter)}.`,
    `Runtime: ${runtime}. ${date}.`,
    ...(commit ? [`Commit: ${commit}.`] : []),
    networkLine(head),
    `Timer: ${timerLine(timer)}.`,
    `Peaks: ${peaksLine(peak)}.`,
  ];
}

export const networkLine = ({
  network,
  batches,
  sizes,
}: Pick<BenchHead, 'network' | 'batches' | 'sizes'>) => {
  const images = `${batches.join(', ')} ${batches.join() === '1' ? 'image' : 'images'}`;
  return `Network: ${choiceText(network)}; ${images} of ${sizes.map((size) => `${size}x${size}`).join(', ')}.`;
};

/** A relative change of the peak above this makes it unusable as a roof. */
const DRIFT = 0.15;

/** Caveats about how the run went; empty for a complete run on a quiet machine. */
export function caveats({ end, budgetSeconds, peak, gflopsAtEnd, rows, left }: BenchResult): string[] {
  const found: string[] = [];
  const more = left > 0 ? `, and ${left} more ${left === 1 ? 'was' : 'were'} to come` : '';
  if (end === 'stopped') found.push(`Stopped before its end: this is what was measured until then${more}.`);
  if (end === 'budget') found.push(`The budget of ${budgetSeconds} s ended${more}.`);
  const uncertain = 'the machine was busy or throttled, and shares of peak are as uncertain as that.';
  if (gflopsAtEnd !== undefined && Math.abs(gflopsAtEnd / peak.gflops - 1) > DRIFT)
    found.push(
      `The peak was ${short(peak.gflops)} GFLOP/s at the start and ${short(gflopsAtEnd)} at the end: ${uncertain}`,
    );
  for (const row of rows)
    if (['fma_peak', 'copy'].includes(row.kernel) && (row.shareOfPeak ?? 0) > 1 + DRIFT)
      found.push(
        `${shortName(row)}, itself a measure of the peak, reached ${percent(row.shareOfPeak!)} of it later: ${uncertain}`,
      );
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
