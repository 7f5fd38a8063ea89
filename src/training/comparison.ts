/** Checks a trainer's kernels at their real size, once: while they are compiled, in `prepare`, or after the first step. */
import type { Gpu } from '../gpu/gpu';
import { planMemory } from '../plan/memory';
import type { Random } from '../plan/small_case';
import { STATE, STATE_WORDS } from '../plan/step_state';
import type { ComparedPass } from '../trust/at_size';
import type { Advice } from '../trust/faults';
import type { UnusableKernel } from '../trust/unusable_kernel';
import { type ComparisonLimits, findWrong, replaceWrong } from '../unet/comparison';
import type { NetworkWeights } from '../unet/network';
import type { Place, VariantChooser, Variants } from '../unet/variants';
import { planStep, type StepPlan } from './step';
import type { StepConfig } from './step_config';

/** Most bytes of the step and the comparison together; beyond it, fewer images are compared. */
const MOST_BYTES = 500e6;
const FEWER_IMAGES = 64;

interface ComparisonParts {
  readonly gpu: Gpu;
  /** The network that is trained. */
  readonly network: NetworkWeights;
  readonly batchSize: number;
  readonly settings: StepConfig;
  readonly variants: Variants;
  /** Whether the caller fixed the variants. */
  readonly isFixed: boolean;
  readonly chooser: VariantChooser;
  readonly place: Place;
}

/** The comparison of the kernels between two steps, as what makes the steps has it. */
export interface BetweenSteps {
  readonly isDone: () => boolean;
  /** Takes the number of completed steps. */
  readonly run: (step: number) => Promise<void>;
}

/**
 * A step on a batch of noise, from the current weights, with the variants in use and with plain ones. It creates and frees its own buffers,
 * and does not change the training.
 */
export class StepComparison {
  private readonly parts: ComparisonParts;
  private done: boolean;
  private error: UnusableKernel | undefined;

  constructor(parts: ComparisonParts) {
    this.parts = parts;
    this.done = !parts.gpu.trust?.checks;
  }

  /** Whether the comparison is finished. */
  get isDone(): boolean {
    return this.done;
  }

  /**
   * Compares, unless that is finished. `trained`: the number of steps that may be wrong. Throws `wrong-kernel`, from then on at
   * each call, and the signal's reason.
   */
  async run(trained: number, limits: ComparisonLimits): Promise<void> {
    if (this.error) throw this.error;
    if (this.done) return;
    const { gpu, network, variants, chooser, place } = this.parts;
    const { step, images } = this.planStepInMemory();
    const compared = { gpu, network, pass: passOfStep(network, step, images), images };
    const wrong = await findWrong(compared, this.adviceAfter(trained), limits);
    [this.error] = wrong;
    await replaceWrong(wrong, chooser, variants, place);
    if (this.error) throw this.error;
    this.done = true;
  }

  /** Compares while `create` compiles: neither waits for the other. Throws what `create` throws, else `wrong-kernel`. */
  async during<T extends { destroy(): void }>(create: () => Promise<T>): Promise<T> {
    const stop = new AbortController();
    let onRequested = () => {};
    const requested = new Promise<void>((resolve) => {
      onRequested = resolve;
    });
    const comparing = this.run(0, { signal: stop.signal, onRequested });
    // The shaders of the comparison are compiled first; without any, it ends at once.
    await Promise.race([requested, comparing.catch(() => {})]);
    const creating = create();
    creating.catch(() => stop.abort());
    const [created, compared] = await Promise.allSettled([creating, comparing]);
    if (created.status === 'rejected') throw created.reason;
    if (compared.status === 'fulfilled') return created.value;
    created.value.destroy();
    throw compared.reason;
  }

  /** A step of the trainer's batch, or of fewer images where step and comparison, which take about the same memory, would take too much. */
  private planStepInMemory(): { readonly step: StepPlan; readonly images: number } {
    const { network, batchSize, settings, variants } = this.parts;
    const planFor = (images: number) => ({
      step: planStep(network.config, network.plan, images, variants, settings),
      images,
    });
    const whole = planFor(batchSize);
    const fits = 2 * bytesOf(whole.step, network) <= MOST_BYTES;
    return fits || batchSize <= FEWER_IMAGES ? whole : planFor(FEWER_IMAGES);
  }

  /** What the error says of a kernel that is wrong after this number of steps. */
  private adviceAfter(trained: number): Advice {
    const remedy = this.parts.isFixed ? 'Leave it out of `variants`' : 'The engine now uses another variant';
    if (trained === 0) return { advice: `${remedy}: create the trainer again.`, consequence: '' };
    const steps = trained === 1 ? '1 step was' : `${trained} steps were`;
    return {
      advice: `${remedy}: create the trainer again, and go on from weights and state of before.`,
      consequence: ` ${steps} made with it.`,
    };
  }
}

/** The memory of a step's maps and gradients. */
function bytesOf({ gradients }: StepPlan, { boundBuffers }: NetworkWeights): number {
  const calls = gradients.flatMap((o) => o.calls);
  const { slots } = planMemory(calls, new Set(boundBuffers.keys()), true);
  return 4 * slots.reduce((sum, { size }) => sum + size, 0);
}

/** A step up to its gradients, on a batch of noise. */
function passOfStep({ config }: NetworkWeights, plan: StepPlan, images: number): ComparedPass {
  const { state, noisy, target, levels, classes } = plan.tensors;
  const [gradientNorm] = plan.update;
  const words = new Uint32Array(STATE_WORDS);
  words[STATE.count] = images;
  return {
    ops: [...plan.gradients, gradientNorm],
    inputs: (random: Random) => [
      [state, words],
      [noisy, random.floats(noisy.size, -1, 1)],
      [target, random.floats(target.size, -1, 1)],
      [levels, random.floats(levels.size, 0, 1)],
      [classes, random.integers(classes.size, (config.conditioning?.classes ?? 0) + 1)],
    ],
    sums: new Map(plan.slices.map(({ slices }, i) => [slices, plan.layerGradients[i]])),
  };
}
