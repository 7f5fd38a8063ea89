/** Repeats the engine's check of an adapter: whether every kernel of a step is right on a small case. Also finds the adapter's clock. */
import { createEngine, type Engine, EngineError, type EngineReport, type Warning } from '../../../src';
import { recipeAt } from '../../../src/recipes';
import { chooseTimer } from '../../bench/peaks';
import type { BenchHead } from '../../bench/result';
import type { PageRecipe } from '../messages/settings';

export type SelfCheckEvent =
  | { readonly kind: 'progress'; readonly title: string }
  | { readonly kind: 'timer'; readonly timer: BenchHead['timer'] }
  | {
      readonly kind: 'checked';
      /** What was checked: a step of the recipe with as many images. */
      readonly recipe: PageRecipe;
      readonly batch: number;
      /** Kernels and variants of the step. */
      readonly count: number;
      /** The failures, in sentences; the next best variant replaces a wrong one. */
      readonly wrong: readonly string[];
      readonly report: EngineReport;
    };

/** `engine` checks nothing itself. */
export async function* runSelfCheck(
  engine: Engine,
  recipe: PageRecipe,
  batch: number,
): AsyncGenerator<SelfCheckEvent, void, undefined> {
  yield { kind: 'progress', title: 'Trying the clocks' };
  const timer = await chooseTimer(engine);
  const { kind, resolutionMs } = timer;
  timer.destroy();
  yield { kind: 'timer', timer: { kind, resolutionMs } };

  yield { kind: 'progress', title: `Trying the kernels of a step of ${recipe}` };
  const warnings: Warning[] = [];
  const checking = await createEngine({
    device: engine.device,
    tune: false,
    onWarning: (warning) => warnings.push(warning),
  });
  try {
    // The page's own engine, too, is to trust what is found now, and nothing else.
    await checking.forget();
    const count = await compileStep(checking, recipe, batch);
    const wrong = warnings.map(({ message }) => message);
    yield { kind: 'checked', recipe, batch, count, wrong, report: await checking.report() };
  } catch (error) {
    if (!(error instanceof EngineError) || !['wrong-kernel', 'shader'].includes(error.code)) throw error;
    const wrong = [...warnings.map(({ message }) => message), error.message];
    yield { kind: 'checked', recipe, batch, count: 0, wrong, report: await checking.report() };
  }
}

/** Number of its kernels and variants. Throws `wrong-kernel` or `shader` if one is wrong or refused and has no replacement. */
async function compileStep(engine: Engine, recipe: PageRecipe, batch: number): Promise<number> {
  const { network, trainer: options } = recipeAt(recipe, batch);
  const unet = await engine.createUNet(network, { seed: 1 });
  const trainer = await engine.createTrainer(unet, options);
  const { load, gradients, update } = trainer.plan;
  const names = [...load, ...gradients, ...update].map(({ kernel, variant }) => `${kernel}.${variant}`);
  trainer.destroy();
  unet.destroy();
  return new Set(names).size;
}
