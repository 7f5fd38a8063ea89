/** Exports a bench's result as files: JSON for programs, CSV for spreadsheets, Markdown for people. Pure. */

import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import { type BenchResult, type BenchTotal, type OpTime, totalNames } from './result';
import type { Times } from './statistics';
import { benchTables, caveats, headLines, skippedLines, type Table } from './table';

export const toJson = (result: BenchResult): string => rowsToJson(result);

/** JSON with a line for each row of a list of objects, and for each other field of what holds such a list. */
export function rowsToJson(content: object): string {
  return `${spread(content)}\n`;
}

function spread(value: unknown): string {
  if (!holdsRows(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[\n${value.map(spread).join(',\n')}\n]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{\n${fields.map(([name, field]) => `${JSON.stringify(name)}: ${spread(field)}`).join(',\n')}\n}`;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether there is a list of objects in it. */
const holdsRows = (value: unknown): value is object =>
  isObject(value) && (Array.isArray(value) ? value.some(isObject) : Object.values(value).some(holdsRows));

// ---------------------------------------------------------------- CSV

const columns = [
  'section',
  'kernel',
  'variant',
  'layer',
  'batch',
  'size',
  'ms_median',
  'ms_p10',
  'ms_p90',
  'n',
  'gflops_nominal',
  'gflops_inside',
  'gbps',
  'share_of_peak',
  'images_per_second',
  'ps_per_multiply_add',
  'check',
  'note',
  'adapter',
  'software',
  'runtime',
  'date',
  'end',
  'network',
] as const;
type Column = (typeof columns)[number];
type Line = Partial<Record<Column, string | number | boolean | null>>;

/** A line for each row, total, op of a breakdown, point of a sweep and skipped item; the column `section` says which it is. */
export function toCsv(result: BenchResult): string {
  const { adapter, runtime, date, end, batch, rows, skipped, sweep, breakdowns } = result;
  const lines: Line[] = [];
  const times = (ms: Times | null): Line =>
    ms ? { ms_median: ms.median, ms_p10: ms.p10, ms_p90: ms.p90, n: ms.n } : {};
  const total = ({ ms, gflops, insideGflops, imagesPerSecond, timer }: BenchTotal): Line => ({
    ...times(ms),
    gflops_nominal: gflops,
    gflops_inside: insideGflops,
    images_per_second: imagesPerSecond,
    note: timer,
  });
  for (const name of totalNames) {
    const whole = result[name];
    if (whole) lines.push({ section: 'total', kernel: name, batch, ...total(whole) });
    const ops: readonly OpTime[] = breakdowns[name]?.ops ?? [];
    for (const { kernel, variant, layer, ms } of ops)
      lines.push({ section: `${name} op`, kernel, variant, layer, batch, ...times(ms) });
  }
  for (const { axis, batch: images, size, step, forward, reason } of sweep) {
    const place = { section: `${axis} sweep`, batch: images, size };
    if (reason) lines.push({ ...place, note: reason });
    for (const [kernel, point] of Object.entries({ step, forward })) {
      if (point) {
        lines.push({ ...place, kernel, ...total(point), ps_per_multiply_add: point.psPerMultiplyAdd });
      }
    }
  }
  for (const { kernel, variant, layer, ms, gflops, insideGflops, gbps, shareOfPeak, check, ...row } of rows) {
    lines.push({
      section: 'row',
      kernel,
      variant,
      layer,
      batch: row.batch,
      ...times(ms),
      gflops_nominal: gflops,
      gflops_inside: insideGflops,
      gbps,
      share_of_peak: shareOfPeak,
      check: check.pass ? 'pass' : 'fail',
      note: check.failure,
    });
  }
  for (const { kernel, variant, layer, reason } of skipped)
    lines.push({ section: 'not run', kernel, variant, layer, batch, note: reason });
  const network = choiceText(result.network);
  const run: Line = {
    adapter: adapterText(adapter),
    software: adapter.software,
    runtime,
    date,
    end,
    network,
  };
  const text = [columns, ...lines.map((line) => columns.map((column) => ({ ...line, ...run })[column]))];
  return `${text.map((cells) => cells.map(csvCell).join(',')).join('\r\n')}\r\n`;
}

/** RFC 4180. */
function csvCell(value: string | number | boolean | null | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// ---------------------------------------------------------------- Markdown

export function toMarkdown(result: BenchResult): string {
  const left = skippedLines(result.skipped);
  const parts = [
    '# webgpu-diffusion bench',
    headLines(result)
      .map((line) => `- ${escapeMarkdown(line)}`)
      .join('\n'),
    ...caveats(result).map((line) => `**${line}**`),
    ...benchTables(result).map(markdownTable),
    ...(left.length > 0 ? ['## Not run', left.map((line) => `- ${escapeMarkdown(line)}`).join('\n')] : []),
  ];
  return `${parts.join('\n\n')}\n`;
}

const markdownTable = (table: Table): string =>
  [`## ${table.title}`, markdownGrid(table), ...(table.notes ?? [])].join('\n\n');

/** The rows of a table. */
export function markdownGrid({ head, rows, text }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `|${head.map((_, i) => (i < text ? '---' : '--:')).join('|')}|`;
  const full = (cells: readonly string[]) => [...cells, ...head.slice(cells.length).map(() => '')];
  return [line(head), rule, ...rows.map((row) => line(full(row)))].join('\n');
}

/** Names from drivers, messages from compilers and opened files may contain anything: no markup, and no address that becomes a link. */
export const escapeMarkdown = (text: string) =>
  text.replace(/[\\|<>`*[\]&~]|(?<!\w)_|_(?!\w)|(?<=\bwww)\.|:(?=\/\/)/gi, '\\$&').replace(/\s+/g, ' ');
