/** Writes a trained network with weights of half the size: `node harness/tools/main.mjs harness/studies/icons/half.ts FROM TO`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { listParameters } from '../../../src/unet/config';
import { loadModel } from '../../../src/weights/model';
import { saveModel } from '../../../src/weights/save_model';

export async function main([from, to]: string[]): Promise<number> {
  const { parameters, ...model } = loadModel(new Uint8Array(readFileSync(from)), from);
  const { parameters: list } = listParameters(model.config);
  const weights = { ...model, parameters: list, getParameters: async () => parameters };
  writeFileSync(to, await saveModel(weights, { objective: model.objective, dtype: 'F16' }));
  return 0;
}
