/** Writes models and checkpoints: see file.ts. */
import { EngineError, nonFinite } from '../base/errors';
import type { Parameter } from '../unet/config';
import { seal, UNKNOWN } from './checksum';
import { encodeSafetensors } from './encode';
import { FORMAT, VERSION } from './file';
import type { NamedTensor } from './safetensors';

/**
 * Like encodeSafetensors, but refuses non-finite values: a file of a diverged run would replace a useful one. `when` begins the message.
 */
export function encodeFinite(
  tensors: readonly (NamedTensor & { readonly mayBeNaN?: boolean })[],
  metadata: Record<string, string>,
  when = '',
) {
  const bytes = encodeSafetensors(tensors, { ...UNKNOWN, format: FORMAT, version: VERSION, ...metadata });
  seal(bytes);
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
