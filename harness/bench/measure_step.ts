/**
 * Measures a training step: repeats the engine's check of an adapter, whether every kernel of the step is right on a small case, and finds
 * the adapter's clock; then times the step, and each of its kernels beside the adapter's peak.
 */
import { createEngine, type Engine, EngineError, type EngineReport, type Warning } from '../../src';
import type { Op } from '../../src/plan/op';
import { recipeAt } from '../../src/recipes';
import type { Variants } from '../../src/unet/variants';
import { configOf, type NetworkChoice } from '../run/network';
import { insideFlops } from './inside';
import { measureWork, openWork, ownSize } from './network';
import { chooseTimer, measurePeaks } from './peaks';
import { type BenchHead, type BenchTotal, copyRate, type Peak } from './result';
import { timeOps } from './time_ops';

/** Images of the step: enough for kernels to show their speed, few enough for any adapter. */
const STEP_IMAGES = 16;
/** How long a measurement of many samples takes, about. */
const SECONDS = 0.5;

/** A kernel of the step, at all of its layers. */
export interface StepKernel {
  readonly kernel: string;
  readonly variant: string;
  readonly layers: readonly string[];
  readonly shaders: readonly string[];
  /** In the step. */
  readonly ms: number;
  readonly flops: number;
  /** As the bench has it: see `throughput`. */
  readonly shareOfPeak: number;
}

export type StepEvent =
  | { readonly kind: 'progress'; readonly title: string }
  | { readonly kind: 'timer'; readonly timer: BenchHead['timer'] }
  | {
      readonly kind: 'checked';
      readonly network: NetworkChoice | undefined;
      /** Kernels and variants of the step. */
      readonly count: number;
      /** The failures, in sentences; the next best variant replaces a wrong one. */
      readonly wrong: readonly string[];
      readonly report: EngineReport;
    }
  | { readonly kind: 'step'; readonly step: BenchTotal }
  | { readonly kind: 'peak'; readonly peak: Peak }
  | { readonly kind: 'kernel'; readonly timed: StepKernel };

interface StepChoice {
  readonly network?: NetworkChoice | undefined;
  readonly tune?: boolean | undefined;
  /** Whether what is remembered of the adapter counts for nothing. */
  readonly anew?: boolean;
}

/** `engine` checks nothing itself. Nothing is timed if a kernel is wrong and no other can take its place. */
export async function measureStep(
  engine: Engine,
  { network, tune, anew }: StepChoice,
  tell: (event: StepEvent) => void,
): Promise<void> {
  tell({ kind: 'progress', title: 'Trying the clocks' });
  const timer = await chooseTimer(engine);
  try {
    const { kind, resolutionMs } = timer;
    tell({ kind: 'timer', timer: { kind, resolutionMs } });
    tell({ kind: 'progress', title: 'Trying the kernels of a training step' });
    const variants = await check(engine, { network, tune, anew }, tell);
    if (!variants) return;
    tell({ kind: 'progress', title: 'Timing a training step' });
    const work = await openWork(engine, 'step', ownSize(network), STEP_IMAGES, timer, network, variants);
    try {
      tell({ kind: 'step', step: await measureWork(work, SECONDS) });
    } finally {
      work.destroy();
    }
    tell({ kind: 'progress', title: 'Measuring the peak' });
    const { peak, timer: another } = await measurePeaks(engine, SECONDS / 5);
    another.destroy();
    tell({ kind: 'peak', peak });
    await timeKernels(engine, work.ops, peak, tell);
  } finally {
    timer.destroy();
  }
}

/** The variants of the step that are right; undefined if one is not, or is refused, and has no replacement. */
async function check(
  { device }: Engine,
  { network, tune, anew }: StepChoice,
  tell: (event: StepEvent) => void,
): Promise<Variants | undefined> {
  const warnings: Warning[] = [];
  using checking = await createEngine({ device, tune, onWarning: (warning) => warnings.push(warning) });
  // The page's own engine, too, is to trust what is found now, and nothing else.
  if (anew) await checking.forget();
  const wrong = () => warnings.map(({ message }) => message);
  try {
    const unet = await checking.createUNet(configOf(network), { seed: 1 });
    const trainer = await checking.createTrainer(
      unet,
      recipeAt(network?.recipe ?? 'tutorial', STEP_IMAGES).trainer,
    );
    const { plan, variants } = trainer;
    const names = [...plan.load, ...plan.gradients, ...plan.update].map(nameOf);
    trainer.destroy();
    unet.destroy();
    const count = new Set(names).size;
    tell({ kind: 'checked', network, count, wrong: wrong(), report: await checking.report() });
    return variants;
  } catch (error) {
    if (!(error instanceof EngineError) || !['wrong-kernel', 'shader'].includes(error.code)) throw error;
    const report = await checking.report();
    tell({ kind: 'checked', network, count: 0, wrong: [...wrong(), error.message], report });
    return undefined;
  }
}

const nameOf = ({ kernel, variant }: Op) => `${kernel}.${variant}`;

/** What an op's time depends on, apart from its kernel. */
const shapeOf = ({ origin }: Op) => JSON.stringify({ ...origin.shape, name: undefined, next: undefined });

function grouped(ops: readonly Op[], by: (op: Op) => string): Op[][] {
  const groups = new Map<string, Op[]>();
  for (const op of ops) groups.set(by(op), [...(groups.get(by(op)) ?? []), op]);
  return [...groups.values()];
}

const sumOf = (ops: readonly Op[], of: (op: Op) => number) => ops.reduce((sum, op) => sum + of(op), 0);
const flopsOf = (ops: readonly Op[]) => sumOf(ops, ({ cost }) => cost.flops);

/** Times each kernel of these ops, the one with the most work first; of ops of the same shape one stands for all. */
async function timeKernels(
  { gpu }: Engine,
  ops: readonly Op[],
  peak: Peak,
  tell: (event: StepEvent) => void,
): Promise<void> {
  const kernels = grouped(ops, nameOf).sort((a, b) => flopsOf(b) - flopsOf(a));
  const spans = kernels.flatMap((kernel, of) =>
    grouped(kernel, shapeOf).map((alike) => ({ of, op: alike[0], times: alike.length })),
  );
  const begin = (at: number) =>
    tell({ kind: 'progress', title: `Timing ${nameOf(kernels[at][0])}: ${at + 1} of ${kernels.length}` });
  let ms = 0;
  begin(0);
  await timeOps(
    gpu,
    spans.map(({ op }) => op),
    (index, once) => {
      const { of, times } = spans[index];
      ms += times * once;
      if (spans[index + 1]?.of === of) return;
      tell({ kind: 'kernel', timed: timedKernel(kernels[of], ms, peak) });
      ms = 0;
      if (of + 1 < kernels.length) begin(of + 1);
    },
  );
}

function timedKernel(ops: readonly Op[], ms: number, peak: Peak): StepKernel {
  const [{ kernel, variant }] = ops;
  const share = ({ origin, cost: { flops, bytes } }: Op) =>
    Math.max(insideFlops(kernel, origin.shape, flops) / peak.gflops, bytes / copyRate(peak, bytes)) / 1e6;
  const shaders = ops.flatMap(({ calls }) => calls.map(({ shader }) => shader.name));
  return {
    ...{ kernel, variant, ms },
    layers: ops.map(({ layer }) => layer),
    shaders: [...new Set(shaders)],
    flops: flopsOf(ops),
    shareOfPeak: sumOf(ops, share) / ms,
  };
}
