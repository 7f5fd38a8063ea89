/** Facts about the GPU in words: for the panel, and as a text for reports. Pure. */

import { version } from '../../../package.json';
import type { AdapterDescription, EngineReport } from '../../../src';
import type { StepEvent } from '../../bench/measure_step';
import type { BenchHead } from '../../bench/result';
import { timerLine } from '../../bench/table';
import { choiceText } from '../../run/network';
import { adapterText } from '../../text/adapter_text';
import { percent, short } from '../../text/table';
import { whole } from '../../text/units';
import type { MeasuredStep } from './step_view';

export interface GpuFacts {
  readonly adapter: AdapterDescription;
  readonly limits: readonly Limit[];
  /** All features of the adapter. */
  readonly features: readonly string[];
  readonly runtime: string;
}

/** What a measurement has found so far. */
export interface Measured extends MeasuredStep {
  readonly timer?: BenchHead['timer'];
  readonly checked?: Omit<Extract<StepEvent, { kind: 'checked' }>, 'kind'>;
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
export function gpuSummary({ adapter }: GpuFacts, { timer }: Measured): Record<string, string> {
  const { vendor, architecture, device, description } = adapter;
  const named = { vendor, architecture, device, description };
  return {
    Adapter: capital(adapterText(adapter)),
    'As the browser names it': Object.entries(named)
      .filter(([, value]) => value)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    Clock: timer ? capital(timerLine(timer)) : 'Not tried yet',
  };
}

export function selfCheckText({ checked }: Measured): string {
  if (!checked) return 'Not run yet';
  const { network, count, wrong } = checked;
  if (wrong.length > 0) return wrong.join(' ');
  return `All ${count} kernels of a training step of ${choiceText(network)} are right on small cases`;
}

/** `268,435,456 (134,217,728 needed)` */
export function limitText({ has, needed }: Limit): string {
  if (needed === undefined) return whole(has);
  return `${whole(has)} (${has < needed ? 'TOO LOW: ' : ''}${whole(needed)} needed)`;
}

/** The text for a report. `trains`: of the engine that trains, if there is one. */
export function gpuReport(facts: GpuFacts, found: Measured, date: string, trains?: EngineReport): string {
  const { limits, features, runtime } = facts;
  const { checked, step, peak, kernels } = found;
  const engines = { 'The engine that trains': trains, 'The engine of the self-check': checked?.report };
  return [
    `webgpu-diffusion ${version}, ${date}`,
    ...Object.entries(gpuSummary(facts, found)).map(([name, value]) => `${name}: ${value || 'not given'}`),
    `Self-check: ${selfCheckText(found)}`,
    ...(step ? [`Training step of ${step.batch} images: ${short(step.ms!.median)} ms`] : []),
    ...(peak ? [`Peak: ${short(peak.gflops)} GFLOP/s, ${short(peak.gbps)} GB/s`] : []),
    ...kernels.map(
      ({ kernel, variant, ms, shareOfPeak }) =>
        `${kernel}.${variant}: ${short(ms!.median)} ms a step, ${percent(shareOfPeak!)} of peak`,
    ),
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
