/** An engine's choice of kernel variants. */

import type { Progress, Warning } from '../base/events';
import { loaded } from '../base/load';
import { createMutex } from '../base/mutex';
import type { Gpu } from '../gpu/gpu';
import type { Ledger } from '../trust/ledger';
import { UnusableKernel } from '../trust/unusable_kernel';
import { checkedVariants } from '../unet/chooser';
import {
  adapterKind,
  type Chosen,
  chosenFor,
  defaultVariants,
  type Place,
  type VariantChooser,
  type Variants,
  variantsIn,
} from '../unet/variants';
import type { Measured } from './tuner';

interface EngineChooserOptions {
  /** The caller's variants, used for everything instead of choosing. */
  readonly variants?: Variants;
  /** Whether to measure. Default: on GPUs. */
  readonly tune?: boolean;
  readonly ledger: () => Promise<Ledger>;
  readonly onProgress?: (progress: Progress) => void;
  readonly onWarning?: (warning: Warning) => void;
}

/** An engine's choice: the caller's fixed variants, or the fastest measured, or the fixed order of preference. */
export class EngineChooser implements VariantChooser {
  /** Whether to measure. A change applies to later choices. */
  tune: boolean;
  /** The last choice by use, for instance `training 64 images`, with the reasons of the tuner. */
  readonly choices = new Map<string, Chosen & { readonly whys: ReadonlyMap<string, string> }>();
  /** The tuner's measurements. */
  readonly measured: Measured[] = [];
  private readonly gpu: Gpu;
  private readonly ledger: () => Promise<Ledger>;
  private readonly variants: Variants | undefined;
  private readonly onProgress: EngineChooserOptions['onProgress'];
  private readonly onWarning: EngineChooserOptions['onWarning'];
  /** Tuning time left, for everything that the engine creates. */
  private millisecondsLeft: number | undefined;
  /** Concurrent tuners would disturb each other's timings, which are remembered. */
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, { variants, tune, ledger, onProgress, onWarning }: EngineChooserOptions) {
    this.gpu = gpu;
    this.ledger = ledger;
    this.variants = variants;
    this.tune = tune ?? !gpu.adapter.software;
    this.onProgress = onProgress;
    this.onWarning = onWarning;
  }

  async choose(place: Place): Promise<Chosen> {
    const { gpu } = this;
    const ledger = await this.ledger();
    const { layers, batch, training, given = this.variants, measures } = place;
    const whys = new Map<string, string>();
    let variants: Variants;
    if (given !== undefined) {
      variants = await checkedVariants(given, gpu, place);
      for (const name of variantsIn(given)) if (ledger.wrongAtSize(name)) throw ledger.wrongAtSize(name)!;
    } else if (this.tune && measures !== false) {
      variants = await this.exclusively(() => this.measure(ledger, place, whys));
    } else {
      variants = defaultVariants(layers, batch, gpu.device, adapterKind(gpu.adapter), ledger);
    }
    const isFixed = given !== undefined;
    this.choices.set(`${training ? 'training' : 'predicting'} ${batch} images`, { variants, isFixed, whys });
    return { variants, isFixed };
  }

  /** Restores the whole time for measuring. */
  forget(): void {
    this.millisecondsLeft = undefined;
  }

  async replace(error: unknown, used: Variants, place: Place): Promise<Variants | undefined> {
    if (!(error instanceof UnusableKernel)) return undefined;
    const { why, kernel, variant, pending, atSize } = error;
    const rejected = chosenFor(kernel, variant);
    const ledger = await this.ledger();
    // From now on it is refused if the caller fixes it.
    if (atSize) ledger.add(rejected, error);
    if (place.given ?? this.variants) return undefined;
    // It was awaited and given up. It may still be compiled at any time, and the choice must not depend on the clock.
    if (why === 'slow-kernel' && !pending) return undefined;
    // A kernel without variants, or an unused plain form that was needed to check another.
    if (!variantsIn(used).has(rejected)) return undefined;
    ledger.add(rejected, error);
    const { variants } = await this.choose(place);
    if (variantsIn(variants).has(rejected)) return undefined;
    this.report(ledger, error, 'Another variant takes its place.');
    return variants;
  }

  /** Reports a fault, unless something created at the same time has reported it already. */
  private report(ledger: Ledger, { why, kernel, variant, text }: UnusableKernel, consequence: string): void {
    if (ledger.isNews(chosenFor(kernel, variant)))
      this.onWarning?.({ code: why, kernel, variant, message: `${text} ${consequence}` });
  }

  private async measure(
    ledger: Ledger,
    { layers, batch, training }: Place,
    whys: Map<string, string>,
  ): Promise<Variants> {
    const { gpu, onProgress } = this;
    const { tune, tuningEffort } = await loaded(import('./tuner'));
    const effort = tuningEffort[gpu.adapter.software ? 'software' : 'gpu'];
    const milliseconds = this.millisecondsLeft ?? effort.milliseconds;
    const start = performance.now();
    const refused: UnusableKernel[] = [];
    try {
      const variants = await tune(gpu, layers, batch, {
        training,
        effort: { ...effort, milliseconds },
        memory: ledger.memory,
        rejectedVariants: ledger,
        onMeasured: (measured) => this.measured.push(measured),
        onRefused(error) {
          ledger.add(chosenFor(error.kernel, error.variant), error);
          refused.push(error);
        },
        onChosen: (layer, why) => whys.set(layer, why),
        onProgress: (done, total) => onProgress?.({ task: 'tuning', done, total }),
      });
      // If no other variant is left, the choice is one that could not be measured, without the refused shader.
      const used = variantsIn(variants);
      for (const error of refused)
        if (!used.has(chosenFor(error.kernel, error.variant))) this.report(ledger, error, 'It is left out.');
      return variants;
    } finally {
      this.millisecondsLeft = Math.max(0, milliseconds - (performance.now() - start));
    }
  }
}
