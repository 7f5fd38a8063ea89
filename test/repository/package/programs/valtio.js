/** In Node, with all that an engine makes in valtio's state: each call is refused in words, and `destroy()` frees the memory. */
import { proxy } from 'valtio/vanilla';
import { createEngine } from 'webgpu-diffusion';
import { installWebGPU } from 'webgpu-diffusion/node';
import { use } from './use.js';

await installWebGPU();
const used = await use(await createEngine());

const device = await (await navigator.gpu.requestAdapter()).requestDevice();
/** Buffers that were created and not destroyed. */
const buffers = new Set();
const createBuffer = device.createBuffer.bind(device);
device.createBuffer = (descriptor) => {
  const buffer = createBuffer(descriptor);
  const destroy = buffer.destroy.bind(buffer);
  buffers.add(buffer);
  buffer.destroy = () => {
    buffers.delete(buffer);
    destroy();
  };
  return buffer;
};

const engine = await createEngine({ device });
const unet = await engine.createUNet({ height: 4, width: 4, widths: [4], kernelSize: 3 });
const images = { images: new Uint8Array(64), count: 4, height: 4, width: 4, channels: 1 };
const dataset = await engine.createDataset(images);
const trainer = await engine.createTrainer(unet, { batchSize: 4 });
const sampler = await engine.createSampler(unet, { count: 4 });
const predictor = await engine.createPredictor(unet, { count: 1 });
const pixels = new Float32Array(16);
const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
const pixelBuffer = createBuffer({ size: pixels.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
const encoder = device.createCommandEncoder();
const batch = { noisy: new Float32Array(64), target: new Float32Array(64) };

// It puts its proxies into the objects themselves, so that the plain variables are no way around them.
const plain = { engine, unet, dataset, trainer, sampler, predictor };
const state = proxy({ ...plain });
const calls = [plain, state].flatMap((its) => [
  () => its.engine.createUNet(),
  () => its.engine.createTrainer(its.unet),
  () => its.engine.createSampler(its.unet),
  () => its.engine.createDataset(images),
  () => its.unet.predict(pixels),
  () => its.unet.getParameters(),
  () => its.trainer.step(batch),
  () => its.trainer.fit(its.dataset, { epochs: 1 }).next(),
  () => its.trainer.evaluate(images),
  () => its.trainer.getState(),
  () => its.sampler.sample({ steps: 2 }),
  () => its.predictor.encode(encoder, pixelBuffer, pixelBuffer),
]);
for (const call of calls) {
  const error = await Promise.resolve()
    .then(call)
    .catch((error) => error);
  if (error?.code !== 'argument' || !/A Proxy wraps/.test(error.message))
    throw new Error(`${call} ends with ${error}`);
}
for (const each of [state.sampler, trainer, state.engine]) each.destroy();
if (buffers.size > 0) throw new Error(`Not destroyed: ${[...buffers].map(({ label }) => label)}.`);
console.log(JSON.stringify(used));
