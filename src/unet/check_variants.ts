/** Checks the variants that a caller fixes. Loaded where there are any. */
import { argumentError, checkObject, clip } from '../base/errors';
import type { Layer } from './config';
import {
  type Capabilities,
  CONDITIONING,
  CONDITIONING_VARIANTS,
  isConditioned,
  layersFor,
  obstacle,
  possibleVariants,
  TUNABLE_KERNELS,
  type TunedKernel,
  tunedFor,
  type Variants,
} from './variants';

/**
 * Throws an `argument` error unless every entry of `variants` names a layer, and a variant that can compute it at this batch on the
 * device. Entries for kernels that only a training step needs are always allowed, so that one list serves training and sampling;
 * their support by the device is checked where they are used.
 */
export function checkVariants(
  variants: Variants,
  layers: readonly Layer[],
  batch: number,
  device: Capabilities,
  training: boolean,
): void {
  checkObject('variants', variants, "{ 'conv2d/down.1': 'direct' }");
  const legal = new Map<string, { kernel: TunedKernel; layer: Layer }>(
    TUNABLE_KERNELS.flatMap((kernel) =>
      layersFor(kernel, layers).map((layer) => [`${kernel.name}/${layer.name}`, { kernel, layer }]),
    ),
  );
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const [entry, variant] of Object.entries(variants)) {
    if (entry === CONDITIONING && isConditioned(layers)) {
      if (!CONDITIONING_VARIANTS.includes(variant))
        problems.push(
          `${entry} has no variant ${clip(String(variant))}; it can be ${CONDITIONING_VARIANTS.join(' or ')}`,
        );
      continue;
    }
    const found = legal.get(entry);
    if (!found) {
      unknown.push(clip(entry));
      continue;
    }
    const { kernel, layer } = found;
    const exists = Object.hasOwn(kernel.variants, variant);
    const inUse = tunedFor(training).includes(kernel);
    const reason = exists && inUse ? obstacle(kernel, variant, layer, batch, device) : undefined;
    if (exists && !reason) continue;
    const possible = possibleVariants(kernel, layer, batch, device).join(', ');
    problems.push(
      exists
        ? `${entry} cannot be ${variant}, as ${reason}; here it can be ${possible}`
        : `${entry} has no variant ${clip(String(variant))}; here it can be ${possible}`,
    );
  }
  if (unknown.length > 0) {
    const only = [...legal.keys()].join(', ');
    problems.unshift(`there is no ${unknown.join(', ')} in this network, only ${only}`);
  }
  if (problems.length > 0) {
    throw argumentError(`These kernel variants cannot be used: ${problems.join('. Also ')}.`);
  }
}
