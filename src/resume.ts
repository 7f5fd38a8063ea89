/** Keeps a run as the bytes of a checkpoint, and goes on from them. Worker and command line use it, too. */

import type { Abortable } from './base/abort';
import type { ByteContainer } from './base/bytes';
import { checkNames, defined, EngineError, printable } from './base/errors';
import type { Warning } from './base/events';
import type { ImageSet } from './data/idx';
import type { AdapterDescription } from './gpu/adapter';
import { type CheckpointOptions, checkFit, type FitOptions, type TrainerOptions } from './training/options';
import type { Trainer } from './training/trainer';
import { UnusableKernel } from './trust/unusable_kernel';
import type { UNetConfig } from './unet/config';
import type { UNet, UNetOptions } from './unet/unet';
import { type Checkpoint, loadCheckpoint, saveCheckpoint, variantsForAdapter } from './weights/checkpoint';
import { assertSameData, fingerprintImages } from './weights/fingerprint';

/** An engine. */
interface Creator {
  readonly adapter: AdapterDescription;
  createUNet(config: UNetConfig, options: UNetOptions & Abortable): Promise<UNet>;
  createTrainer(unet: UNet, options: TrainerOptions & Abortable): Promise<Trainer>;
}

/** What `engine.resume` makes. */
export interface ResumedRun {
  /** The network as it was. */
  readonly unet: UNet;
  /** Its trainer, in the state in which it was. */
  readonly trainer: Trainer;
  /** Options of `trainer.fit`: what is left of the run. `maxSteps` is 0 where it has made all that it was to make. */
  readonly fit: FitOptions;
  /** The loss of each step so far. */
  readonly losses: Float32Array;
}

/** The bytes of a trainer's checkpoint. */
export async function checkpointBytes(
  trainer: Trainer,
  options: CheckpointOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  checkNames('checkpoint', options, { fit: true, images: true, losses: true });
  const { batchSize, learningRate, config, unet } = trainer;
  const { epochs, seed, binarize, dropLast } = checkFit(options.fit, config.objective, unet.config);
  const settings = { seed, batchSize, learningRate, epochs, binarize, dropLast };
  const { losses = [] } = options;
  return saveCheckpoint({ trainer, settings, data: fingerprintImages(options.images), losses });
}

/** Makes network and trainer as they were; a warning says if the kernels are others. */
export async function resumeRun(
  engine: Creator,
  bytes: ByteContainer,
  options: { readonly images: ImageSet } & Abortable,
  onWarning: (warning: Warning) => void,
): Promise<ResumedRun> {
  checkNames('resume', options, { images: true, signal: true });
  const { images, signal } = options;
  const data = fingerprintImages(images);
  const saved = loadCheckpoint(bytes);
  assertSameData(saved.data, data);
  const unet = await engine.createUNet(saved.config, { sampling: saved.sampling, signal });
  try {
    await unet.setParameters(saved.parameters);
    const { trainer, otherKernels } = await restoreTrainer(engine, unet, saved, { signal });
    if (otherKernels) {
      onWarning({ code: 'other-kernels', message: `The run goes on ${otherKernels}` });
    }
    const { epochs, seed, binarize, dropLast, maxSteps: end } = saved.settings;
    const maxSteps = end === undefined ? undefined : Math.max(end - saved.state.step, 0);
    const fit: FitOptions = { epochs, ...defined({ seed, binarize, dropLast, maxSteps }) };
    return { unet, trainer, fit, losses: saved.losses };
  } catch (error) {
    unet.destroy();
    throw error;
  }
}

/** A trainer in the state of a checkpoint. `otherKernels`: see `resumeTrainer`. */
export async function restoreTrainer(
  engine: Creator,
  unet: UNet,
  saved: Checkpoint,
  options: Pick<TrainerOptions, 'compares'> & Abortable = {},
): ReturnType<typeof resumeTrainer> {
  const { state, training, settings } = saved;
  const { batchSize, learningRate } = settings;
  const own = { ...state.adam, ...training, batchSize, learningRate, ...options };
  const resumed = await resumeTrainer(engine, unet, own, saved);
  try {
    resumed.trainer.setState(state);
    return resumed;
  } catch (error) {
    resumed.trainer.destroy();
    throw error;
  }
}

/**
 * Creates a trainer with the kernel variants of the run's start, so that it continues bit for bit. On another adapter, or if one of them
 * cannot be used any more, is refused or computes wrongly (with another driver, for instance), the variants are chosen again, and
 * `otherKernels` says so, with the reason.
 */
export async function resumeTrainer(
  engine: Creator,
  unet: UNet,
  options: TrainerOptions & Abortable,
  checkpoint: Checkpoint,
): Promise<{ readonly trainer: Trainer; readonly otherKernels?: string | undefined }> {
  const variants = variantsForAdapter(engine.adapter, checkpoint);
  let reason = `the run began on ${printable(checkpoint.adapter || 'an adapter without a name')}`;
  if (variants) {
    try {
      return { trainer: await engine.createTrainer(unet, { ...options, variants }) };
    } catch (error) {
      const isArgument = error instanceof EngineError && error.code === 'argument';
      // The bits of a run do not depend on how long a shader compiles.
      const isUnusable = error instanceof UnusableKernel && error.why !== 'slow-kernel';
      if (!isArgument && !isUnusable) throw error;
      reason = isUnusable ? error.text : error.message;
    }
  }
  const otherKernels = `with other kernels, so the last digits will differ: ${reason.replace(/\.?$/, '.')}`;
  return { trainer: await engine.createTrainer(unet, options), otherKernels };
}
