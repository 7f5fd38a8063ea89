/** Facts about the GPU in words: for the panel, and as a text for reports. Pure. */

import { version } from '../../../package.json';
import type { AdapterDescription, EngineReport } from '../../../src';
import type { BenchHead } from '../../bench/result';
import { timerLine } from '../../bench/table';
import { adapterText } from '../../text/adapter_text';
import { whole } from '../../text/units';

export interface GpuFacts {
  readonly adapter: AdapterDescription;
  readonly limits: readonly Limit[];
  /** All features of the adapter. */
  readonly features: readonly string[];
  readonly runtime: string;
  readonly timer?: BenchHead['timer'];
  readonly selfCheck?: SelfChecked;
}

export interface Limit {
  readonly name: string;
  readonly has: number;
  /** The engine's minimum; undefined if it has none. */
  readonly needed?: number;
}

interface SelfChecked {
  readonly recipe: string;
  readonly batch: number;
  /** Kernels and variants of a step. */
  readonly count: number;
  /** Sentences. */
  readonly wrong: readonly string[];
  readonly report?: EngineReport;
}

/** The optional features, and what they are for. */
export const featureUses: Readonly<Record<string, string>> = {
  subgroups: 'some kernels are faster with it',
  'timestamp-query': 'times are by the GPU’s own clock',
};

const capital = (text: string) => text.replace(/^./, (first) => first.toUpperCase());

/** Facts by name; one that is not known yet says so. */
export function gpuSummary(facts: GpuFacts): Record<string, string> {
  const { adapter, timer, selfCheck } = facts;
  const { vendor, architecture, device, description } = adapter;
  const named = { vendor, architecture, device, description };
  return {
    Adapter: capital(adapterText(adapter)),
    'As the browser names it': Object.entries(named)
      .filter(([, value]) => value)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    Clock: timer ? capital(timerLine(timer)) : 'Not tried yet',
    'Self-check': selfCheck ? selfCheckText(selfCheck) : 'Not run yet',
  };
}

export function selfCheckText({ recipe, batch, count, wrong }: SelfChecked): string {
  if (wrong.length > 0) return wrong.join(' ');
  return `All ${count} kernels of a step of ${recipe} with ${batch} images are right on small cases`;
}

/** `268,435,456 (134,217,728 needed)` */
export function limitText({ has, needed }: Limit): string {
  if (needed === undefined) return whole(has);
  return `${whole(has)} (${has < needed ? 'TOO LOW: ' : ''}${whole(needed)} needed)`;
}

/** The text for a report. `trains`: of the engine that trains, if there is one. */
export function gpuReport(facts: GpuFacts, date: string, trains?: EngineReport): string {
  const { limits, features, runtime, selfCheck } = facts;
  const engines = { 'The engine that trains': trains, 'The engine of the self-check': selfCheck?.report };
  return [
    `webgpu-diffusion ${version}, ${date}`,
    ...Object.entries(gpuSummary(facts)).map(([name, value]) => `${name}: ${value || 'not given'}`),
    `Runtime: ${runtime}`,
    ...limits.map((limit) => `${limit.name}: ${limitText(limit)}`),
    ...Object.keys(featureUses).map((name) => `${name}: ${features.includes(name) ? 'yes' : 'no'}`),
    `All features: ${[...features].sort().join(', ') || 'none'}`,
    ...Object.entries(engines).flatMap(([name, report]) =>
      report ? [`${name}: ${JSON.stringify(report, null, 1)}`] : [],
    ),
    '',
  ].join('\n');
}
