/** A trained network's parameters as a file: see checkpoint.ts for the format. */
import type { ByteContainer } from '../base/bytes';
import { argumentError, checkNames, type Names, show, wrongArgument } from '../base/errors';
import type { Objective } from '../training/step_config';
import { checkConfig, type UNetConfig } from '../unet/config';
import type { Sampling } from '../unet/sampling';
import {
  inFile,
  isObjective,
  OBJECTIVES,
  readFingerprint,
  readJson,
  readObjective,
  readSampling,
  readStep,
  readTeacher,
  readTraining,
} from './fields';
import { expectedInCheckpoint, networkInFile, openFile, pickTensors } from './file';
import type { DataFingerprint } from './fingerprint';
import { detectLayout, inPyTorch, pickFromPyTorch } from './layout';
import { checkTensors } from './match';

/** A trained network: its configuration and parameters. */
export interface Model {
  /** For `createUNet`. */
  readonly config: UNetConfig;
  /** The training objective, which decides how to sample; `tutorial` where a file says none. */
  readonly objective: Objective;
  /** The file's sampling, if it has any; `samplingFor(model)` also gives defaults. */
  readonly sampling?: Sampling | undefined;
  /** The fingerprint of the weights that a distilled network was distilled from (docs/weights.md). */
  readonly teacher?: string | undefined;
  /** The images that it was trained on, and the names of its classes, if the file says so. */
  readonly data?: DataFingerprint | undefined;
  /** By name, for `setParameters`. */
  readonly parameters: Map<string, Float32Array>;
  /** A note to the user that a file without a checksum could not be fully checked. Missing if everything was checked. */
  readonly note?: string | undefined;
}

/** The description of a network that a file of another program lacks. */
export interface LoadModelOptions {
  /** The network of the tensors; missing fields are the tutorial's, as in `createUNet`. */
  readonly config?: Partial<UNetConfig> | undefined;
  /** The training objective. Default `tutorial`. */
  readonly objective?: Objective | undefined;
}

/**
 * Reads a model, or the model in a checkpoint. The tensors may have Keras' names and orders or PyTorch's (docs/weights.md), and are
 * returned in the former.
 *
 * @param name the file's name in errors
 * @param options for a safetensors file of another program, which lacks our metadata. For one of our files, `config` must be the file's.
 * @throws EngineError `data`; `argument` for an argument without bytes, or a `config` that is wrong or does not fit the tensors
 */
export function loadModel(bytes: ByteContainer, name = 'The model', options: LoadModelOptions = {}): Model {
  checkNames('loadModel', options, { config: true, objective: true } satisfies Names<LoadModelOptions>);
  const given = options.config && checkConfig(options.config);
  const { objective } = options;
  if (objective !== undefined && !isObjective(objective))
    throw wrongArgument('objective', objective, OBJECTIVES);
  const foreign = given && {
    kind: 'model',
    config: JSON.stringify(given),
    objective: objective ?? 'tutorial',
  };
  const file = openFile(bytes, name, foreign);
  const { config, parameters } = networkInFile(file, name);
  if (given) checkSameNetwork(given, config, name);
  const layout = detectLayout(file.tensors);
  const expected =
    file.metadata.kind === 'checkpoint'
      ? expectedInCheckpoint(parameters, readStep(file, name), readTraining(file, name))
      : layout === 'keras'
        ? parameters
        : parameters.map(inPyTorch);
  checkTensors(expected, file.tensors, name, given ? 'argument' : 'data');
  const { note } = file;
  const sampling = readSampling(file, name);
  const teacher = readTeacher(file, name);
  const data = file.metadata.data && readFingerprint(readJson(file, 'data', name), inFile(name));
  return {
    config,
    objective: objective ?? readObjective(file, name),
    ...(sampling ? { sampling } : {}),
    ...(teacher ? { teacher } : {}),
    ...(data ? { data } : {}),
    parameters: layout === 'keras' ? pickTensors(file, '', parameters) : pickFromPyTorch(file, parameters),
    ...(note ? { note } : {}),
  };
}

/** Throws an `argument` error if the file's network differs from the caller's. */
function checkSameNetwork(given: UNetConfig, config: UNetConfig, name: string): void {
  const keys = [...new Set([...Object.keys(given), ...Object.keys(config)])] as (keyof UNetConfig)[];
  const key = keys.find((key) => JSON.stringify(given[key]) !== JSON.stringify(config[key]));
  if (key === undefined) return;
  throw argumentError(
    `${name} is not of this config: ${key} is ${show(given[key])} there, and ${show(config[key])} in the file. ` +
      'Leave config out: the file has its own.',
  );
}
