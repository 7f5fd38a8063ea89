/** A program that leaves WebGPU to the engine: it compiles also where nothing declares WebGPU. */
import {
  type Activation,
  createEngine,
  type EngineOptions,
  loadModel,
  recipes,
  saveModel,
  type TrainingEvent,
} from 'webgpu-diffusion';
import { loadDigitLabels, loadDigits } from 'webgpu-diffusion/digits';
import { installWebGPU } from 'webgpu-diffusion/node';
import { exportOnnx } from 'webgpu-diffusion/onnx';
import { loadPretrained } from 'webgpu-diffusion/pretrained';
import { loadClassifier } from 'webgpu-diffusion/quality';
import { createPictureTexture, deviceOf, type RendererLike, type ThreeTexture } from 'webgpu-diffusion/three';
import { createWorkerClient, serve } from 'webgpu-diffusion/worker';

await installWebGPU();
// What is missing may be undefined.
const options: EngineOptions = { powerPreference: 'low-power', tune: undefined, variants: undefined };
using engine = await createEngine(options);
const model = await loadPretrained('digits');
const unet = await engine.createUNet(model.config, { seed: undefined });
await unet.setParameters(model.parameters);
const dataset = await engine.createDataset({ ...(await loadDigits()), labels: await loadDigitLabels() });
const trainer = await engine.createTrainer(unet, { ...recipes.digits.trainer, clipNorm: undefined });
for await (const event of trainer.fit(dataset, { epochs: 1, signal: undefined })) {
  const { loss }: TrainingEvent = event;
  console.log(loss.toFixed(3));
}
const sampler = await engine.createSampler(unet, { count: 4 });
const images: Float32Array = await sampler.sample({ ...recipes.digits.sampling, labels: [2, 0, 2, 6] });
export const blob: Blob = new Blob([
  await saveModel(unet),
  exportOnnx(model),
  images as Float32Array<ArrayBuffer>,
]);
const { probabilities } = (await loadClassifier()).classify(images, 4);
export const first: number = probabilities[0]!;
export const again: Float32Array | undefined = loadModel(new Uint8Array()).parameters.get('down.0.kernel');
const kept = await trainer.checkpoint({ fit: recipes.digits.fit, images: await loadDigits() });
export const { fit } = await engine.resume(kept, { images: await loadDigits() });

const shape = { batch: 1, height: 4, width: 4, channels: 1 };
export const activation: Activation = await engine.createActivation(shape);

// The other entries take what this one makes.
declare const renderer: RendererLike;
declare const ExternalTexture: new (source: object) => ThreeTexture & { name: string };
const beside = await createEngine({ device: await deviceOf(renderer) });
const picture = await createPictureTexture(beside, ExternalTexture, { height: 28, width: 28, channels: 1 });
export const name: string = picture.texture.name;
const { port1, port2 } = new MessageChannel();
serve(port1, { images: loadDigits, engine: options });
using client = createWorkerClient(port2);
await client.begin({
  images: await loadDigits(),
  network: model.config,
  fit: { epochs: 1, seed: undefined },
});
await client.load(model);
const { loss: last, step } = await client.start({ signal: undefined });
export const rest: [number | undefined, number] = [last, step];

// @ts-expect-error: Were the types lost, everything would be allowed.
await engine.createUNet({ wids: [32] });
// @ts-expect-error: The same of results.
export const wrong: string = images;
