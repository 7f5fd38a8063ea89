// Trains the denoiser on most of the digits, and applies it to the others.
import { createDenoiser } from './denoiser.js';

/** Standard deviation of the noise; ink is 1, paper 0. */
const NOISE = 0.5;

/**
 * Trains for `steps` batches. `data` is { images, count, height } with bytes; the first batch is not trained on. Calls `onProgress` with
 * { step, error } now and then; `error` is the mean absolute error of the steps since the last call. Resolves to the first batch: { noisy,
 * clean, denoised }, each [batch][side][side], 0 to 1 except for noise and errors.
 */
export async function trainDenoiser(
  engine,
  data,
  { steps = 600, learningRate: highest = 4e-3, batch = 64, every = 20, channels, onProgress } = {},
) {
  const { device } = engine;
  const pixels = data.height ** 2;
  const denoiser = await createDenoiser(engine, { batch, side: data.height, channels });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [noisy, clean] = [0, 1].map(() => device.createBuffer({ size: batch * pixels * 4, usage }));
  const load = (i) => {
    const bytes = data.images.subarray(i * batch * pixels, (i + 1) * batch * pixels);
    const images = Float32Array.from(bytes, (byte) => byte / 255);
    const withNoise = images.map((value) => value + NOISE * normal());
    device.queue.writeBuffer(clean, 0, images);
    device.queue.writeBuffer(noisy, 0, withNoise);
    return { clean: images, noisy: withNoise };
  };

  const trained = Math.floor(data.count / batch) - 1;
  for (let step = 1; step <= steps; step++) {
    load(1 + ((step - 1) % trained));
    const learningRate = (highest / 2) * (1 + Math.cos((Math.PI * (step - 1)) / steps)); // down to 0
    const encoder = device.createCommandEncoder();
    denoiser.encodeStep(encoder, noisy, clean, learningRate);
    device.queue.submit([encoder.finish()]);
    if (step % every !== 0) continue;
    const [sum] = await read(device, denoiser.loss, { clear: true });
    onProgress?.({ step, error: sum / every });
  }
  const first = load(0);
  const encoder = device.createCommandEncoder();
  denoiser.encodeForward(encoder, noisy);
  device.queue.submit([encoder.finish()]);
  return { ...first, denoised: await read(device, denoiser.output) };
}

/** A number of a normal distribution (Box and Muller). */
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

/** Reads a buffer of f32, and then sets it to 0 on request. */
async function read(device, buffer, { clear = false } = {}) {
  const { size } = buffer;
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  if (clear) encoder.clearBuffer(buffer);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange()).slice();
  staging.destroy();
  return values;
}
