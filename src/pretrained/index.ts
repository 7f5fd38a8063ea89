/** Networks that are trained already, for each recipe one: about 0.65 MB each, loaded when asked for. */
import type { LoadOptions } from '../data/idx';
import { readSource } from '../data/source';
import { EngineError } from '../errors';
import { type RecipeName, recipes } from '../recipes';
import { loadModel, type Model } from '../weights/model';
import digits from './digits.safetensors?bytes';
import tutorial from './tutorial.safetensors?bytes';

const files: Record<RecipeName, typeof digits> = { tutorial, digits };

/**
 * Loads a trained network: `createUNet(model.config)`, then `setParameters(model.parameters)`. How they were made, and how good they are:
 * docs/recipe.md.
 *
 * @throws EngineError `argument` for another name; `data` if the file cannot be read or is not right; the signal's reason if aborted
 */
export async function loadPretrained(recipe: RecipeName, options: LoadOptions = {}): Promise<Model> {
  if (!Object.hasOwn(files, recipe)) {
    throw new EngineError(
      'argument',
      `There is no pretrained network ${JSON.stringify(recipe)}; there are ${Object.keys(recipes).join(' and ')}.`,
    );
  }
  options.signal?.throwIfAborted();
  const name = `${recipe}.safetensors`;
  return loadModel(await readSource(await files[recipe](), name, options.signal), name);
}
