/** A trained network's parameters as a file: see checkpoint.ts for the format. */
import type { ByteContainer } from '../bytes';
import { checkNames, EngineError, type Names, typeOf } from '../errors';
import type { Objective } from '../training/settings';
import type { UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';
import { isObjective, OBJECTIVES, objectiveOf, stepOf, trainingOf, wrongArgument } from './fields';
import { encodeFinite, expectedInCheckpoint, namedTensors, networkOf, openFile, pickTensors } from './file';
import { checkTensors } from './match';
import { type FloatType, isFloatType } from './safetensors';

/** A trained network: its configuration and parameters. */
export interface Model {
  /** For `createUNet`. */
  readonly config: UNetConfig;
  /** The training objective, which decides how to sample. The first files lack it: `tutorial`. */
  readonly objective: Objective;
  /** By name, for `setParameters`. */
  readonly parameters: Map<string, Float32Array>;
  /** A note to the user: what could not be checked in a file of the old format. Absent if everything was checked. */
  readonly note?: string | undefined;
}

/** A UNet, or an object with its weights. */
export interface Weights extends Pick<UNet, 'config' | 'parameters'> {
  /** The parameters by name. */
  getParameters(): Promise<ReadonlyMap<string, Float32Array>>;
}

/**
 * Returns the bytes of a model file of this network, tensors in the order of its parameters.
 *
 * @param options.dtype `F16` halves the file and rounds weights to 11 bits; to continue training later, save a checkpoint. Default `F32`.
 * @param options.objective what the network was trained for: `trainer.settings.objective`. Default `tutorial`.
 * @throws EngineError `diverged` if weights are not finite, `argument` for another dtype or weights beyond the largest F16
 */
export async function saveModel(
  unet: Weights,
  options: { readonly dtype?: FloatType | undefined; readonly objective?: Objective | undefined } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkWeights(unet);
  checkNames('saveModel', options, { dtype: true, objective: true } satisfies Names<typeof options>);
  const { dtype = 'F32', objective = 'tutorial' } = options;
  if (!isObjective(objective)) throw wrongArgument('objective', objective, OBJECTIVES);
  if (!isFloatType(dtype)) throw wrongArgument('dtype', dtype, 'F32 or F16');
  const parameters = namedTensors('', unet.parameters, await unet.getParameters());
  const tensors = parameters.map((tensor) => ({ ...tensor, dtype }));
  return encodeFinite(tensors, {
    kind: 'model',
    config: JSON.stringify(unet.config),
    objective,
  });
}

/**
 * Reads a model, or the model in a checkpoint.
 *
 * @param name the file's name in errors
 * @throws EngineError `data`, or `argument` for an argument without bytes
 */
export function loadModel(bytes: ByteContainer, name = 'The model'): Model {
  const file = openFile(bytes, name);
  const { config, parameters } = networkOf(file, name);
  if (file.metadata.kind === 'checkpoint') {
    checkTensors(
      expectedInCheckpoint(parameters, stepOf(file, name), trainingOf(file, name)),
      file.tensors,
      name,
    );
  } else checkTensors(parameters, file.tensors, name);
  const { note } = file;
  return {
    config,
    objective: objectiveOf(file, name),
    parameters: pickTensors(file, '', parameters),
    ...(note ? { note } : {}),
  };
}

/** Throws unless the caller gave a network, or what has its weights. */
export function checkWeights(given: Weights): void {
  if (typeof given?.getParameters === 'function') return;
  throw new EngineError(
    'argument',
    `What is to be saved is of type ${typeOf(given)}; it must be a UNet, or have its config, parameters and getParameters.`,
  );
}
