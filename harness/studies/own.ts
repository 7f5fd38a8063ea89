/**
 * The measurements of docs/recipe.md, *Your own pictures*: `node harness/tools/main.mjs harness/studies/own.ts --out FOLDER --data PATH` trains as a plan of that
 * length does, and writes samples as .npy, [samples][height][width][channels] from 0 to 255, with the polish and without, and a sheet of each.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPretrained } from '../../src/pretrained';
import { recipeAt, recipes } from '../../src/recipes';
import type { UNetConfig } from '../../src/unet/config';
import { loadModel } from '../../src/weights/model';
import { loadImages } from '../cli/images';
import { nodeEngine } from '../cli/node_engine';
import { encodePng } from '../cli/png';
import { quietly } from '../cli/quiet';
import { grid, toBytes } from '../pictures/pictures';
import { RATE_OF_PICTURES } from '../run/beginning';
import { ownSampling, trainerFor } from '../run/plan';

/** Images of a sheet, and of a row. */
const [SHOWN, ROW] = [32, 16];

export const main = (args: readonly string[]) => quietly(() => measure(args));

async function measure(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      data: { type: 'string' },
      name: { type: 'string', default: 'samples' },
      /** `new`, `pictures`, or a file. */
      begin: { type: 'string', default: 'pictures' },
      recipe: { type: 'string', default: 'pictures' },
      steps: { type: 'string', default: '300' },
      batch: { type: 'string', default: '16' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '250' },
      /** Training as it was before there were plans of a length. */
      unplanned: { type: 'boolean', default: false },
    },
  });
  const { out, data, name, begin, unplanned } = values;
  const recipe = values.recipe === 'digits' ? 'digits' : 'pictures';
  if (!out || !data) {
    console.error(
      'node harness/tools/main.mjs harness/studies/own.ts --out FOLDER --data PATH [--begin new|pictures|FILE] [--recipe pictures|digits] [--steps 300] [--batch 16] [--seed 1] [--count 250] [--name samples] [--unplanned]',
    );
    return 2;
  }
  mkdirSync(out, { recursive: true });
  const [steps, batch, seed, count] = [values.steps, values.batch, values.seed, values.count].map(Number);
  const { images } = await loadImages([data]);
  const { height, width, channels } = images;
  const { network }: { readonly network: UNetConfig } = recipes[recipe];
  const config = { ...network, height, width, channels, conditioning: { noiseLevel: true, classes: 0 } };
  const engine = await nodeEngine();
  const unet = await engine.createUNet(config, { seed, sampling: ownSampling(recipe, config) });
  if (begin !== 'new') {
    const file = () => readFile(begin).then((bytes) => loadModel(new Uint8Array(bytes), begin));
    const { parameters } = await (begin === 'pictures' ? loadPretrained(begin) : file());
    await unet.takeParameters(parameters);
  }
  const { trainer: options, fit } = recipeAt(recipe, batch);
  const trainer = await engine.createTrainer(unet, {
    ...(unplanned ? options : trainerFor(options, { steps })),
    ...(begin === 'new' ? {} : { learningRate: RATE_OF_PICTURES }),
  });
  const dataset = await engine.createDataset(images);
  const start = performance.now();
  const epochs = Math.ceil((steps * batch) / images.count) + 1;
  for await (const _ of trainer.fit(dataset, { ...fit, epochs, seed, maxSteps: steps }));
  const seconds = (performance.now() - start) / 1000;
  const sampler = await engine.createSampler(unet, { count });
  for (const polish of [false, undefined] as const) {
    const values = await sampler.sample({ method: 'adams', steps: 8, seed, polish });
    const file = join(out, `${name}-seed${seed}${polish === false ? '' : '-polished'}`);
    writeFileSync(`${file}.npy`, npyOf(toBytes(values), [count, height, width, channels]));
    const shown = values.subarray(0, SHOWN * height * width * channels);
    writeFileSync(`${file}.png`, encodePng(grid({ ...config, values: shown }, ROW, { scale: 2, gap: 2 })));
  }
  console.log(JSON.stringify({ name, data, begin, recipe, steps, batch, seed, unplanned, seconds }));
  engine.destroy();
  return 0;
}

/** The bytes as a .npy file of version 1. */
function npyOf(bytes: Uint8Array, shape: readonly number[]): Buffer {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const head = Buffer.from(`\x93NUMPY\x01\0\0\0${text.padEnd(117)}\n`, 'latin1');
  head.writeUInt16LE(head.length - 10, 8);
  return Buffer.concat([head, bytes]);
}
