/** A program with a device of its own. */
import { createEngine, requestDevice, requirements } from 'webgpu-diffusion';

const adapter = await navigator.gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
const requiredFeatures = requirements.optionalFeatures.filter((feature) => adapter.features.has(feature));
const device = await adapter.requestDevice({ requiredFeatures });
using engine = await createEngine({ device });
export const own: GPUDevice = engine.device;
export const other: GPUDevice = (await requestDevice(navigator.gpu, { powerPreference: 'low-power' })).device;

const unet = await engine.createUNet();
const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
const buffer = device.createBuffer({ size: 4 * 28 * 28, usage });
const predictor = await engine.createPredictor(unet, { count: 1 });
const trainer = await engine.createTrainer(unet, { batchSize: 1, customLoss: true });
const encoder = device.createCommandEncoder();
predictor.encode(encoder, buffer, { buffer, offset: 0, size: undefined });
trainer.encodeForward(encoder, { input: buffer, output: buffer });
device.queue.submit([encoder.finish()]);

const format = navigator.gpu.getPreferredCanvasFormat();
const painter = await engine.createPainter({ height: 28, width: 28, channels: 1, format });
declare const context: GPUCanvasContext;
context.configure({ device, format });
painter.encode(encoder, buffer, context.getCurrentTexture());

// @ts-expect-error: A buffer is no encoder.
predictor.encode(buffer, buffer, buffer);
// @ts-expect-error: An adapter is no device.
await createEngine({ device: adapter });
