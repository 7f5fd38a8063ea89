/** Sets the weights of another network of the same convolutions, perhaps of other classes. Loaded when it is asked for. */
import { EngineError, typeName } from '../base/errors';
import type { NetworkWeights } from './network';

/** See `takeParameters` of UNet. */
export async function takeParameters(
  weights: NetworkWeights,
  values: ReadonlyMap<string, ArrayLike<number>>,
): Promise<string[]> {
  if (weights.inTraining) {
    throw new EngineError(
      'busy',
      'A trainer of this UNet is in the middle of a step, a fit or an evaluation. Await it, or finish the loop of the fit, and take parameters then.',
    );
  }
  const table = weights.parameters.find(({ name }) => name.endsWith('.classes'));
  const isLeft = table && typeName(values) === 'Map' && values.get(table.name)?.length !== table.size;
  await weights.setParameters(values, isLeft ? table : undefined);
  return isLeft ? [table.name] : [];
}
