/** Compares two benches: what became faster, what slower, and which differences are noise. Pure. */

import { EngineError, printable } from '../../src/errors';
import { adapterText } from '../run/adapter_text';
import { type BenchResult, SCHEMA, totalNames } from './result';
import type { Times } from './statistics';
import { networkText, short, type Table, titles } from './table';

/** A result file and its name. */
export interface Named {
  readonly name: string;
  readonly result: BenchResult;
}

/** `within noise`: the bands from p10 to p90 overlap, or the medians are too close, so another run may show the opposite. */
export type Verdict = 'faster' | 'slower' | 'within noise';

export interface Compared {
  /** Kernel, variant, layer; for the whole network its name and the size of the images. */
  readonly what: readonly [string, string, string];
  readonly batch: number;
  readonly before: Times;
  readonly after: Times;
  /** Ratio of the medians, after / before: below 1 is faster. */
  readonly ratio: number;
  readonly verdict: Verdict;
}

/** Runs differ by this factor for reasons that their own bands do not show: another place in memory, another temperature. */
const NOISE = 1.05;

export interface Comparison {
  /** Why the two results are not alike, in sentences: other adapters, runtimes, clocks, a run that was stopped. */
  readonly differences: readonly string[];
  /** The greatest speed-up first. */
  readonly rows: readonly Compared[];
  /** How many measurements exist only in the first result. */
  readonly onlyBefore: number;
  readonly onlyAfter: number;
}

export function compare(before: Named, after: Named): Comparison {
  const [a, b] = [timesOf(before.result), timesOf(after.result)];
  const rows = [...a].flatMap(([key, { what, batch, ms }]): Compared[] => {
    const other = b.get(key);
    if (!other) return [];
    const ratio = other.ms.median / ms.median;
    return [{ what, batch, before: ms, after: other.ms, ratio, verdict: verdict(ms, other.ms) }];
  });
  return {
    differences: differences(before, after),
    rows: rows.sort((x, y) => x.ratio - y.ratio),
    onlyBefore: a.size - rows.length,
    onlyAfter: b.size - rows.length,
  };
}

function verdict(before: Times, after: Times): Verdict {
  const ratio = after.median / before.median;
  if (ratio < NOISE && ratio > 1 / NOISE) return 'within noise';
  if (after.p90 < before.p10) return 'faster';
  if (after.p10 > before.p90) return 'slower';
  return 'within noise';
}

interface Measured {
  readonly what: readonly [string, string, string];
  readonly batch: number;
  readonly ms: Times;
}

/** Every measurement of a result, by the key that identifies it. */
function timesOf({ batch, rows, sweep, ...result }: BenchResult): Map<string, Measured> {
  const all: Measured[] = [];
  for (const name of totalNames) {
    const total = result[name];
    if (total) all.push({ what: [titles[name], '', ''], batch: total.batch, ms: total.ms });
  }
  for (const { axis, size, step, forward } of sweep) {
    for (const [name, total] of Object.entries({ step, forward })) {
      const what = [titles[name as 'step' | 'forward'], `${axis} sweep`, `${size}x${size}`] as const;
      if (total) all.push({ what, batch: total.batch, ms: total.ms });
    }
  }
  for (const { kernel, variant, layer, ms, ...row } of rows)
    if (ms) all.push({ what: [kernel, variant, layer], batch: row.batch, ms });
  return new Map(all.map((one) => [[...one.what, one.batch].join('\n'), one]));
}

function differences(before: Named, after: Named): string[] {
  const [a, b] = [before.result, after.result];
  const found: string[] = [];
  const unlike = (what: string, of: (result: BenchResult) => string) => {
    if (of(a) !== of(b)) found.push(`${what}: ${of(a)} in ${before.name}, ${of(b)} in ${after.name}.`);
  };
  unlike('Different adapters', ({ adapter }) => adapterText(adapter));
  unlike('Different runtimes', ({ runtime }) => runtime);
  unlike('Different batches, so only what is alike in that is compared', ({ batch: n }) => String(n));
  unlike('Different networks', ({ network }) => networkText(network).slice(2) || "the tutorial's");
  unlike('Different clocks', ({ timer }) => timer.kind);
  for (const { name, result } of [before, after])
    if (result.end === 'stopped') found.push(`${name} is of a run that was stopped.`);
  if (a.adapter.software && b.adapter.software)
    found.push('Both ran in software, on the CPU: this says nothing about GPUs.');
  return found;
}

const signs: Readonly<Record<Verdict, string>> = { faster: '▼', slower: '▲', 'within noise': '≈' };

