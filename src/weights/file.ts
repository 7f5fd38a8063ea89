/** What models and checkpoints have in common as files. */
import { EngineError, nonFinite } from '../errors';
import { checkConfig, type Parameter, parametersOf, type UNetConfig } from '../unet/config';
import { isObject, jsonOf, type TrainingSettings } from './fields';
import type { ExpectedTensor } from './match';
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  quote,
  type Safetensors,
} from './safetensors';

const FORMAT = 'webgpu-diffusion';
const VERSION = '1';

export function openFile(bytes: Uint8Array, name: string): Safetensors {
  const file = decodeSafetensors(bytes, name);
  const { format, version } = file.metadata;
  if (format !== FORMAT) {
    throw new EngineError(
      'data',
      `${name} was not saved by webgpu-diffusion: its metadata has the format ${quote(format ?? 'none')}. ` +
        'Its metadata must hold format, version, kind and config: see src/weights/checkpoint.ts.',
    );
  }
  if (version !== VERSION) {
    throw new EngineError(
      'data',
      `${name} has version ${quote(version)} of the format; this version of webgpu-diffusion reads ${VERSION}. Use the one that saved it.`,
    );
  }
  return file;
}

export function networkOf(file: Safetensors, name: string): { config: UNetConfig; parameters: Parameter[] } {
  const given = jsonOf(file, 'config', name);
  try {
    if (!isObject(given)) throw new EngineError('data', 'it is not an object.');
    const config = checkConfig(given);
    return { config, parameters: parametersOf(config).parameters };
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    throw new EngineError('data', `${name}: config in its metadata is wrong: ${cause.message}`, { cause });
  }
}

export function expectedInCheckpoint(
  parameters: readonly Parameter[],
  step: number,
  { averageWeights, skipNonFinite }: TrainingSettings,
): ExpectedTensor[] {
  return [
    ...['', 'moment1.', 'moment2.', ...(averageWeights ? ['trained.'] : [])].flatMap((prefix) =>
      parameters.map(({ name, shape }) => ({ name: prefix + name, shape })),
    ),
    { name: 'optimizer.corrections', shape: [2] },
    { name: 'losses', shape: [step], mayBeNaN: skipNonFinite !== undefined },
  ];
}

/** As encodeSafetensors, but a file of a run that has diverged would replace one that is of use. `when` begins the message. */
export function encodeFinite(
  tensors: readonly (NamedTensor & { readonly mayBeNaN?: boolean })[],
  metadata: Record<string, string>,
  when = '',
) {
  const bytes = encodeSafetensors(tensors, { format: FORMAT, version: VERSION, ...metadata });
  for (const { name, data, mayBeNaN } of tensors) {
    const problem = nonFinite(data, mayBeNaN);
    if (!problem) continue;
    throw new EngineError(
      'diverged',
      `${when}${name} ${problem}. The training diverged, and is not saved: ` +
        'go back to the last checkpoint and use a smaller learning rate.',
    );
  }
  return bytes;
}

export function namedTensors(
  prefix: string,
  parameters: readonly Parameter[],
  values: ReadonlyMap<string, Float32Array>,
): NamedTensor[] {
  return parameters.map(({ name, shape }) => ({ name: prefix + name, shape, data: values.get(name)! }));
}

export function pickTensors(
  file: Safetensors,
  prefix: string,
  parameters: readonly Parameter[],
): Map<string, Float32Array> {
  return new Map(parameters.map(({ name }) => [name, file.tensors.get(prefix + name)!.data as Float32Array]));
}
