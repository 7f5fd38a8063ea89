/** A program that leaves WebGPU to the engine: it compiles also where nothing declares WebGPU. */
import { type Activation, createEngine, type EngineOptions, recipes } from 'webgpu-diffusion';
import { loadDigitLabels, loadDigits } from 'webgpu-diffusion/digits';
import { fingerprintImages } from 'webgpu-diffusion/files';
import { installWebGPU } from 'webgpu-diffusion/node';
import { exportOnnx } from 'webgpu-diffusion/onnx';
import { loadPretrained } from 'webgpu-diffusion/pretrained';
import { createPictureTexture, deviceOf, type RendererLike, type ThreeTexture } from 'webgpu-diffusion/three';
import { connect, createSession, expose } from 'webgpu-diffusion/worker';

await installWebGPU();
const options: EngineOptions = { powerPreference: 'low-power', tune: undefined };
using engine = await createEngine(options);
const model = await loadPretrained('digits');
const unet = await engine.createUNet(model.config);
const digits = { ...(await loadDigits()), labels: await loadDigitLabels() };
const trainer = await engine.createTrainer(unet, recipes.digits.trainer);
for await (const { loss } of trainer.fit(await engine.createDataset(digits), { epochs: 1 })) loss.toFixed(3);
const sampler = await engine.createSampler(unet, { count: 4 });
const images: Float32Array = await sampler.sample({ ...recipes.digits.sampling, labels: [2, 0, 2, 6] });
export const blob: Blob = new Blob([exportOnnx(model), images as Float32Array<ArrayBuffer>]);
export const first: number = images[0]!;
export const { fnv1a } = fingerprintImages(digits);
const shape = { batch: 1, height: 4, width: 4, channels: 1 };
export const activation: Activation = await engine.createActivation(shape);

// The other entries take what this one makes.
declare const renderer: RendererLike;
declare const ExternalTexture: new (source: object) => ThreeTexture & { name: string };
const beside = await createEngine({ device: await deviceOf(renderer) });
const picture = await createPictureTexture(beside, ExternalTexture, { height: 28, width: 28, channels: 1 });
export const name: string = picture.texture.name;
const { port1, port2 } = new MessageChannel();
const inWorker = createSession({ images: loadDigits, engine: options });
const half = (value: number) => inWorker.turn('answer', ({ trainer }) => [trainer?.batchSize, value / 2]);
expose(port1, inWorker, { half });
using session = connect<{ calls: { half: typeof half }; events: { seen: string } }>(port2);
await session.begin({ images: digits, network: model.config, fit: { epochs: 1, seed: undefined } });
await session.load(model);
session.on('seen', (text) => text.toUpperCase());
session.on('stored', ({ id }) => id.toUpperCase());
for await (const { step, loss } of session.train({ signal: undefined })) if (loss) loss.toFixed(step);
const [size, halved] = await session.half(5);
const { loss, step } = await session.pause();
export const last: (number | undefined)[] = [loss, step, size, halved];

// @ts-expect-error: Were the types lost, everything would be allowed.
await engine.createUNet({ wids: [32] });
// @ts-expect-error: The same of results.
export const wrong: string = images;