export function comparisonTable(before: Named, after: Named): Table {
  const { rows, differences: unlike, onlyBefore, onlyAfter } = compare(before, after);
  const count = (of: Verdict) => rows.filter((row) => row.verdict === of).length;
  const apart = `${onlyBefore} only in ${before.name}, ${onlyAfter} only in ${after.name}`;
  const peaks = [before, after].map(
    ({ name, result: { peak } }) => `${short(peak.gflops)} GFLOP/s and ${short(peak.gbps)} GB/s in ${name}`,
  );
  return {
    title: `${after.name} against ${before.name}`,
    lead: [
      rows.length === 0
        ? `The two have no measurement in common (${apart}).`
        : `${count('faster')} faster, ${count('slower')} slower, ${count('within noise')} within noise (less than 5% apart, or their bands from p10 to p90 touch); ${apart}.`,
      `Peaks: ${peaks.join(', ')}.`,
      ...unlike,
    ],
    head: ['after / before', 'what', 'batch', 'ms before', 'ms after'],
    rows: rows.map(({ what, batch, before: a, after: b, ratio, verdict: v }) => [
      `${ratio.toFixed(2)}x ${signs[v]} ${v}`,
      nameOf(what),
      String(batch),
      short(a.median),
      short(b.median),
    ]),
    text: 2,
  };
}

/** `conv2d.direct down.1`, `training step`, `training step, batch sweep 28x28` */
function nameOf([first, second, third]: Compared['what']): string {
  if (!second) return first;
  return (Object.values(titles) as string[]).includes(first)
    ? `${first}, ${second} ${third}`
    : `${first}.${second} ${third}`;
}

// ---------------------------------------------------------------- reading

/** Parses a result from JSON. Throws an EngineError `data` that names the file, for any other content. */
export function parseResult(name: string, json: string): Named {
  const refuse = (why: string) =>
    new EngineError(
      'data',
      `${name} is not a result of this bench: ${why}. Give a file that \`bench --json FILE\` or the page's Bench tab wrote.`,
    );
  let value: unknown;
  try {
    // The names in it are printed to terminals and pages.
    value = JSON.parse(json, (_, part) => (typeof part === 'string' ? printable(part, 1000) : part));
  } catch {
    throw refuse('it is not JSON');
  }
  if (!isObject(value) || !('schema' in value)) throw refuse('it has no field schema');
  if (value.schema !== SCHEMA)
    throw refuse(`its schema is ${JSON.stringify(value.schema)?.slice(0, 40)}, this program reads ${SCHEMA}`);
  const wrong = wrongField(value);
  if (wrong) throw refuse(`its field ${wrong} is missing or of another kind`);
  return { name, result: value as unknown as BenchResult };
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
/** Whether those of these fields that exist are lists. */
const listsIn = (of: Fields, ...keys: string[]) => keys.every((key) => Array.isArray(of[key] ?? []));

/** The first invalid field among those that a comparison or a plot needs. */
function wrongField(result: Fields): string | undefined {
  const text = (of: Fields, ...keys: string[]) => keys.find((key) => typeof of[key] !== 'string');
  const numbers = (of: Fields, ...keys: string[]) => keys.find((key) => !Number.isFinite(of[key]));
  const object = (key: string) => (isObject(result[key]) ? undefined : key);
  const head = text(result, 'runtime', 'date', 'end') ?? numbers(result, 'batch', 'budgetSeconds');
  const parts = head ?? object('adapter') ?? object('timer') ?? object('peak') ?? object('breakdowns');
  if (parts) return parts;
  const { adapter, timer, peak } = result as Record<string, Fields>;
  if (
    text(adapter, 'vendor', 'architecture', 'device', 'description') ||
    typeof adapter.software !== 'boolean'
  )
    return 'adapter';
  const { network = {} } = result;
  if (!isObject(network) || !listsIn(network, 'widths', 'convolutionsPerLevel')) return 'network';
  if (text(timer, 'kind')) return 'timer';
  if (numbers(peak, 'gflops', 'gbps') || !Array.isArray(peak.copies)) return 'peak';
  const badTimes = (ms: unknown) => !isObject(ms) || numbers(ms, 'median', 'p10', 'p90', 'n') !== undefined;
  const badTotal = (total: unknown) =>
    total !== null && (!isObject(total) || numbers(total, 'batch') !== undefined || badTimes(total.ms));
  const total = totalNames.find((name) => badTotal(result[name]));
  if (total) return total;
  const lists = {
    sweep: (point: Fields) =>
      text(point, 'axis') ?? numbers(point, 'size') ?? (badTotal(point.step) || badTotal(point.forward)),
    rows: (row: Fields) =>
      text(row, 'kernel', 'variant', 'layer') ??
      numbers(row, 'batch') ??
      (!isObject(row.check) || (row.ms !== null && badTimes(row.ms))),
    skipped: (row: Fields) => text(row, 'kernel', 'variant', 'layer', 'reason'),
  };
  return Object.entries(lists).find(([name, wrong]) => {
    const list = result[name];
    return !Array.isArray(list) || list.some((item) => !isObject(item) || wrong(item));
  })?.[0];
}
