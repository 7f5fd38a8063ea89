/** A bench's rows as one table, for the terminal, Markdown and the page, and what must be said of them. Pure. */
import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import { variantLines } from '../text/kernels_text';
import { markdownTable, percent, short } from '../text/table';
import { plural } from '../text/units';
import { type BenchResult, type Row, type Whole, wholes } from './result';
import type { Times } from './timer';
import { isConvolution } from './work';

export const timeHead = ['ms', 'p10 … p90', 'n'] as const;

/** The table without its rows; a line that is printed before they are known has these widths. */
export function tableHead(result: BenchResult) {
  const { network, batches, sizes } = result;
  const images = `${batches.join(', ')} ${batches.join() === '1' ? 'image' : 'images'}`;
  return {
    title: `Network: ${choiceText(network)}; ${images} of ${sizes.map((size) => `${size}x${size}`).join(', ')}`,
    lead: [`*: ${usedBy(result)}.`],
    head: ['row', ...timeHead, 'images/s', 'GFLOP/s', 'inside', 'GB/s', 'of peak'],
    text: 1,
    widths: [hasSeveral(result) ? 74 : 53, 8, 17, 3, 8, 8, 8, 7, 7],
  };
}

const hasSeveral = ({ batches, sizes }: BenchResult) => batches.length * sizes.length > 1;

/** Says what the mark of used kernels means. */
export const usedBy = ({ network }: BenchResult) => `in use in the network of ${choiceText(network)}`;

export const benchTable = (result: BenchResult) => ({
  ...tableHead(result),
  rows: result.rows.filter(({ reason }) => reason === undefined).map((row) => rowCells(result, row)),
  notes: tableNotes(result),
});

/** The table, and what must be said before it. */
export function benchMarkdown(result: BenchResult): string {
  const table = benchTable(result);
  const lead = [...headLines(result), ...caveats(result), ...table.lead];
  return `# webgpu-diffusion bench\n\n${markdownTable({ ...table, lead })}\n`;
}

/** `training step`, `step: conv2d.direct down.1`, `conv2d.direct down.1` */
function shortName({ part, kernel, variant, layer }: Row): string {
  if (part === 'whole') return Object.hasOwn(wholes, kernel) ? wholes[kernel as Whole] : kernel;
  return `${part === 'op' ? 'step: ' : ''}${kernel}.${variant} ${layer}`;
}

/** `training step, 64 images of 28x28`; differs for any two measurements of a result. */
export const rowName = (row: Row): string =>
  `${shortName(row)}, ${plural(row.batch, 'image')} of ${row.size}x${row.size}`;

export function rowCells(result: BenchResult, row: Row): string[] {
  const { part, batch, ms, gflops, insideGflops, gbps, shareOfPeak, check, used } = row;
  const name = `${hasSeveral(result) ? rowName(row) : shortName(row)}${used ? ' *' : ''}`;
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
  msText(median),
  `${msText(p10)} … ${msText(p90)}`,
  String(n),
];

const msText = (ms: number) => (ms < 0.001 ? ms.toExponential(1) : short(ms));

/** Counts what was measured, and what passed or failed its check. Empty for nothing. */
export function measuredText(rows: readonly Row[]): string {
  const timed = rows.filter(({ ms }) => ms).length;
  const failed = rows.filter(({ check }) => check?.pass === false).length;
  const checked = rows.filter(({ check, layer }) => check && layer);
  const kernels = new Set(checked.map(({ kernel, variant }) => `${kernel}.${variant}`)).size;
  const its = failed === 1 ? 'its check and was' : 'their check and were';
  const right = kernels > 0 ? `${plural(kernels, 'kernel')} right on small cases` : '';
  return [timed > 0 && plural(timed, 'row'), failed > 0 ? `${failed} failed ${its} not timed` : right]
    .filter(Boolean)
    .join('; ');
}

/** What is known only when all rows are. */
export function tableNotes({ rows }: BenchResult): string[] {
  const variants = rows.find((row) => row.variants)?.variants ?? {};
  return [...variantLines(variants), ...stepNotes(rows), ...notRun(rows)];
}

