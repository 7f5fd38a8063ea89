/** Compares two benches: what became faster, what slower, and which differences are noise. Pure. */

import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import type { Named } from './read';
import { type BenchResult, totalNames } from './result';
import type { Times } from './statistics';
import { short, type Table, titles } from './table';

/** `within noise`: the bands from p10 to p90 overlap, or the medians are too close, so another run may show the opposite. */
type Verdict = 'faster' | 'slower' | 'within noise';

interface Compared {
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

interface BenchDifference {
  /** Reasons why the results are not comparable, in sentences: other adapters, runtimes, clocks, a run that was stopped. */
  readonly differences: readonly string[];
  /** The greatest speed-up first. */
  readonly rows: readonly Compared[];
  /** How many measurements exist only in the first result. */
  readonly onlyBefore: number;
  readonly onlyAfter: number;
}

export function compare(before: Named, after: Named): BenchDifference {
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

interface MeasuredTimes {
  readonly what: readonly [string, string, string];
  readonly batch: number;
  readonly ms: Times;
}

/** Every measurement of a result, by the key that identifies it. */
function timesOf({ batch, rows, sweep, ...result }: BenchResult): Map<string, MeasuredTimes> {
  const all: MeasuredTimes[] = [];
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
  unlike('Different networks', ({ network }) => choiceText(network));
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
