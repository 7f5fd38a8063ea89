/** In a page whose server gives each file only when it is asked for a second time: the library's own, here and in a worker. */
import { createEngine } from 'webgpu-diffusion';
import { connect } from 'webgpu-diffusion/worker';

const network = { height: 4, width: 4, widths: [4], kernelSize: 3 };
const images = { images: new Uint8Array(64).fill(9), count: 4, height: 4, width: 4, channels: 1 };
const trainer = { batchSize: 4 };
const run = { steps: 2, method: 'mix', seed: 1 };

globalThis.result = main(location.search === '?healthy');

let failures = 0;

/** Calls again whatever did not load. */
async function untilLoaded(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isClear =
        error.name === 'EngineError' &&
        error.code === 'data' &&
        /could not be loaded: .*Call again/.test(error.message);
      if (!isClear || failures++ > 100) throw error;
    }
  }
}

async function main(isHealthy) {
  if (!isHealthy) await fetch('/fail-once');
  const engine = await untilLoaded(() => createEngine());
  const page = await untilLoaded(async () => {
    const unet = await engine.createUNet(network, { seed: 1 });
    const dataset = await engine.createDataset(images);
    const made = await engine.createTrainer(unet, trainer);
    const losses = [];
    for await (const { loss } of made.fit(dataset, { epochs: 1 })) losses.push(loss);
    const sampler = await engine.createSampler(unet, { count: 4 });
    return { losses, images: [...(await sampler.sample(run))] };
  });
  engine.destroy();
  const inPage = failures;

  await fetch('/fail-never');
  const session = connect(new Worker('./flaky_worker.js', { type: 'module' }));
  await session.answer();
  if (!isHealthy) await fetch('/fail-once');
  await untilLoaded(() => session.begin({ images, network, trainer, fit: { epochs: 1 } }));
  await untilLoaded(async () => {
    for await (const _ of session.train());
  });
  const drawn = await untilLoaded(() => session.sample({ count: 4, ...run }));
  session.destroy();
  return { page, worker: [...drawn.images], inPage, inWorker: failures - inPage };
}
