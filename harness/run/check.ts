/** Checks every kernel against its reference on the current adapter, then the whole network. Shared by the page and the command line. */

import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import type { EngineReport } from '../../src/report';
import type { Variants } from '../../src/unet/variants';
import { type CheckResult, checkKernel, makeInputs } from '../specs/lib/check_kernel';
import { type AnySpec, specs } from '../specs/lib/registry';
import { type Arrays, computeExpected, type Expected, TestRandom } from '../specs/lib/spec';
import { opAt, shaderNames, shapeText } from '../text/shape_text';
import { namesInUse } from './in_use';
import { matcher, matchesNothing } from './pattern';

export interface CheckRow {
  readonly kernel: string;
  readonly variant: string;
  readonly result: 'pass' | 'fail' | 'skipped';
  /** Number of cases that were compared. */
  readonly cases: number;
  /** The largest error as a share of the allowed error: 1 is the limit. */
  readonly share: number;
  /** Where the kernel failed, or why it could not run here; a few lines. */
  readonly reason?: string;
  /** Whether the step of `inUse` runs it; left out without `inUse`. */
  readonly inUse?: boolean;
  /** Each of the cases. Empty for the network's gradient, which is followed one parameter tensor at a time. */
  readonly each: readonly CheckedCase[];
  /** Names of the shaders that run in the cases. */
  readonly shaders: readonly string[];
  /** Time to compile these shaders, shaders of an earlier variant included. Left out without shaders. */
  readonly compileMilliseconds?: number | undefined;
}

export interface CheckedCase extends CaseResult {
  /** The case in words. */
  readonly title: string;
  readonly shape: string;
}

export type CheckEvent =
  | {
      readonly kind: 'progress';
      /** Finished cases of `total`. */
      readonly done: number;
      readonly total: number;
      /** Fraction of the whole work that is done, from 0 to 1: cases take from a millisecond to seconds. */
      readonly share: number;
      readonly title: string;
    }
  | { readonly kind: 'row'; readonly row: CheckRow }
  /** The last one, also before an error is thrown. */
  | { readonly kind: 'report'; readonly report: EngineReport };

export interface CheckOptions {
  /** Checks only kernels that match: see `matcher`. The network is called `unet.gradient`. */
  readonly kernel?: string;
  /** The variants of a step, `kernel/layer` -> variant: they are checked before all others. */
  readonly inUse?: Variants;
  readonly signal?: AbortSignal;
}

interface Checked {
  readonly name: string;
  readonly spec: AnySpec;
  readonly variant: string;
  readonly inUse?: boolean;
}

/**
 * Yields progress before each case, a row for each variant, and the engine's report. A failure is a row, not an exception. Throws `argument`
 * for a kernel that does not exist.
 */
export async function* runCheck(
  engine: Engine,
  options: CheckOptions = {},
): AsyncGenerator<CheckEvent, void, undefined> {
  let failure: unknown;
  try {
    yield* checkAll(engine, options);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'argument') throw error;
    failure = error;
  }
  yield { kind: 'report', report: await engine.report() };
  if (failure) throw failure;
}

async function* checkAll(engine: Engine, options: CheckOptions): AsyncGenerator<CheckEvent, void, undefined> {
  const { kernel, inUse, signal } = options;
  const wanted = matcher(kernel);
  const used = inUse && namesInUse(inUse);
  const all = [...specs].flatMap(([name, spec]) =>
    Object.keys(spec.kernel.variants)
      .filter((variant) => wanted(`${name}.${variant}`))
      .map((variant): Checked => ({ name, spec, variant, inUse: used?.has(`${name}.${variant}`) })),
  );
  const variants = [...all.filter((one) => one.inUse), ...all.filter((one) => !one.inUse)];
  const network = wanted('unet.gradient');
  if (variants.length === 0 && !network) throw matchesNothing(kernel!, [...specs.keys(), 'unet.gradient']);
  const pace = new Pace(variants, network);
  const references = new References();
  for (const one of variants) yield* checkVariant(engine, one, pace, references, signal);
  if (network) {
    signal?.throwIfAborted();
    for await (const news of checkGradient(engine, signal)) {
      if (typeof news === 'object') yield { kind: 'row', row: news };
      else yield pace.progress(`unet.gradient: ${news}`);
    }
  }
}

