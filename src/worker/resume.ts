/** Resumes a run from its checkpoint. The command line uses it, too. */

import { EngineError, printable } from '../base/errors';
import type { Engine } from '../engine';
import type { TrainerOptions } from '../training/options';
import type { Trainer } from '../training/trainer';
import { UnusableKernel } from '../trust/unusable_kernel';
import type { UNet } from '../unet/unet';
import { type Checkpoint, variantsForAdapter } from '../weights/checkpoint';

/**
 * Creates a trainer with the kernel variants of the run's start, so that it continues bit for bit. On another adapter, or if one of them
 * cannot be used any more, is refused or computes wrongly (with another driver, for instance), the variants are chosen again, and
 * `otherKernels` gives the reason.
 */
export async function resumeTrainer(
  engine: Engine,
  unet: UNet,
  options: TrainerOptions,
  checkpoint: Checkpoint,
): Promise<{ readonly trainer: Trainer; readonly otherKernels?: string | undefined }> {
  const variants = variantsForAdapter(engine.adapter, checkpoint);
  let otherKernels = `the run began on ${printable(checkpoint.adapter || 'an adapter without a name')}`;
  if (variants) {
    try {
      return { trainer: await engine.createTrainer(unet, { ...options, variants }) };
    } catch (error) {
      const isArgument = error instanceof EngineError && error.code === 'argument';
      // The bits of a run do not depend on how long a shader compiles.
      const isUnusable = error instanceof UnusableKernel && error.why !== 'slow-kernel';
      if (!isArgument && !isUnusable) throw error;
      otherKernels = error.message;
    }
  }
  return { trainer: await engine.createTrainer(unet, options), otherKernels };
}
