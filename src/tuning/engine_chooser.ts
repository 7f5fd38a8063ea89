/** An engine's choice of kernel variants. */

import type { Progress, Warning } from '../base/events';
import { loaded, once } from '../base/load';
import { createMutex } from '../base/mutex';
import type { Gpu } from '../gpu/gpu';
import { UnusableKernel } from '../gpu/unusable_kernel';
import type { AdapterMemory } from '../trust/memory';
import {
  defaultChooser,
  givenOrChosen,
  type Predicted,
  type Predicting,
  type VariantChooser,
} from '../unet/chooser';
import type { Layer } from '../unet/config';
import { chosenFor, hasChoice, type Variants, variantsIn } from '../unet/variants';
import type { Measured } from './tuner';

interface EngineChooserOptions {
  /** The caller's variants, used for everything instead of choosing. */
  readonly variants?: Variants;
  /** Whether to measure. Default: on GPUs. */
  readonly tune?: boolean;
  readonly memory: () => Promise<AdapterMemory>;
  readonly onProgress?: (progress: Progress) => void;
  readonly onWarning?: (warning: Warning) => void;
}

/** The fault of a variant. */
interface Fault extends Pick<UnusableKernel, 'kernel' | 'variant' | 'text'> {
  readonly why: Warning['code'];
}