async function* checkVariant(
  engine: Engine,
  { name, spec, variant, inUse }: Checked,
  pace: Pace,
  references: References,
  signal?: AbortSignal,
): AsyncGenerator<CheckEvent, void, undefined> {
  const each: CheckedCase[] = [];
  const shaders = new Set<string>();
  let reason = missingFeature(engine, spec, variant);
  const missing = reason !== undefined;
  for (const [title, shape] of Object.entries(spec.cases)) {
    if (!missing) {
      yield pace.progress(`${name}.${variant}: ${title}`);
      signal?.throwIfAborted();
    }
    pace.finished(spec, shape);
    if (missing || spec.kernel.variants[variant].refuses?.(shape)) continue;
    for (const shader of shaderNames(opAt(spec, shape, variant))) shaders.add(shader);
    const check = await checkCase(engine, spec, variant, shape, references);
    each.push({ title, shape: shapeText(shape), ...check });
    if (!check.pass) reason ??= `${title}: ${check.failure}`;
  }
  const cases = each.length;
  const share = Math.max(0, ...each.map((one) => one.share));
  const result = cases === 0 ? 'skipped' : reason ? 'fail' : 'pass';
  if (cases === 0) reason ??= 'it can do none of the cases';
  const { times } = engine.gpu.compiler;
  const compileMilliseconds = [...shaders].reduce((sum, name) => sum + (times.get(name) ?? 0), 0);
  yield {
    kind: 'row',
    row: {
      kernel: name,
      variant,
      result,
      cases,
      share,
      reason,
      inUse,
      each,
      shaders: [...shaders],
      ...(shaders.size > 0 ? { compileMilliseconds } : {}),
    },
  };
}

/** Cost of a case beside its arithmetic, in operations of its reference. */
const CASE_WORK = 2e7;
/** The network's gradient, likewise. */
const NETWORK_WORK = 100 * CASE_WORK;

/** The progress of the check. */
class Pace {
  private done = 0;
  private work = 0;
  private readonly total: number;
  private readonly totalWork: number;

  constructor(variants: readonly Checked[], network: boolean) {
    const cases = variants.flatMap(({ spec }) => Object.values(spec.cases).map((shape) => ({ spec, shape })));
    this.total = cases.length + Number(network);
    this.totalWork = cases.reduce(
      (sum, { spec, shape }) => sum + caseWork(spec, shape),
      network ? NETWORK_WORK : 0,
    );
  }

  progress(title: string): CheckEvent {
    const { done, total, work, totalWork } = this;
    return { kind: 'progress', done, total, share: work / totalWork, title };
  }

  finished(spec: AnySpec, shape: unknown): void {
    this.done++;
    this.work += caseWork(spec, shape);
  }
}

const caseWork = ({ kernel }: AnySpec, shape: unknown) => CASE_WORK + kernel.cost(shape).flops;

/** The feature that the device lacks for a variant, as a sentence, or undefined. */
export function missingFeature({ device }: Engine, spec: AnySpec, variant: string): string | undefined {
  const missing = spec.kernel.variants[variant].features?.find((feature) => !device.features.has(feature));
  return missing && `the device has no ${missing}`;
}

export type CaseResult = CheckResult;

/** Checks one variant on one shape. A GPU error is a failure of the check, a lost device is not. */
export async function checkCase(
  engine: Engine,
  spec: AnySpec,
  variant: string,
  shape: unknown,
  references: References,
): Promise<CaseResult> {
  try {
    const { inputs, expected } = references.of(spec, shape);
    const result = await checkKernel(engine.gpu, spec, shape, variant, inputs, expected);
    return { ...result, share: finite(result.share) };
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'device-lost') throw error;
    return { pass: false, share: finite(Number.NaN), failure: error.message };
  }
}