/** A line for each variant that was not measured for a reason. */
function notRun(rows: readonly Row[]): string[] {
  const alike = new Map<string, { what: string; reason: string; layers: Set<string> }>();
  for (const { reason, ...row } of rows) {
    if (reason === undefined) continue;
    const what = row.part === 'whole' ? rowName(row) : `${row.kernel}.${row.variant}`;
    const found = alike.get(what + reason) ?? { what, reason, layers: new Set() };
    alike.set(what + reason, found);
    if (row.layer) found.layers.add(row.layer);
  }
  return [...alike.values()].map(({ what, reason, layers }) => {
    const at = layers.size > 0 ? ` at ${[...layers].join(', ')}` : '';
    return `not run: ${what}${at}: ${reason}`;
  });
}

/** Where the time of a step goes. */
function stepNotes(rows: readonly Row[]): string[] {
  const ops = rows.filter(({ part, ms }) => part === 'op' && ms);
  const times = new Map<string, number>();
  for (const { kernel, ms } of ops) times.set(kernel, (times.get(kernel) ?? 0) + ms!.median);
  const kernels = [...times].sort((one, other) => other[1] - one[1]);
  const sumOf = (all: typeof kernels) => all.reduce((sum, [_, ms]) => sum + ms, 0);
  const sum = sumOf(kernels);
  if (sum === 0) return [];
  const other = sumOf(kernels.filter(([kernel]) => !isConvolution(kernel)));
  const step = rows.find(({ part, kernel, ms }) => part === 'whole' && kernel === 'step' && ms);
  const whole = step ? `, ${percent(sum / step.ms!.median)} of the whole` : '';
  return [
    `By kernel: ${kernels.map(([kernel, ms]) => `${kernel} ${percent(ms / sum, 1)}`).join(', ')}.`,
    `${percent(other / sum, 1)} is not convolution. The ${ops.length} ops one by one take ${msText(sum)} ms together${whole}.`,
  ];
}

export function headLines({ adapter, runtime, date, commit, timer, peak }: BenchResult): string[] {
  return [
    `Adapter: ${adapterText(adapter)}.`,
    `Runtime: ${runtime}. ${date}.`,
    ...(commit ? [`Commit: ${commit}.`] : []),
    `Timer: ${timerLine(timer)}.`,
    `Peaks: ${peaksLine(peak)}.`,
  ];
}

/** A relative change of the peak above this makes it unusable as a roof. */
const DRIFT = 0.15;

/** Caveats about how the run went; empty for a complete run on a quiet machine. */
export function caveats(result: BenchResult): string[] {
  const { end, budgetSeconds, peak, gflopsAtEnd = peak.gflops, left } = result;
  const more = left > 0 ? `, and ${left} more ${left === 1 ? 'was' : 'were'} to come` : '';
  const ended = {
    complete: '',
    budget: `The budget of ${budgetSeconds} s ended${more}.`,
    stopped: `Stopped before its end: this is what was measured until then${more}.`,
  }[end];
  const drifted = `The peak was ${short(peak.gflops)} GFLOP/s at the start and ${short(gflopsAtEnd)} at the end: the machine was busy or throttled, and shares of peak are as uncertain as that.`;
  const isSteady = Math.abs(gflopsAtEnd / peak.gflops - 1) <= DRIFT;
  return [ended, isSteady ? '' : drifted].filter(Boolean);
}

export function peaksLine({ gflops, copies }: BenchResult['peak']): string {
  const rates = copies.map(({ bytes, gbps }) => `${short(gbps)} for ${Math.round(bytes / 2 ** 20)} MiB`);
  return `${short(gflops)} GFLOP/s; copying, GB/s: ${rates.join(', ')}`;
}

export const timerLine = ({ kind }: BenchResult['timer']) =>
  kind === 'wall clock'
    ? `the host's clock, as the device has no timestamp queries that agree with it`
    : `the GPU's timestamps`;
