/** A program with a device of its own, as strict as may be: what is missing is undefined, with exactOptionalPropertyTypes, too. */
import {
  type Conv2d,
  createEngine,
  loadModel,
  requestDevice,
  requirements,
  saveModel,
  type TrainingEvent,
} from 'webgpu-diffusion';
import { loadDigits } from 'webgpu-diffusion/digits';
import { fingerprintImages, loadIdx } from 'webgpu-diffusion/files';
import { exportOnnx } from 'webgpu-diffusion/onnx';

const adapter = await navigator.gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
const requiredFeatures = requirements.optionalFeatures.filter((feature) => adapter.features.has(feature));
const device: GPUDevice = await adapter.requestDevice({ requiredFeatures });
const none = undefined;
const maybe = undefined as undefined | AbortSignal;
using engine = await createEngine({
  device,
  tune: none,
  variants: none,
  onProgress: none,
  tuningCache: none,
  selfCheck: none,
});
export const own: GPUDevice = engine.device;
export const other: GPUDevice = (await requestDevice(navigator.gpu, { powerPreference: 'low-power' })).device;

const network = { height: none, residual: none, conditioning: none, outChannels: none };
const unet = await engine.createUNet(network, { seed: none });
const schedule = { warmup: none, decay: none, steps: none, floor: none };
const trainer = await engine.createTrainer(unet, { clipNorm: none, beta1: none, schedule, customLoss: none });
const images = await loadDigits({ signal: maybe });
const dataset = await engine.createDataset({ ...images, labels: none });
const losses: number[] = [];
const run = { epochs: 1, seed: none, signal: maybe, maxSteps: none };
for await (const event of trainer.fit(dataset, run)) {
  const { loss }: TrainingEvent = event;
  losses.push(loss);
}
export const file: Uint8Array = await trainer.checkpoint({ fit: { epochs: 5 }, images, losses });
export const { fnv1a } = fingerprintImages(images);
const { fit } = await engine.resume(file, { images, signal: maybe });
trainer.fit(dataset, { ...fit, maxSteps: none });

// Results go where only memory that is not shared may go; what is given may be shared, and come from anywhere.
const sampler = await engine.createSampler(unet, { count: none, variants: none });
const state = await trainer.getState();
const drawing = {
  steps: 5,
  seed: none,
  noise: none,
  signal: maybe,
  labels: none,
  guidance: none,
  onStep: none,
};
const input = new Float32Array(new SharedArrayBuffer(28 * 28 * 4));
const results = [
  await sampler.sample(drawing),
  await unet.predict(input, { count: 1, levels: none, labels: none }),
  await trainer.readLosses(),
  state.corrections,
];
for (const map of [await unet.getParameters(), await trainer.getGradients(), state.moment1, state.moment2])
  results.push(...map.values());
for await (const step of sampler.run({ steps: 5 })) results.push(step.input, step.prediction, step.x);
const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
const buffer = device.createBuffer({ size: 4 * 28 * 28, usage });
for (const result of results) device.queue.writeBuffer(buffer, 0, result);
const mixed = await loadIdx([new URL('https://images.example'), new Blob(), new Uint8Array(4)]);
export const blob: Blob = new Blob([...results, images.images, mixed.images]);
const shared = await loadIdx(new Uint8Array(new SharedArrayBuffer(4)));
await engine.createDataset(shared);
trainer.setState(state);
await unet.setParameters(loadModel(file).parameters);
await saveModel(unet, { dtype: none, objective: none });
const { config } = unet;
exportOnnx({ config, parameters: await unet.getParameters(), objective: trainer.config.objective });
await trainer.evaluate(images, { seed: none, binarize: none, signal: maybe });

const part = { buffer, offset: 256, size: none };
const batch = { noisy: buffer, target: part, levels: none, count: none };
await trainer.runFor(() => batch, { milliseconds: 4, signal: maybe });
// @ts-expect-error: A batch has no such part.
await trainer.step({ noisy: buffer, target: buffer, clean: buffer });
// @ts-expect-error: A batch needs a target.
await trainer.step({ noisy: buffer });
const encoder = device.createCommandEncoder();
trainer.encodeStep(encoder, { noisy: buffer, target: part, levels: none }, { learningRate: none });
trainer.encodeForward(encoder, { input: buffer, output: buffer });
const update = { learningRate: none, clipNorm: none, weightDecay: none, loss: part };
trainer.encodeUpdate(encoder, update);
const predictor = await engine.createPredictor(unet, { count: none, variants: none });
predictor.encode(encoder, buffer, part);
const sizes = { batch: 1, height: 4, width: 4, inChannels: 1, outChannels: 1, kernelSize: 3 };
export const convolution: Conv2d = await engine.createConv2d(sizes);

const format = navigator.gpu.getPreferredCanvasFormat();
const painter = await engine.createPainter({ height: 28, width: 28, channels: 1, format });
declare const context: GPUCanvasContext;
context.configure({ device, format });
painter.encode(encoder, buffer, context.getCurrentTexture());
device.queue.submit([encoder.finish()]);

// @ts-expect-error: A buffer is no encoder.
predictor.encode(buffer, buffer, buffer);
// @ts-expect-error: An adapter is no device.
await createEngine({ device: adapter });
