/** `--model`: a trained network, from a file or from the package. */
import { existsSync } from 'node:fs';
import { EngineError } from '../../src/base/errors';
import { loadPretrained, pretrainedNames } from '../../src/pretrained/pretrained';
import { loadModel, type Model } from '../../src/weights/model';
import { text } from './args';
import { readWhole } from './files';

export const modelFlag = text(
  'FILE|NAME',
  `model.safetensors or checkpoint.safetensors of a run, or a network that comes\nalong: ${pretrainedNames.join(', ')} (default digits)`,
);

export async function readModel(given = 'digits', signal?: AbortSignal): Promise<Model> {
  const pretrained = pretrainedNames.find((name) => name === given);
  if (pretrained) return loadPretrained(pretrained, { signal });
  if (!existsSync(given)) {
    throw new EngineError(
      'data',
      `--model ${given}: there is no such file. Give a file, or a network that comes along: ${pretrainedNames.join(', ')}.`,
    );
  }
  const model = loadModel(await readWhole(given), given);
  if (model.note) console.error(model.note);
  return model;
}
