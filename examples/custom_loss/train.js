// Steps with a custom loss, on the caller's buffers. `trainer` was created with customLoss: true.
import { createL1 } from './l1.js';

/** Trains for `steps` steps; `batches` are buffers { input, target } of trainer.batchSize images. Resolves to the losses. */
export async function trainWithL1(device, trainer, batches, steps) {
  const { height, width, channels } = trainer.unet.config;
  const values = trainer.batchSize * height * width * channels;
  const l1 = createL1(device, values);
  const output = device.createBuffer({
    size: values * 4,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  for (let step = 0; step < steps; step++) {
    const { input, target } = batches[step % batches.length];
    const encoder = device.createCommandEncoder();
    trainer.encodeForward(encoder, { input, output });
    encoder.clearBuffer(l1.loss);
    l1.encode(encoder, output, target);
    trainer.encodeBackward(encoder, { outputGradient: l1.gradient });
    trainer.encodeUpdate(encoder, { loss: l1.loss, learningRate: rateOf(step), clipNorm: 1 });
    device.queue.submit([encoder.finish()]);
  }
  const losses = await trainer.readLosses(steps);
  for (const buffer of [output, l1.gradient, l1.loss]) buffer.destroy();
  return losses;
}

/** A step on several batches as if they were one, which would not fit the memory. Resolves to its loss. */
export async function stepOnAll(device, trainer, batches) {
  const { height, width, channels } = trainer.unet.config;
  const values = trainer.batchSize * height * width * channels;
  const l1 = createL1(device, values, batches.length);
  const output = device.createBuffer({
    size: values * 4,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  for (const [i, { input, target }] of batches.entries()) {
    trainer.encodeForward(encoder, { input, output });
    l1.encode(encoder, output, target);
    trainer.encodeBackward(encoder, { outputGradient: l1.gradient, accumulate: i > 0 });
  }
  trainer.encodeUpdate(encoder, { loss: l1.loss });
  device.queue.submit([encoder.finish()]);
  const [loss] = await trainer.readLosses();
  for (const buffer of [output, l1.gradient, l1.loss]) buffer.destroy();
  return loss;
}

/** A custom schedule: up, then down. */
const rateOf = (step) => 3e-3 * Math.min((step + 1) / 10, Math.sqrt(10 / (step + 1)));
