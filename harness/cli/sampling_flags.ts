/** The flags for sampling, and the options that they result in for a model. */
import { type Recipe, recipes } from '../../src/recipes';
import { METHODS } from '../../src/sampling/passes';
import type { Model } from '../../src/weights/model';
import { type Given, integer, number, oneOf, UsageError } from './args';

export const samplingFlags = {
  steps: integer('N', 'sampling steps (default 50; for a network of the recipe digits 20)', 1, 1000),
  method: oneOf(
    "mix is the tutorial's; euler and heun follow a flow\n(default: what the model was trained for)",
    ...METHODS,
  ),
  guidance: number(
    'X',
    'how far to go towards the class asked for: 1 as the network says, more is\nplainer and less varied (default 2)',
    0,
    100,
  ),
  seed: integer('N', 'fixes the noise that the images start from (default 123)', 0, 0xffffffff),
};

/** Throws UsageError if guidance is requested of a network without classes. */
export function samplingOf(
  given: Given<typeof samplingFlags>,
  { config, objective }: Model,
): Recipe['sampling'] {
  const { sampling }: Recipe = recipes[objective === 'flow' ? 'digits' : 'tutorial'];
  const { steps = sampling.steps, method = sampling.method } = given;
  const classes = config.conditioning?.classes ?? 0;
  if (given.guidance !== undefined && (classes === 0 || method === 'mix')) {
    throw new UsageError(
      `--guidance is ${given.guidance}, but ${classes === 0 ? 'this network is not told classes' : 'the method mix has none'}. Leave it out${classes === 0 ? ', or use a model of --recipe digits' : ''}.`,
    );
  }
  return { steps, method, ...(classes > 0 && method !== 'mix' ? { guidance: given.guidance ?? 2 } : {}) };
}
