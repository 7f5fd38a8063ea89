/**
 * Measures a training step: repeats the engine's check of an adapter, whether every kernel of the step is right on a small case, and finds
 * the adapter's clock; then times the step, and each of its kernels beside the adapter's peak.
 */
import { createEngine, type Engine, EngineError, type EngineReport, type Warning } from '../../src';
import type { Op } from '../../src/plan/op';
import { recipeAt } from '../../src/recipes';
import type { Variants } from '../../src/unet/variants';
import { configOf, type NetworkChoice, ownSize } from '../run/network';
import { chooseTimer, measurePeak } from './peaks';
import { type BenchHead, figuresOf, type Peak, type Row } from './result';
import { Kernels, shapeOf } from './rows';
import { opTimes } from './time_ops';
import { summary, type Timer } from './timer';
import { measureWhole, openTask, shadersOf, workOf } from './whole';

/** Images of the step: enough for kernels to show their speed, few enough for any adapter. */
const STEP_IMAGES = 16;
/** How long a measurement of many samples takes, about. */
const SECONDS = 0.5;

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
  | { readonly kind: 'peak'; readonly peak: Peak }
  | { readonly kind: 'step'; readonly step: Row }
  /** A kernel of the step, at all of its layers, whose names `layer` has. */
  | { readonly kind: 'kernel'; readonly timed: Row };

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
    tell({ kind: 'progress', title: 'Measuring the peak' });
    const kernels = new Kernels(engine, timer);
    const peak = await measurePeak(engine, kernels, SECONDS / 5);
    kernels.destroy();
    tell({ kind: 'peak', peak });
    tell({ kind: 'progress', title: 'Timing a training step' });
    const place = { network, size: ownSize(network), batch: STEP_IMAGES };
    const task = await openTask(engine, 'step', place, variants);
    const context = { engine, peak, seconds: SECONDS };
    tell({ kind: 'step', step: await measureWhole(context, 'step', place, task) });
    task.destroy();
    await timeKernels(engine, task.ops, timer, peak, tell);
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

function grouped(ops: readonly Op[], by: (op: Op) => string): Op[][] {
  const groups = new Map<string, Op[]>();
  for (const op of ops) groups.set(by(op), [...(groups.get(by(op)) ?? []), op]);
  return [...groups.values()];
}

const flopsOf = (ops: readonly Op[]) => ops.reduce((sum, { cost }) => sum + cost.flops, 0);

/** Times each kernel of these ops, the one with the most work first, on tensors of its own; of ops of the same shape one stands for all. */
async function timeKernels(
  { gpu }: Engine,
  ops: readonly Op[],
  timer: Timer,
  peak: Peak,
  tell: (event: StepEvent) => void,
): Promise<void> {
  const kernels = grouped(ops, nameOf).sort((a, b) => flopsOf(b) - flopsOf(a));
  for (const [i, of] of kernels.entries()) {
    tell({ kind: 'progress', title: `Timing ${nameOf(of[0])}: ${i + 1} of ${kernels.length}` });
    const alike = grouped(of, (op) => JSON.stringify(shapeOf(op)));
    const alone = alike.map(([op]) => op);
    let ms = 0;
    for await (const { index, ms: once } of opTimes(gpu, alone, new Map(), { timer }))
      ms += alike[index].length * once.median;
    tell({ kind: 'kernel', timed: rowOf(of, ms, peak) });
  }
}

function rowOf(ops: readonly Op[], ms: number, peak: Peak): Row {
  const [{ kernel, variant }] = ops;
  return {
    ...{ part: 'op', kernel, variant, batch: STEP_IMAGES, size: ownSize() },
    layer: ops.map(({ layer }) => layer).join(', '),
    shaders: shadersOf(ops),
    ms: summary([ms]),
    ...figuresOf(ops.map(workOf), ms, peak),
  };
}
