/** Who decides which kernel variants a network uses. */
import type { Gpu } from '../gpu/gpu';
import { createMutex } from '../mutex';
import type { Progress } from '../progress';
import type { Layer } from '../unet/config';
import { adapterKind, checkVariants, defaultVariants, type Variants } from '../unet/variants';
import { browserCache, memoryCache, type TuningCache } from './cache';
import { tune, tuningEffort } from './tuner';

/** Chooses the kernel variants of a network at a batch size (a multiple of 4). */
export interface VariantChooser {
  /** `training` is false for a network that only predicts. */
  choose(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants>;
}

/** Chooses without measuring. */
export const defaultChooser = ({ device, adapter }: Gpu): VariantChooser => ({
  choose: async (layers, batch) => defaultVariants(layers, batch, device.features, adapterKind(adapter)),
});

/** The caller's `given` variants, which are checked, or else the chooser's. */
export async function givenOrChosen(
  given: Variants | undefined,
  gpu: Gpu,
  chooser: VariantChooser,
  layers: readonly Layer[],
  batch: number,
  training: boolean,
): Promise<Variants> {
  if (!given) return chooser.choose(layers, batch, training);
  checkVariants(given, layers, batch, gpu.device.features, training);
  return given;
}

export interface EngineChooserOptions {
  /** Used for everything, in place of any choosing. */
  readonly variants?: Variants;
  /** Default: on GPUs. */
  readonly tune?: boolean;
  readonly cache?: TuningCache;
  readonly onProgress?: (progress: Progress) => void;
}

/** An engine's choice: what its caller fixed, or what is measured, or the fixed order of preference. */
export class EngineChooser implements VariantChooser {
  /** Whether to measure. A change counts for what is chosen from then on. */
  tune: boolean;
  private readonly gpu: Gpu;
  private readonly variants: Variants | undefined;
  private readonly onProgress: EngineChooserOptions['onProgress'];
  private cache: TuningCache | undefined;
  /** Of the effort, for all that the engine creates. */
  private millisecondsLeft: number;
  /** `kernel.variant` that the device refused, or whose results were wrong: not to be chosen again. */
  private readonly rejectedVariants = new Set<string>();
  /** Tuners that run at the same time would measure each other, and what they measured is remembered. */
  private readonly exclusively = createMutex();

  constructor(gpu: Gpu, { variants, tune, cache, onProgress }: EngineChooserOptions) {
    this.gpu = gpu;
    this.variants = variants;
    this.tune = tune ?? !gpu.adapter.software;
    this.cache = cache;
    this.onProgress = onProgress;
    this.millisecondsLeft = tuningEffort[adapterKind(gpu.adapter)].milliseconds;
  }

  async choose(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants> {
    const { gpu, variants } = this;
    if (variants || !this.tune)
      return givenOrChosen(variants, gpu, defaultChooser(gpu), layers, batch, training);
    return this.exclusively(() => this.measure(layers, batch, training));
  }

  private async measure(layers: readonly Layer[], batch: number, training: boolean): Promise<Variants> {
    const { gpu, rejectedVariants, onProgress } = this;
    this.cache ??= (await browserCache()) ?? memoryCache();
    const effort = tuningEffort[adapterKind(gpu.adapter)];
    const start = performance.now();
    try {
      return await tune(gpu, layers, batch, {
        training,
        effort: { ...effort, milliseconds: this.millisecondsLeft },
        cache: this.cache,
        rejectedVariants,
        onProgress: (done, total) => onProgress?.({ task: 'tuning', done, total }),
      });
    } finally {
      this.millisecondsLeft = Math.max(0, this.millisecondsLeft - (performance.now() - start));
    }
  }
}
