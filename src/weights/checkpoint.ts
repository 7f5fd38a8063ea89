/**
 * Models and checkpoints as safetensors files (https://github.com/huggingface/safetensors), which any of its readers opens.
 *
 * A **model** holds the network's parameters, F32 or F16, by their names: `down.0.kernel`, `down.0.bias`, … `up.0.kernel`, … Kernels
 * are HWIO, [height, width, in, out], the order of Keras and TensorFlow (PyTorch's is [out, in, height, width]); biases are
 * [out]. Its metadata (`__metadata__`) are strings: first `crc32`, the checksum (checksum.ts), then `format`, which is `webgpu-diffusion`,
 * `version` `2`, `kind` `model`, and `config`, the network as JSON. Version 1 is the same without a checksum, for files of other programs.
 *
 * A **checkpoint** is a model (a reader of models may take it for one) of `kind` `checkpoint` with the state that a training run needs
 * to continue as if it had never stopped:
 *
 * | tensor | shape | |
 * |---|---|---|
 * | `moment1.<name>`, `moment2.<name>` | as the parameter | Adam's moments |
 * | `optimizer.corrections` | [2] | 1 - beta1^step and 1 - beta2^step, as the GPU computed them |
 * | `losses` | [step] | the loss of every step so far; NaN for a skipped step |
 * | `trained.<name>` | as the parameter | with an average: the trained weights; the model holds their moving average |
 *
 * and in the metadata, as JSON: `step`, `settings` (seed, batch size, learning rate, epochs, …), `adam` (beta1, beta2, epsilon),
 * `data` (a fingerprint of the data set, its name and the names of its classes), `variants` (the kernel variant that each layer uses:
 * another choice changes the last bits),
 * `training` (the rest of the trainer's config: objective, schedule, clipNorm, averageWeights, averageAfter, averageSpan, averageMost,
 * skipNonFinite, classDropout), and as a plain string `adapter` (the training adapter's name). A model has its training
 * objective, `objective`, as a plain string. Both may have `sampling` as JSON: method, steps, guidance, guidanceRange, shift,
 * polish, calls (unet/sampling.ts), and a model may have `data`, too. A distilled model also has `teacher`, the fingerprint of the weights that it was
 * distilled from, as a plain string.
 */
import type { ByteContainer } from '../base/bytes';
import { argumentError, checkObject, dataError, show, wrongArgument } from '../base/errors';
import { type AdapterDescription, adapterName } from '../gpu/adapter';
import type { Schedule } from '../plan/schedule';
import type { OptimizerState, TrainerConfig } from '../training/options';
import { LOSS_RING } from '../training/step_config';
import type { Trainer } from '../training/trainer';
import type { Sampling } from '../unet/sampling';
import type { Variants } from '../unet/variants';
import {
  inFile,
  readFingerprint,
  readJson,
  readSampling,
  readStep,
  readTraining,
  samplingField,
} from './fields';
import { expectedInCheckpoint, networkInFile, openFile, pickTensors } from './file';
import type { DataFingerprint } from './fingerprint';
import { checkTensors } from './match';
import type { Model } from './model';
import { type RunSettings, readAdam, readRunSettings, readVariantNames, trainingField } from './run_fields';
import { decodeSafetensors } from './safetensors';
import type { Weights } from './save_model';
import { encodeFinite, namedTensors } from './write';

/** A training run that can be continued; the parameters are the UNet's. */
export interface Checkpoint extends Model {
  /** The run's settings at its start. */
  readonly settings: RunSettings;
  /** The data set that it trains on: see `assertSameData`. */
  readonly data: DataFingerprint;
  /** See `variantsForAdapter`. */
  readonly variants: Variants;
  /** For `createTrainer`, beside batch size and learning rate. */
  readonly training: Omit<TrainerConfig, 'adam'>;
  /** The adapter's name. */
  readonly adapter?: string | undefined;
  /** For `trainer.setState`. */
  readonly state: OptimizerState;
  /** The loss of each step so far. */
  readonly losses: Float32Array;
}

/** What is read of a trainer. */
interface Training extends Pick<Trainer, 'variants' | 'config' | 'adapter'> {
  readonly unet: Pick<Weights, 'config' | 'parameters' | 'sampling'>;
  snapshot(): Promise<{
    readonly parameters: ReadonlyMap<string, Float32Array>;
    readonly state: OptimizerState;
    readLosses(count: number): Promise<ArrayLike<number>>;
  }>;
}

/**
 * Returns the bytes of a checkpoint. May be called at any time, also while the trainer trains; all of the checkpoint is of one step, and
 * includes steps that are already submitted, whose losses it reads from the GPU.
 *
 * @param run.losses the known losses, one for each step from the first; the trainer adds up to 1024 of its last steps
 * @param run.sampling defaults of sampling runs. Default: `unet.sampling`.
 * @throws EngineError `argument` for settings, data or sampling that `loadCheckpoint` would refuse and if losses are missing, `diverged` if
 * weights, moments or losses are not finite
 */
