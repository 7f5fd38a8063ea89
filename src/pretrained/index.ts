/** Trained networks, one per recipe: about 0.65 MB each, loaded on request. */
import { checkLoad, type LoadOptions } from '../data/idx';
import { readSource } from '../data/source';
import { EngineError } from '../errors';
import type { RecipeName } from '../recipes';
import { loadModel, type Model } from '../weights/model';
import digits from './digits.safetensors?bytes';
import tutorial from './tutorial.safetensors?bytes';

const files = { tutorial, digits } as const satisfies Partial<Record<RecipeName, unknown>>;

/** The recipes that have a trained network. */
export type PretrainedName = keyof typeof files;
/** The same as a list. */
export const pretrainedNames = Object.keys(files) as PretrainedName[];

/**
 * Loads a trained network: `createUNet(model.config)`, then `setParameters(model.parameters)`. docs/recipe.md says how they were trained,
 * and how good they are.
 *
 * @throws EngineError `argument` for another name; `data` if the file cannot be read or is wrong; the signal's reason if aborted
 */
export async function loadPretrained(recipe: PretrainedName, options: LoadOptions = {}): Promise<Model> {
  if (!Object.hasOwn(files, recipe)) {
    throw new EngineError(
      'argument',
      `There is no pretrained network ${JSON.stringify(recipe)}; there are ${pretrainedNames.join(' and ')}.`,
    );
  }
  const signal = checkLoad('loadPretrained', options);
  signal?.throwIfAborted();
  const name = `${recipe}.safetensors`;
  return loadModel(await readSource(await files[recipe](), name, signal), name);
}
