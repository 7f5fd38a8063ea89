// Trains on a folder of PNG files, all of one size, for 600 steps, and writes the network; `sample --model model.safetensors` draws with it.
// (`train --data FOLDER --recipe digits` does more: other sizes, classes by folders, pictures of the run.)
//
//   npm ci && npm run build && node examples/pngs/train.mjs FOLDER
//
// In your own project: npm install webgpu-diffusion webgpu pngjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { createEngine, recipeAt, saveModel } from '../../dist/lib/index.js';
import { installWebGPU } from '../../dist/lib/node.js';

// On Mesa's software adapter Dawn warns twice of limits, which nothing here needs: it writes past Node, and no setting stops it.
const engine = await createEngine({ gpu: await installWebGPU() });
const pictures = readdirSync(process.argv[2])
  .filter((name) => name.endsWith('.png'))
  .map((name) => PNG.sync.read(readFileSync(`${process.argv[2]}/${name}`)));
const dataset = await engine.createDataset({ pictures, channels: 3 });
const { network, trainer: settings } = recipeAt('digits', 16);
const unet = await engine.createUNet({
  ...network,
  height: dataset.height,
  width: dataset.width,
  channels: 3,
  conditioning: { noiseLevel: true, classes: 0 }, // The pictures have no labels.
});
const trainer = await engine.createTrainer(unet, settings);
for await (const { step, loss } of trainer.fit(dataset, { epochs: 600, maxSteps: 600 }))
  console.log(step, loss);
writeFileSync('model.safetensors', await saveModel(unet, { objective: settings.objective }));
