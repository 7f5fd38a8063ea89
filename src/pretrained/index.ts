/** Networks that are trained already, for each recipe one: about 0.65 MB each, read from beside this module. */
import type { LoadOptions } from '../data/idx';
import { readSource, sourceName } from '../data/source';
import { EngineError } from '../errors';
import { type RecipeName, recipes } from '../recipes';
import { loadModel, type Model } from '../weights/model';

// Bundlers find an asset by exactly this form. ?no-inline keeps Vite from putting it into a library's JavaScript.
const files: Record<RecipeName, () => URL> = {
  tutorial: () => new URL('./tutorial.safetensors?no-inline', import.meta.url),
  digits: () => new URL('./digits.safetensors?no-inline', import.meta.url),
};

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
  const url = files[recipe]();
  const name = sourceName(url, '');
  return loadModel(await readSource(url, name, options.signal), name);
}
