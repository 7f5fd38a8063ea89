/** Facts about the GPU in words: for the panel, and as a text for reports. Pure. */

import { version } from '../../../package.json';
import type { AdapterDescription, EngineReport } from '../../../src';
import type { BenchResult } from '../../bench/result';
import { benchTable, peaksLine, timerLine } from '../../bench/table';
import { adapterText } from '../../text/adapter_text';
import { textTable } from '../../text/table';
import { whole } from '../../text/units';

export interface GpuFacts {
  readonly adapter: AdapterDescription;
  readonly limits: readonly Limit[];
  /** All features of the adapter. */
  readonly features: readonly string[];
  readonly runtime: string;
}

export interface Limit {
  readonly name: string;
  readonly has: number;
  /** The engine's minimum; undefined if it has none. */
  readonly needed?: number;
}

/** The optional features, and what they are for. */
export const featureUses: Readonly<Record<string, string>> = {
  subgroups: 'some kernels are faster with it',
  'timestamp-query': 'times are by the GPU’s own clock',
};

const capital = (text: string) => text.replace(/^./, (first) => first.toUpperCase());

/** Facts by name; one that is not known yet says so. */
export function gpuSummary({ adapter }: GpuFacts, bench: BenchResult | undefined): Record<string, string> {
  const { vendor, architecture, device, description } = adapter;
  const named = { vendor, architecture, device, description };
  return {
    Adapter: capital(adapterText(adapter)),
    'As the browser names it': Object.entries(named)
      .filter(([_, value]) => value)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    Clock: bench ? capital(timerLine(bench.timer)) : 'Not tried yet',
  };
}

/** `268,435,456 (134,217,728 needed)` */
export function limitText({ has, needed }: Limit): string {
  if (needed === undefined) return whole(has);
  return `${whole(has)} (${has < needed ? 'TOO LOW: ' : ''}${whole(needed)} needed)`;
}

/** The text for a report. `engines`: the report of each, if it is there. */
export function gpuReport(
  facts: GpuFacts,
  bench: BenchResult | undefined,
  date: string,
  engines: Readonly<Record<string, EngineReport | undefined>>,
): string {
  const { limits, features, runtime } = facts;
  return [
    `webgpu-diffusion ${version}, ${date}`,
    ...Object.entries(gpuSummary(facts, bench)).map(([name, value]) => `${name}: ${value || 'not given'}`),
    `Runtime: ${runtime}`,
    ...limits.map((limit) => `${limit.name}: ${limitText(limit)}`),
    ...Object.keys(featureUses).map((name) => `${name}: ${features.includes(name) ? 'yes' : 'no'}`),
    `All features: ${[...features].sort().join(', ') || 'none'}`,
    ...(bench ? [`Peaks: ${peaksLine(bench.peak)}`, textTable(benchTable(bench))] : []),
    ...Object.entries(engines).flatMap(([name, report]) =>
      report ? [`${name}: ${JSON.stringify(report, null, 1)}`] : [],
    ),
    '',
  ].join('\n');
}