export async function saveCheckpoint(run: {
  readonly trainer: Training;
  readonly settings: RunSettings;
  readonly data: DataFingerprint;
  readonly losses: ArrayLike<number>;
  readonly sampling?: Sampling | undefined;
}): Promise<Uint8Array<ArrayBuffer>> {
  const { trainer } = run;
  const { unet } = trainer;
  const settings = readRunSettings(run.settings, wrongArgument);
  const data = readFingerprint(run.data, wrongArgument);
  if (typeof run.losses?.length !== 'number')
    throw wrongArgument('losses', run.losses, 'an array, one loss for each step');
  const { parameters, state, readLosses } = await trainer.snapshot();
  const { length } = run.losses;
  const missing = state.step - length;
  if (missing < 0) {
    throw argumentError(
      `${length} losses were given for ${state.step} steps; there must be one for each, or fewer.`,
    );
  }
  const recent = missing > 0 ? await readLosses(Math.min(missing, LOSS_RING)) : [];
  if (recent.length < missing) {
    throw argumentError(
      `${length} losses were given for ${state.step} steps, and the trainer knows only the last ${recent.length}. Give the first ${state.step - recent.length}, too.`,
    );
  }
  const losses = new Float32Array(state.step);
  losses.set(run.losses);
  losses.set(recent, length);

  const tensors = [
    ...namedTensors('', unet.parameters, parameters),
    ...namedTensors('moment1.', unet.parameters, state.moment1),
    ...namedTensors('moment2.', unet.parameters, state.moment2),
    ...(state.weights ? namedTensors('trained.', unet.parameters, state.weights) : []),
    { name: 'optimizer.corrections', shape: [2], data: state.corrections },
    // NaN marks a skipped step.
    {
      name: 'losses',
      shape: [state.step],
      data: losses,
      mayBeNaN: trainer.config.skipNonFinite !== undefined,
    },
  ];
  const metadata = {
    kind: 'checkpoint',
    config: JSON.stringify(unet.config),
    step: JSON.stringify(state.step),
    settings: JSON.stringify(settings),
    adam: JSON.stringify(state.adam),
    data: JSON.stringify(data),
    variants: JSON.stringify(trainer.variants),
    training: trainingField(trainer.config),
    adapter: adapterName(trainer.adapter),
    ...samplingField(run.sampling ?? unet.sampling),
  };
  return encodeFinite(tensors, metadata, `After step ${state.step} `);
}

/** The same checkpoint, with the present settings of its run, and the present schedule if that has changed. */
export function withSettings(
  checkpoint: Uint8Array<ArrayBuffer>,
  settings: RunSettings,
  schedule?: Schedule,
): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = decodeSafetensors(checkpoint);
  // The new file gets a checksum and a version of its own.
  const { crc32: _, version: __, ...others } = metadata;
  const all = [...tensors].map(([name, tensor]) => ({ name, ...tensor, mayBeNaN: name === 'losses' }));
  return encodeFinite(all, {
    ...others,
    settings: JSON.stringify(readRunSettings(settings, wrongArgument)),
    ...(schedule && { training: JSON.stringify({ ...JSON.parse(others.training ?? '{}'), schedule }) }),
  });
}

/**
 * Reads a checkpoint.
 *
 * @param name the file's name in errors
 * @throws EngineError `data`, or `argument` for an argument without bytes
 */
export function loadCheckpoint(bytes: ByteContainer, name = 'The checkpoint'): Checkpoint {
  const file = openFile(bytes, name);
  if (file.metadata.kind !== 'checkpoint') {
    throw dataError(
      `${name} is a ${show(file.metadata.kind)}, not a checkpoint: it has no optimizer state to go on from. ` +
        'Give the checkpoint.safetensors that was saved beside it.',
    );
  }
  const { config, parameters } = networkInFile(file, name);
  const step = readStep(file, name);
  const wrong = inFile(name);
  const training = readTraining(file, name);
  const sampling = readSampling(file, name);
  checkTensors(expectedInCheckpoint(parameters, step, training), file.tensors, name);
  const floats = (key: string) => file.tensors.get(key)!.data as Float32Array;
  return {
    config,
    parameters: pickTensors(file, '', parameters),
    settings: readRunSettings(readJson(file, 'settings', name), wrong),
    data: readFingerprint(readJson(file, 'data', name), wrong),
    variants: readVariantNames(readJson(file, 'variants', name), wrong),
    objective: training.objective,
    training,
    adapter: file.metadata.adapter,
    state: {
      step,
      corrections: floats('optimizer.corrections'),
      adam: readAdam(readJson(file, 'adam', name), wrong),
      moment1: pickTensors(file, 'moment1.', parameters),
      moment2: pickTensors(file, 'moment2.', parameters),
      ...(training.average ? { weights: pickTensors(file, 'trained.', parameters) } : {}),
    },
    losses: floats('losses'),
    ...(sampling ? { sampling } : {}),
    ...(file.note ? { note: file.note } : {}),
  };
}

/**
 * The variants for `createTrainer` with which a run continues on `adapter`: on the same adapter its own, so that it continues bit for bit.
 * Undefined on another, where the engine should choose: the last bits differ in any case, and a variant that is fast on a processor is slow
 * on a GPU, where it has not been checked either. Where the browser gives no name (Safari 26.0 has no `adapterInfo`, onnxruntime#26480), it
 * may be another.
 */
export function variantsForAdapter(
  adapter: AdapterDescription,
  checkpoint: Pick<Checkpoint, 'variants' | 'adapter'>,
): Variants | undefined {
  checkObject('adapter', adapter, 'engine.adapter');
  checkObject('The checkpoint', checkpoint, 'what loadCheckpoint returns');
  const name = adapterName(adapter);
  return name !== '' && checkpoint.adapter === name ? checkpoint.variants : undefined;
}
