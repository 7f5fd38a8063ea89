/** Compares two benches: what became faster, what slower, and which differences are noise. Pure. */
import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import { short, type Table } from '../text/table';
import type { Named } from './read';
import type { BenchResult } from './result';
import { nameOf } from './table';
import type { Times } from './timer';

/** Runs differ by this factor for reasons that their own bands do not show: another place in memory, another temperature. */
const NOISE = 1.05;

/** `within noise`: the bands from p10 to p90 overlap, or the medians are too close, so another run may show the opposite. */
function verdictOf(before: Times, after: Times): '▼ faster' | '▲ slower' | '≈ within noise' {
  const ratio = after.median / before.median;
  if (ratio < NOISE && ratio > 1 / NOISE) return '≈ within noise';
  if (after.p90 < before.p10) return '▼ faster';
  return after.p10 > before.p90 ? '▲ slower' : '≈ within noise';
}

/** What should be alike in both. */
const alike: Readonly<Record<string, (result: BenchResult) => string>> = {
  adapters: ({ adapter }) => adapterText(adapter),
  runtimes: ({ runtime }) => runtime,
  'batches, so only what is alike in that is compared': ({ batches }) => batches.join(', '),
  networks: ({ network }) => choiceText(network),
  clocks: ({ timer }) => timer.kind,
};

/** Reasons why the results are not comparable, in sentences. */
function differences(before: Named, after: Named): string[] {
  const different = Object.entries(alike).flatMap(([what, of]) => {
    const [a, b] = [of(before.result), of(after.result)];
    return a === b ? [] : [`Different ${what}: ${a} in ${before.name}, ${b} in ${after.name}.`];
  });
  const stopped = [before, after].filter(({ result }) => result.end === 'stopped');
  const isSoftware = [before, after].every(({ result }) => result.adapter.software);
  return [
    ...different,
    ...stopped.map(({ name }) => `${name} is of a run that was stopped.`),
    ...(isSoftware ? ['Both ran in software, on the CPU: this says nothing about GPUs.'] : []),
  ];
}

/** A row for each measurement that both have, the greatest speed-up first. */
export function comparisonTable(before: Named, after: Named): Table {
  const [a, b] = [before, after].map(
    ({ result: { rows } }) => new Map(rows.flatMap((row) => (row.ms ? [[nameOf(row), row.ms]] : []))),
  );
  const compared = [...a].flatMap(([name, ms]) => {
    const other = b.get(name);
    return other ? [{ name, ms, other, ratio: other.median / ms.median, verdict: verdictOf(ms, other) }] : [];
  });
  const count = (of: string) => compared.filter(({ verdict }) => verdict.endsWith(of)).length;
  const apart = `${a.size - compared.length} only in ${before.name}, ${b.size - compared.length} only in ${after.name}`;
  const peaks = [before, after].map(
    ({ name, result: { peak } }) => `${short(peak.gflops)} GFLOP/s and ${short(peak.gbps)} GB/s in ${name}`,
  );
  return {
    title: `${after.name} against ${before.name}`,
    lead: [
      compared.length === 0
        ? `The two have no measurement in common (${apart}).`
        : `${count('faster')} faster, ${count('slower')} slower, ${count('noise')} within noise (less than 5% apart, or their bands from p10 to p90 touch); ${apart}.`,
      `Peaks: ${peaks.join(', ')}.`,
      ...differences(before, after),
    ],
    head: ['after / before', 'what', 'ms before', 'ms after'],
    rows: compared
      .sort((x, y) => x.ratio - y.ratio)
      .map(({ name, ms, other, ratio, verdict }) => [
        ...[`${ratio.toFixed(2)}x ${verdict}`, name, short(ms.median), short(other.median)],
      ]),
    text: 2,
  };
}
