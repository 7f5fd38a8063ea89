/** In Jest, whose loader and realm are its own: training twice, and what every project does. */
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { createEngine } from 'webgpu-diffusion';
import { installWebGPU } from 'webgpu-diffusion/node';
import { use } from './use.js';

const height = 4;
const width = 4;
const channels = 1;
const count = 4;
/** A machine that does much else compiles for minutes. */
const LIMIT_MS = 500_000;

await installWebGPU();

test.each(['first', 'second'])(
  'the %s fit makes its steps',
  async () => {
    const engine = await createEngine();
    const unet = await engine.createUNet({ height, width, channels, widths: [4], kernelSize: 3 });
    const images = Uint8Array.from({ length: height * width * count }, (_, i) => 3 * i);
    const dataset = await engine.createDataset({ images, count, height, width, channels });
    const trainer = await engine.createTrainer(unet, { batchSize: count });
    const losses = [];
    for await (const { loss } of trainer.fit(dataset, { epochs: 3 })) losses.push(loss);
    expect(losses).toHaveLength(3);
    engine.destroy();
  },
  LIMIT_MS,
);

test(
  'the package is used',
  async () => {
    const engine = await createEngine();
    writeFileSync('used.json', JSON.stringify(await use(engine)));
    engine.destroy();
  },
  LIMIT_MS,
);
