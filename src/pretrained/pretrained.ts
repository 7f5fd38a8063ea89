/** Trained networks: 0.6 to 0.75 MB each, loaded on request. */

import { argumentError } from '../base/errors';
import { loaded } from '../base/load';
import { checkLoad, type LoadOptions } from '../data/idx';
import { readSource } from '../data/source';
import { loadModel, type Model } from '../weights/model';
import digits from './digits.safetensors?bytes';
import instant from './digits-instant.safetensors?bytes';
import enlarger from './enlarger.safetensors?bytes';
import pictures from './pictures.safetensors?bytes';
import tutorial from './tutorial.safetensors?bytes';

const files = { tutorial, digits, 'digits-instant': instant, pictures } as const;

/** The recipes `tutorial`, `digits` and `pictures` (icons, to train on from), and `digits-instant`: `digits` distilled to two calls. */
export type PretrainedName = keyof typeof files;
/** The names of the pretrained networks. */
export const pretrainedNames = Object.keys(files) as PretrainedName[];

/**
 * Loads a trained network: `createUNet(model.config, { sampling: model.sampling })`, then `setParameters(model.parameters)`; or `enlarger`,
 * the network of `enlarge`. docs/models.md has a card for each.
 *
 * @throws EngineError `argument` for another name; `data` if the file cannot be read or is wrong; the signal's reason if aborted
 */
export async function loadPretrained(
  pretrained: PretrainedName | 'enlarger',
  options: LoadOptions = {},
): Promise<Model> {
  const all = { ...files, enlarger };
  if (!Object.hasOwn(all, pretrained)) {
    throw argumentError(
      `There is no pretrained network ${JSON.stringify(pretrained)}; there are ${pretrainedNames.join(', ')}.`,
    );
  }
  const signal = checkLoad('loadPretrained', options);
  signal?.throwIfAborted();
  const name = `${pretrained}.safetensors`;
  return loadModel(await readSource(await loaded(all[pretrained]()), name, signal), name);
}
