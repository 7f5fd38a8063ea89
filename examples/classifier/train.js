// Trains the classifier on most of the digits, and measures its accuracy on the others.
import { createClassifier } from './classifier.js';

/**
 * Trains for `epochs` epochs. `data` is { images, labels, count, height } with bytes; its first `heldOut` images are not trained on, and after
 * each epoch `onEpoch` is called with { epoch, loss, accuracy }, the accuracy on them. Resolves to the arguments of the last call. `heldOut`
 * is a multiple of the batch, the batch one of 64: a binding begins at a multiple of 256 bytes.
 */
export async function trainClassifier(
  engine,
  data,
  { epochs = 6, learningRate: highest = 4e-3, heldOut = 1024, batch = 64, onEpoch } = {},
) {
  const { device } = engine;
  const classifier = await createClassifier(engine, { batch, side: data.height });
  const pixels = data.height ** 2;
  const images = onGpu(
    device,
    Float32Array.from(data.images, (byte) => byte / 255),
  );
  const labels = onGpu(device, Uint32Array.from(data.labels));
  // A batch is a part of each buffer, so that nothing is copied.
  const batchAt = (i) => [
    { buffer: images, offset: i * batch * pixels * 4 },
    { buffer: labels, offset: i * batch * 4, size: batch * 4 },
  ];
  const asked = heldOut / batch;
  const trained = Math.floor(data.count / batch) - asked;
  const steps = epochs * trained;

  let result;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = shuffled(trained, epoch);
    for (const [i, at] of order.entries()) {
      const done = (epoch - 1) * trained + i;
      const learningRate = (highest / 2) * (1 + Math.cos((Math.PI * done) / steps)); // down to 0
      const encoder = device.createCommandEncoder();
      classifier.encodeStep(encoder, ...batchAt(asked + at), learningRate);
      device.queue.submit([encoder.finish()]);
      if (i % 16 === 15) await device.queue.onSubmittedWorkDone(); // or the queue would hold a whole epoch
    }
    const [loss] = await takeScore(device, classifier.score);
    for (let i = 0; i < asked; i++) {
      const encoder = device.createCommandEncoder();
      classifier.encodeForward(encoder, ...batchAt(i));
      device.queue.submit([encoder.finish()]);
    }
    const right = (await takeScore(device, classifier.score))[1];
    result = { epoch, loss: loss / (trained * batch), accuracy: right / heldOut };
    onEpoch?.(result);
  }
  return result;
}

/** Reads the two numbers of the score, and sets them to 0. */
export async function takeScore(device, score) {
  const staging = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(score, 0, staging, 0, 8);
  encoder.clearBuffer(score);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const numbers = [...new Float32Array(staging.getMappedRange())];
  staging.destroy();
  return numbers;
}

/** The numbers from 0 to count - 1, in an order that depends on the seed (Fisher and Yates). */
function shuffled(count, seed) {
  const order = Array.from({ length: count }, (_, i) => i);
  let state = seed;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function onGpu(device, values) {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: values.byteLength, usage });
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}
