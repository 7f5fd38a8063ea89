/** Exports a check as files: JSON for programs, Markdown for people. Pure. */
import type { AdapterDescription } from '../../src/gpu/adapter';
import type { EngineReport } from '../../src/report';
import type { WorstElement } from '../specs/lib/check_kernel';
import { adapterText } from '../text/adapter_text';
import { escapeMarkdown, markdownGrid } from '../text/table';
import type { CheckRow } from './check';

/** A check and where it ran. */
export interface CheckReport {
  readonly adapter: AdapterDescription;
  readonly runtime: string;
  /** ISO 8601. */
  readonly date: string;
  /** `stopped`: by the user, or by an error. */
  readonly end: 'complete' | 'stopped';
  readonly rows: readonly CheckRow[];
  /** The engine's report; left out if the check was stopped before there was one. */
  readonly engine?: EngineReport | undefined;
}

/** Changes whenever older files can no longer be read like current ones. */
const SCHEMA = 1;

/** The report as JSON. Numbers that JSON lacks (NaN, infinity) become words. */
export const checkJson = (report: CheckReport): string =>
  `${JSON.stringify({ schema: SCHEMA, ...report }, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value), 1)}\n`;

/** `11 passed, 0 failed, 2 not run` */
export function checkSummary(rows: readonly CheckRow[]): string {
  const count = (result: CheckRow['result']) => rows.filter((row) => row.result === result).length;
  const skipped = count('skipped');
  return `${count('pass')} passed, ${count('fail')} failed${skipped > 0 ? `, ${skipped} not run` : ''}`;
}

export const resultWords = { pass: 'passed', fail: 'failed', skipped: 'not run' } as const;

/** `12.3%`; zero is `exact`. */
export function shareText(share: number): string {
  if (share === 0) return 'exact';
  if (share >= 100) return 'far beyond';
  return share < 0.001 ? '< 0.1%' : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`;
}

/** `12 ms`; empty where nothing was compiled. */
export const compileText = ({ compileMilliseconds: ms }: CheckRow): string =>
  ms === undefined ? '' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

export function checkMarkdown(report: CheckReport): string {
  const { adapter, runtime, date, end, rows } = report;
  const failed = rows.filter(({ result }) => result === 'fail');
  return `${[
    '# webgpu-diffusion check',
    [
      `- Adapter: ${escapeMarkdown(adapterText(adapter))}.`,
      `- Runtime: ${escapeMarkdown(runtime)}. ${date}.`,
      `- ${checkSummary(rows)}${end === 'stopped' ? '; stopped before its end' : ''}.`,
    ].join('\n'),
    markdownGrid({
      head: ['kernel', 'result', 'worst element', 'cases', 'compile', 'share of the allowed error'],
      rows: rows.map((row) => {
        const { kernel, variant, result, cases, share, reason, each } = row;
        const [worst, used] =
          result === 'skipped' ? [reason ?? '', ''] : [worstText(worstCase(each)?.worst), shareText(share)];
        return [`${kernel}.${variant}`, resultWords[result], worst, String(cases), compileText(row), used];
      }),
      text: 3,
    }),
    ...failed.map(({ kernel, variant, reason = '' }) => `## ${kernel}.${variant}\n\n${indented(reason)}`),
  ].join('\n\n')}\n`;
}

/** The case with the largest error for what it allows. */
export const worstCase = (each: CheckRow['each']): CheckRow['each'][number] | undefined =>
  each.reduce<CheckRow['each'][number] | undefined>(
    (worst, one) => (one.worst && one.share > (worst?.share ?? -1) ? one : worst),
    undefined,
  );

/** A value with enough digits to tell two f32 numbers apart. */
export const valueText = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(9)));

/** `output[7] (c 0, y 2): 1.5, expected 1.25, off by 0.25 of 1e-6 allowed` */
export function worstText(worst: WorstElement | undefined): string {
  if (!worst) return '';
  const { tensor, index, place, expected, actual, allowed } = worst;
  const error = Math.abs(actual - expected);
  return `${tensor}[${index}]${place}: ${valueText(actual)}, expected ${valueText(expected)}, off by ${error.toPrecision(3)} of ${allowed.toPrecision(3)} allowed`;
}

/** A block of code: what a driver says may contain anything. */
const indented = (text: string) => `    ${text.replaceAll('\n', '\n    ')}`;
