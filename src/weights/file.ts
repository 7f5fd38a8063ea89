/** The file format that models and checkpoints share, to readers; write.ts writes it. */
import { asBytes, type ByteContainer } from '../base/bytes';
import { dataError, EngineError, isObject, printable, show } from '../base/errors';
import type { TrainerConfig } from '../training/options';
import { checkConfig, listParameters, type Parameter, type UNetConfig } from '../unet/config';
import { checkSeal } from './checksum';
import { readJson } from './fields';
import type { ExpectedTensor } from './match';
import { decodeSafetensors, type Safetensors } from './safetensors';

export const FORMAT = 'webgpu-diffusion';
/** Version 1, which other programs write, has no checksum. */
export const VERSION = '2';
const WITHOUT_CHECKSUM = '1';

interface OpenFile extends Safetensors {
  /** See Model. */
  readonly note?: string | undefined;
}

/** Opens a file. `foreign`: the metadata for a file of another program; without it, such a file is refused. */
export function openFile(given: ByteContainer, name: string, foreign?: Record<string, string>): OpenFile {
  const bytes = asBytes(given, name);
  const file = decodeSafetensors(bytes, name);
  const { format, version, crc32 } = file.metadata;
  if (format !== FORMAT) {
    if (crc32 !== undefined) {
      throw dataError(
        `${name} has a checksum of webgpu-diffusion, and the format ${show(format ?? 'none')}: it is damaged. Take another copy.`,
      );
    }
    const note = `${name} is of another program, without a checksum: damage would not be noticed. Saved anew it has one.`;
    if (foreign) return { ...file, metadata: foreign, note: printable(note) };
    throw dataError(
      `${name} was not saved by webgpu-diffusion: its metadata has the format ${show(format ?? 'none')}. ` +
        'Its metadata must hold format, version, kind and config, or loadModel be given { config }: see docs/weights.md.',
    );
  }
  if (version === WITHOUT_CHECKSUM) {
    const note = `${name} is of version 1 of the format, which has no checksum: damage would not be noticed. Saved anew it has one.`;
    return { ...file, note: printable(note) };
  }
  if (version !== VERSION) {
    throw dataError(
      `${name} has version ${show(version)} of the format; this version of webgpu-diffusion reads ${VERSION} and ${WITHOUT_CHECKSUM}. ` +
        'Use the one that saved it; if that is this one, the file is damaged.',
    );
  }
  if (crc32 === undefined) {
    throw dataError(`${name} has lost its checksum, crc32 in its metadata. Take another copy.`);
  }
  checkSeal(bytes, crc32, name);
  return file;
}

export function networkInFile(
  file: Safetensors,
  name: string,
): { config: UNetConfig; parameters: Parameter[] } {
  const given = readJson(file, 'config', name);
  try {
    if (!isObject(given)) throw dataError('it is not an object.');
    const config = checkConfig(given);
    return { config, parameters: listParameters(config).parameters };
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    throw dataError(`${name}: config in its metadata is wrong: ${cause.message}`, { cause });
  }
}

export function expectedInCheckpoint(
  parameters: readonly Parameter[],
  step: number,
  { average, skipNonFinite }: Pick<TrainerConfig, 'average' | 'skipNonFinite'>,
): ExpectedTensor[] {
  return [
    ...['', 'moment1.', 'moment2.', ...(average ? ['trained.'] : [])].flatMap((prefix) =>
      parameters.map(({ name, shape }) => ({ name: prefix + name, shape })),
    ),
    { name: 'optimizer.corrections', shape: [2] },
    { name: 'losses', shape: [step], mayBeNaN: skipNonFinite !== undefined },
  ];
}

export function pickTensors(
  file: Safetensors,
  prefix: string,
  parameters: readonly Parameter[],
): Map<string, Float32Array> {
  return new Map(parameters.map(({ name }) => [name, file.tensors.get(prefix + name)!.data as Float32Array]));
}
