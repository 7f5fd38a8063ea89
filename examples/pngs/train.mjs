// Trains on a folder of PNG files, all of one size, and writes samples into samples.png and the network into model.safetensors.
//
//   npm ci && npm run build && node examples/pngs/train.mjs FOLDER [EPOCHS]
//
// In your own project: npm install webgpu-diffusion webgpu pngjs
import { writeFile } from 'node:fs/promises';
import { createEngine, recipes, saveModel } from '../../dist/lib/index.js';
import { installWebGPU } from '../../dist/lib/node.js';
import { readFolder, writePng } from './folder.mjs';

const [folder, epochs = '20'] = process.argv.slice(2);
await installWebGPU();
const engine = await createEngine();
const dataset = await engine.createDataset({ pictures: await readFolder(folder), channels: 3 });
const { count, height, width } = dataset;
console.log(`${count} pictures of ${width} x ${height}`);

// The recipe that is conditioned on the noise level, without classes, in colour.
const { network, trainer: settings } = recipes.digits;
const conditioning = { ...network.conditioning, classes: 0 };
const unet = await engine.createUNet({ ...network, height, width, channels: 3, conditioning }, { seed: 1 });
const trainer = await engine.createTrainer(unet, { ...settings, batchSize: Math.min(64, count) });
for await (const { step, epoch, loss } of trainer.fit(dataset, { epochs: Number(epochs), seed: 1 }))
  if (step % 20 === 0) console.log(`epoch ${epoch}, step ${step}: ${loss.toFixed(4)}`);

const sampler = await engine.createSampler(unet, { count: 8 });
await writePng('samples.png', await sampler.sample({ steps: 20, seed: 1 }), unet.config);
await writeFile('model.safetensors', await saveModel(unet, { objective: settings.objective }));
console.log('samples.png, model.safetensors');
engine.destroy();
process.exit();