/** An engine's choice: the caller's fixed variants, or the fastest measured, or the fixed order of preference. */
export class EngineChooser implements VariantChooser {
  /** Whether to measure. A change applies to later choices. */
  tune: boolean;
  private readonly gpu: Gpu;
  private readonly variants: Variants | undefined;
  private readonly onProgress: EngineChooserOptions['onProgress'];
  private readonly onWarning: EngineChooserOptions['onWarning'];
  private readonly memory: () => Promise<AdapterMemory>;
  /** Tuning time left, for everything that the engine creates. */
  private millisecondsLeft: number | undefined;
  /** `kernel.variant` names that the device refused, or whose results were wrong, or that are late: not chosen where there is another. */
  readonly rejectedVariants = new Set<string>();
  /** The tuner's measurements. */
  readonly measured: Measured[] = [];
  /** The reason for a variant that the tuner chose, by `kernel/layer variant`. */
  readonly reasons = new Map<string, string>();
  /** The rejected variants that `onWarning` has reported. */
  private readonly reported = new Set<string>();
  /** Variants that were wrong at their real size, by `kernel.variant`. */
  private readonly condemned = new Map<string, UnusableKernel>();
  /** The rejected variants that were under way when a device was lost. */
  private readonly suspects = new Set<string>();
  /** Rejects the variants that were being compiled or measured when a device of this adapter was lost. */
  private readonly leaveOutSuspects = once(() => this.rejectSuspects());
  /** Concurrent tuners would disturb each other's timings, which are remembered. */
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, { variants, tune, memory, onProgress, onWarning }: EngineChooserOptions) {
    this.gpu = gpu;
    this.variants = variants;
    this.tune = tune ?? !gpu.adapter.software;
    this.memory = memory;
    this.onProgress = onProgress;
    this.onWarning = onWarning;
  }

  async choose(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants> {
    const { gpu, variants } = this;
    // On a processor, earlier events never change the forms.
    if (!variants && !gpu.adapter.software) await this.leaveOutSuspects();
    if (variants || !this.tune) {
      const usual = { ...defaultChooser(gpu, this.rejectedVariants), checkCondemned: this.checkCondemned };
      return givenOrChosen(variants, gpu, usual, layers, batch, training);
    }
    return this.exclusively(() => this.measure(layers, batch, training));
  }

  /** Restores the whole time for measuring, and clears the suspects. */
  forget(): void {
    this.millisecondsLeft = undefined;
    for (const name of this.suspects) this.rejectedVariants.delete(name);
    this.suspects.clear();
  }

  get isFixed(): boolean {
    return this.variants !== undefined;
  }

  condemn(error: UnusableKernel): void {
    const name = chosenFor(error.kernel, error.variant);
    this.rejectedVariants.add(name);
    this.condemned.set(name, error);
  }

  readonly checkCondemned = (variants: Variants): void => {
    for (const name of variantsIn(variants)) {
      const error = this.condemned.get(name);
      if (error) throw error;
    }
  };

  get untuned(): VariantChooser {
    // Everything else is shared.
    return Object.create(this, { tune: { value: false } });
  }

  async rightOf<T extends Predicting>(make: () => Promise<T>, predicted: Predicted): Promise<T> {
    if (!this.gpu.passed) return make();
    const { rightOf } = await loaded(import('../trust/prediction'));
    return rightOf(this.gpu, this, make, predicted);
  }

  async replace(
    error: unknown,
    used: Variants,
    layers: readonly Layer[],
    batch: number,
    training: boolean,
  ): Promise<Variants | undefined> {
    if (this.variants || !(error instanceof UnusableKernel)) return undefined;
    const { why, kernel, variant, pending } = error;
    // It was awaited and given up. It may still be compiled at any time, and the choice must not depend on the clock.
    if (why === 'slow-kernel' && !pending) return undefined;
    const rejected = chosenFor(kernel, variant);
    // A kernel without variants, or an unused plain form that was needed to check another.
    if (!variantsIn(used).has(rejected)) return undefined;
    const { rejectedVariants } = this;
    if (!rejectedVariants.has(rejected))
      pending?.compiled.then(
        () => rejectedVariants.delete(rejected),
        () => {},
      );
    rejectedVariants.add(rejected);
    const others = await this.choose(layers, batch, training);
    if (variantsIn(others).has(rejected)) return undefined;
    this.report(error, 'Another variant takes its place.');
    return others;
  }

  private async rejectSuspects(): Promise<void> {
    for (const [name, date] of await (await this.memory()).suspects()) {
      const [kernel, variant] = name.split('.');
      const chosen = chosenFor(kernel, variant);
      if (!hasChoice(kernel) || this.rejectedVariants.has(chosen)) continue;
      this.rejectedVariants.add(chosen);
      this.suspects.add(chosen);
      const text = `The kernel ${name} was being compiled or measured when a device of this adapter was lost (${date}).`;
      this.report(
        { why: 'suspect-kernel', kernel, variant, text },
        'For seven days another variant takes its place.',
      );
    }
  }

  /** Reports a fault, unless something created at the same time has reported it already. */
  private report({ why, kernel, variant, text }: Fault, consequence: string): void {
    const name = chosenFor(kernel, variant);
    if (!this.reported.has(name))
      this.onWarning?.({ code: why, kernel, variant, message: `${text} ${consequence}` });
    this.reported.add(name);
  }

  private async measure(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants> {
    const { gpu, rejectedVariants, onProgress } = this;
    const { tune, tuningEffort } = await loaded(import('./tuner'));
    const effort = tuningEffort[gpu.adapter.software ? 'software' : 'gpu'];
    const milliseconds = this.millisecondsLeft ?? effort.milliseconds;
    const start = performance.now();
    const refused: UnusableKernel[] = [];
    try {
      const variants = await tune(gpu, layers, batch, {
        training,
        effort: { ...effort, milliseconds },
        memory: await this.memory(),
        rejectedVariants,
        onMeasured: (measured) => this.measured.push(measured),
        onRefused: (error) => refused.push(error),
        onChosen: (place, variant, why) => this.reasons.set(`${place} ${variant}`, why),
        onProgress: (done, total) => onProgress?.({ task: 'tuning', done, total }),
      });
      // If no other variant is left, the choice is one that could not be measured, without the refused shader.
      const used = variantsIn(variants);
      for (const error of refused)
        if (!used.has(chosenFor(error.kernel, error.variant))) this.report(error, 'It is left out.');
      return variants;
    } finally {
      this.millisecondsLeft = Math.max(0, milliseconds - (performance.now() - start));
    }
  }
}
