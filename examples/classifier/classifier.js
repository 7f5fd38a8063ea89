// A custom network that recognizes digits: two convolutions and a dense layer, built from the engine's kernels.
import { createCrossEntropy } from './cross_entropy.js';
import { initialParameters, placesOf } from './parameters.js';

export const CLASSES = 10;

/** Images are [batch][side][side] of f32, labels [batch] of u32, in buffers with STORAGE and COPY_SRC, or parts of such: { buffer, offset }. */
export async function createClassifier(engine, { batch = 64, side = 28, channels = [8, 16], seed = 1 } = {}) {
  const { device } = engine;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const floats = (size) => device.createBuffer({ size: size * 4, usage });

  // Each layer's pre-activations and outputs, with the gradients of both.
  const layers = [];
  const add = async (size, inChannels, outChannels, kernelSize, pools) => {
    const shape = { batch, height: size, width: size };
    const convolution = await engine.createConv2d({ ...shape, inChannels, outChannels, kernelSize });
    const pre = floats(batch * size * size * outChannels);
    if (!pools) return layers.push({ convolution, pre });
    const activation = await engine.createActivation(
      { ...shape, channels: outChannels },
      { next: 'maxPool' },
    );
    const output = floats(pre.size / 16);
    const gradient = floats(pre.size / 16);
    layers.push({ convolution, activation, pre, preGradient: floats(pre.size / 4), output, gradient });
  };
  await add(side, 1, channels[0], 5, true);
  await add(side / 2, channels[0], channels[1], 3, true);
  // A dense layer: a convolution of images of one pixel, whose channels are all values of the layer before, in their order.
  await add(1, channels[1] * (side / 4) ** 2, CLASSES, 1, false);

  // All parameters in one buffer, and all gradients in another: each layer has a part, and Adam updates them all.
  const places = placesOf(layers.map(({ convolution }) => convolution.shape));
  const parameters = floats(places.size);
  const gradient = floats(places.size);
  device.queue.writeBuffer(parameters, 0, initialParameters(places, seed));
  const adam = await engine.createAdam(places.size);
  const loss = createCrossEntropy(device, batch, CLASSES);
  const logits = layers.at(-1).pre;
  layers.at(-1).preGradient = loss.gradient;
  const part = (buffer, i, name) => ({ buffer, offset: places.layers[i][name] * 4 });

  /** Records the forward pass of images, and adds loss and right answers to `score`. */
  const encodeForward = (encoder, images, labels) => {
    let input = images;
    for (const [i, { convolution, activation, pre, output }] of layers.entries()) {
      const kernel = part(parameters, i, 'kernel');
      const bias = part(parameters, i, 'bias');
      convolution.encodeForward(encoder, { input, kernel, bias, output: pre });
      activation?.encodeForward(encoder, { input: pre, output });
      input = output;
    }
    loss.encode(encoder, logits, labels);
  };

  /** Records a whole step. */
  const encodeStep = (encoder, images, labels, learningRate) => {
    encodeForward(encoder, images, labels);
    for (let i = layers.length - 1; i >= 0; i--) {
      const { convolution, activation, pre, preGradient, gradient: outputGradient } = layers[i];
      activation?.encodeBackward(encoder, { input: pre, outputGradient, inputGradient: preGradient });
      convolution.encodeBackward(encoder, {
        input: layers[i - 1]?.output ?? images,
        kernel: part(parameters, i, 'kernel'),
        outputGradient: preGradient,
        inputGradient: layers[i - 1]?.gradient, // images need none
        kernelGradient: part(gradient, i, 'kernel'),
        biasGradient: part(gradient, i, 'bias'),
      });
    }
    adam.encode(encoder, { parameters, gradient }, { learningRate });
  };

  return { batch, parameters, gradient, logits, score: loss.score, encodeForward, encodeStep };
}