/** JSON has neither infinity nor NaN: they become a billion times the allowed error. */
const finite = (share: number) => (Number.isNaN(share) ? 1e9 : Math.min(share, 1e9));

/** Keeps the references of one kernel at a time, so that its variants share them. */
export class References {
  private spec: AnySpec | undefined;
  private known = new Map<unknown, { inputs: Arrays; expected: Record<string, Expected> }>();

  of(spec: AnySpec, shape: unknown) {
    if (this.spec !== spec) this.known.clear();
    this.spec = spec;
    let found = this.known.get(shape);
    if (!found) {
      const inputs = makeInputs(spec, shape);
      found = { inputs, expected: computeExpected(spec, shape, inputs) };
      this.known.set(shape, found);
    }
    return found;
  }
}

// ---------------------------------------------------------------- the whole network

/** Images of the network's check. */
export const CHECK_BATCH = 4;
/** The loss changes by this fraction to each side. */
const CHANGE = 0.02;
/** The allowed relative difference of the slope: it covers f32 losses over differences of a few per cent, and the third derivative. */
const ALLOWED = 0.02;

/**
 * Checks the tutorial's network, one parameter tensor at a time: along the gradient g, the slope of the loss must be |g|. A gradient that
 * is wrong in any way but a turn at a right angle has another slope. Yields each tensor's name when it begins with it, and the row at the
 * end.
 */
async function* checkGradient(
  engine: Engine,
  signal?: AbortSignal,
): AsyncGenerator<string | CheckRow, void, undefined> {
  using unet = await engine.createUNet({}, { seed: 1 });
  using trainer = await engine.createTrainer(unet, { batchSize: CHECK_BATCH, learningRate: 1e-12 });
  try {
    const { height, width, channels } = unet.config;
    const size = CHECK_BATCH * height * width * channels;
    const random = new TestRandom(2);
    const target = Float32Array.from(random.floats(size), (v) => (v > 0.6 ? 1 : 0));
    const batch = {
      target,
      noisy: Float32Array.from(random.floats(size, 0, 1), (v, i) => (v + target[i]) / 2),
    };
    // Biases other than zero, and initial values at which every tensor matters.
    const start = await unet.getParameters();
    for (const [name, values] of start)
      if (name.endsWith('bias')) values.set(random.floats(values.length, 0, 0.2));
    await unet.setParameters(start);
    const loss = await trainer.step(batch);
    const gradients = await trainer.getGradients();

    const lossAt = async (name: string, distance: number) => {
      signal?.throwIfAborted();
      const gradient = gradients.get(name)!;
      const moved = start.get(name)!.map((w, i) => w + distance * gradient[i]);
      await unet.setParameters(new Map(start).set(name, moved));
      return trainer.step(batch);
    };
    let share = 0;
    let reason: string | undefined;
    for (const [name, gradient] of gradients) {
      yield name;
      const square = gradient.reduce((sum, g) => sum + g * g, 0);
      if (!(square > 0)) {
        yield row('fail', Number.NaN, `the gradient of ${name} is ${square === 0 ? 'zero' : 'not finite'}`);
        return;
      }
      const h = (CHANGE * loss) / square;
      const slope = ((await lossAt(name, h)) - (await lossAt(name, -h))) / (2 * h);
      const used = Math.abs(slope / square - 1) / ALLOWED;
      if (!(used <= 1)) {
        reason ??= `along the gradient of ${name} the loss has the slope ${slope.toPrecision(4)}, the gradient says ${square.toPrecision(4)}`;
      }
      if (!(used <= share)) share = used;
    }
    yield row(reason ? 'fail' : 'pass', share, reason);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'diverged') throw error;
    yield row('fail', Number.NaN, error.message);
  }

  function row(result: CheckRow['result'], share: number, reason?: string): CheckRow {
    return {
      kernel: 'unet',
      variant: 'gradient',
      result,
      cases: unet.parameters.length,
      share: finite(share),
      reason,
      each: [],
      shaders: [],
    };
  }
}
