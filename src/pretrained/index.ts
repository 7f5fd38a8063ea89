/** Networks that are trained already, by recipe: about 0.65 MB each, loaded when asked for. */
import type { LoadOptions } from '../data/idx';
import { readSource } from '../data/source';
import { EngineError } from '../errors';
import type { RecipeName } from '../recipes';
import { loadModel, type Model } from '../weights/model';
import digits from './digits.safetensors?bytes';
import tutorial from './tutorial.safetensors?bytes';

const files = { tutorial, digits } as const satisfies Partial<Record<RecipeName, unknown>>;

/** The recipes that have one. */
export type PretrainedName = keyof typeof files;
export const pretrainedNames = Object.keys(files) as PretrainedName[];

/**
 * Loads a trained network: `createUNet(model.config)`, then `setParameters(model.parameters)`. How they were made, and how good they are:
 * docs/recipe.md.
 *
 * @throws EngineError `argument` for another name; `data` if the file cannot be read or is not right; the signal's reason if aborted
 */
export async function loadPretrained(recipe: PretrainedName, options: LoadOptions = {}): Promise<Model> {
  if (!Object.hasOwn(files, recipe)) {
    throw new EngineError(
      'argument',
      `There is no pretrained network ${JSON.stringify(recipe)}; there are ${pretrainedNames.join(' and ')}.`,
    );
  }
  options.signal?.throwIfAborted();
  const name = `${recipe}.safetensors`;
  return loadModel(await readSource(await files[recipe](), name, options.signal), name);
}
