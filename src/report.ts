/** The report of an engine, for a bug report. Loaded on demand. */

import type { Warning } from './base/events';
import type { AdapterDescription } from './gpu/adapter';
import type { Gpu } from './gpu/gpu';
import type { Ledger } from './trust/ledger';
import type { DeviceLoss, Versions } from './trust/memory';
import type { EngineChooser } from './tuning/engine_chooser';
import type { Measured } from './tuning/tuner';

/** A variant in use, and the reason. */
interface UsedVariant {
  /** `conv2d/down.1` */
  readonly layer: string;
  /** The variant. */
  readonly variant: string;
  /** Measured, by the order of preference, or fixed by the caller. */
  readonly why: string;
}

/** The result of `engine.report`. Dates are ISO 8601. */
export interface EngineReport {
  /** The date of the report. */
  readonly date: string;
  /** Versions of library and runtime. */
  readonly versions: Versions;
  /** The adapter of the device. */
  readonly adapter: AdapterDescription;
  /** All limits of the device. */
  readonly limits: Readonly<Record<string, number>>;
  /** All features of the device. */
  readonly features: readonly string[];
  /** Variants by use, for instance `training 64 images`; of several objects with one use, the last one's. */
  readonly variants: Readonly<Record<string, readonly UsedVariant[]>>;
  /** The measurements behind the choice: milliseconds, or why a variant was left out. */
  readonly measured: readonly Measured[];
  /** `kernel.variant` names that were refused or wrong, and are not used. */
  readonly rejected: readonly string[];
  /** The compiled shaders, the slowest first, with the time until they were compiled or refused. */
  readonly pipelines: readonly { readonly shader: string; readonly milliseconds: number }[];
  /** Number of kernel checks that passed, the date of the oldest, and the messages of failed ones. Missing without `selfCheck`. */
  readonly checks?:
    | { readonly passed: number; readonly since: string; readonly unusable: readonly string[] }
    | undefined;
  /** All warnings of `onWarning`. */
  readonly warnings: readonly (Warning & { readonly date: string })[];
  /** Devices of this adapter that were lost, in earlier visits, too: the last 10. */
  readonly losses: readonly DeviceLoss[];
  /** The measurements by which submissions are paced. */
  readonly pacing: {
    readonly maxSubmitMilliseconds: number;
    /** Round trip of an empty submission. */
    readonly latencyMilliseconds: number;
    /** Operations per second of each shader that has run; a byte counts as 8. */
    readonly workPerSecond: Readonly<Record<string, number>>;
  };
}

interface ReportParts {
  readonly gpu: Gpu;
  readonly chooser: EngineChooser;
  readonly ledger: Ledger;
  readonly warnings: EngineReport['warnings'];
}

export async function makeReport({ gpu, chooser, ledger, warnings }: ReportParts): Promise<EngineReport> {
  const { device, adapter, pacer, latency, compiler, trust } = gpu;
  const limits: Record<string, number> = {};
  // Their names are the prototype's.
  for (const name in device.limits) limits[name] = device.limits[name as 'maxBufferSize'];
  const { memory } = ledger;
  const { passed, since, errors } = ledger.checks;
  const variants = [...chooser.choices].map(([use, { variants, isFixed, whys }]) => {
    const usual = isFixed ? 'fixed by the caller' : 'order of preference';
    const used = ([layer, variant]: [string, string]): UsedVariant => ({
      layer,
      variant,
      why: whys.get(layer) ?? usual,
    });
    return [use, Object.entries(variants).map(used)];
  });
  const pipelines = [...compiler.times].map(([shader, milliseconds]) => ({ shader, milliseconds }));
  return {
    date: new Date().toISOString(),
    versions: memory.versions,
    adapter,
    limits,
    features: [...device.features].sort(),
    variants: Object.fromEntries(variants),
    measured: [...chooser.measured],
    rejected: ledger.leftOut,
    pipelines: pipelines.sort((a, b) => b.milliseconds - a.milliseconds),
    checks: trust?.checks
      ? {
          passed: passed.length,
          since: new Date(since).toISOString(),
          unusable: errors.map(({ message }) => message),
        }
      : undefined,
    warnings: [...warnings],
    losses: await memory.losses(),
    pacing: {
      maxSubmitMilliseconds: pacer.maxMilliseconds,
      latencyMilliseconds: latency,
      workPerSecond: Object.fromEntries(pacer.rates),
    },
  };
}
