// Trains a small UNet on digits, then samples from it and draws the samples as text.
//
//   npm ci && npm run build && node examples/node/train.mjs
//
// In your own project: npm install webgpu-diffusion webgpu, and import from
// 'webgpu-diffusion', 'webgpu-diffusion/digits' and 'webgpu-diffusion/node'.
import { loadDigits } from '../../dist/lib/digits.js';
import { createEngine } from '../../dist/lib/index.js';
import { installWebGPU } from '../../dist/lib/node.js';

await installWebGPU(); // navigator.gpu, as browsers have it
const engine = await createEngine();
const { description, software } = engine.adapter;
console.log(`${description}${software ? ' (software: not a GPU speed)' : ''}`);

const unet = await engine.createUNet({ widths: [16, 32, 32] }, { seed: 1 });
const dataset = await engine.createDataset(await loadDigits());
const trainer = await engine.createTrainer(unet, { batchSize: 64, learningRate: 3e-3 });
console.log(`${unet.parameterCount} parameters, ${dataset.count} images`);

for await (const { step, loss, imagesPerSecond } of trainer.fit(dataset, { epochs: 1, seed: 1 })) {
  if (step % 20 === 0) {
    console.log(`step ${step}  loss ${loss.toFixed(4)}  ${Math.round(imagesPerSecond)} images/s`);
  }
}

const count = 4;
const sampler = await engine.createSampler(unet, { count });
const images = await sampler.sample({ steps: 20, seed: 1 }); // [count][height][width][channels], 0 to 1
console.log(draw(images, count, unet.config));

engine.destroy(); // the network, the trainer, the sampler, the data set, and the device, which is the engine's own here

/** Images side by side, one character for two pixels of a column. */
function draw(values, count, { height, width }) {
  const ink = ' .:-=+*#%@';
  const at = (i, y, x) => values[(i * height + y) * width + x];
  const lines = [];
  for (let y = 0; y < height; y += 2) {
    let line = '';
    for (let i = 0; i < count; i++) {
      for (let x = 0; x < width; x++) {
        const value = (at(i, y, x) + at(i, y + 1, x)) / 2;
        line += ink[Math.min(Math.floor(value * ink.length), ink.length - 1)];
      }
      line += '  ';
    }
    lines.push(line.trimEnd());
  }
  return lines.join('\n');
}
