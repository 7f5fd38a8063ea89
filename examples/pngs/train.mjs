// Trains on a folder of PNG files, all of one size, for 600 steps, and writes the network; `sample --model model.safetensors` draws with it.
// (`train --data FOLDER --recipe digits` does more: other sizes, classes by folders, pictures of the run.)
//
//   npm ci && npm run build && node examples/pngs/train.mjs FOLDER
//
// In your own project: npm install webgpu-diffusion webgpu pngjs
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { PNG } from 'pngjs';
import { createEngine, recipeAt, saveModel } from '../../dist/lib/index.js';
import { installWebGPU } from '../../dist/lib/node.js';

const names = (await readdir(process.argv[2])).filter((name) => name.endsWith('.png'));
const files = await Promise.all(names.map((name) => readFile(`${process.argv[2]}/${name}`)));
await installWebGPU();
const engine = await createEngine();
const dataset = await engine.createDataset({
  pictures: files.map((file) => PNG.sync.read(file)),
  channels: 3,
});
const { network, trainer: settings } = recipeAt('digits', Math.min(16, dataset.count));
const { height, width, channels } = dataset;
const conditioning = { noiseLevel: true, classes: 0 }; // no classes: the pictures have no labels
const unet = await engine.createUNet({ ...network, height, width, channels, conditioning });
const trainer = await engine.createTrainer(unet, settings);
for await (const { step, loss } of trainer.fit(dataset, { epochs: 600, maxSteps: 600 }))
  if (step % 50 === 0) console.log(`step ${step}: ${loss.toFixed(4)}`);
await writeFile('model.safetensors', await saveModel(unet, { objective: settings.objective }));
process.exit();
