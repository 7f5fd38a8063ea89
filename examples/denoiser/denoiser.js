// A network that removes noise from images: convolutions at full size, max pooling, a convolution at half size, upsampling.
import { initialParameters, placesOf } from '../classifier/parameters.js';
import { createL1 } from '../custom_loss/l1.js';

/** The kernels in forward order, and the number of values that each makes. */
async function createKernels(engine, { batch, side, channels }) {
  const full = { batch, height: side, width: side };
  const half = { batch, height: side / 2, width: side / 2 };
  const kernels = await Promise.all([
    engine.createConv2d({ ...full, inChannels: 1, outChannels: channels, kernelSize: 5 }),
    engine.createActivation({ ...full, channels }),
    engine.createPooling({ ...full, channels }),
    engine.createConv2d({ ...half, inChannels: channels, outChannels: channels, kernelSize: 3 }),
    engine.createActivation({ ...half, channels }),
    engine.createUpsampling({ ...half, channels }),
    engine.createConv2d({ ...full, inChannels: channels, outChannels: 1, kernelSize: 5 }),
  ]);
  const images = batch * side ** 2;
  const atFull = images * channels;
  const atHalf = (images / 4) * channels;
  return { kernels, sizes: [atFull, atFull, atHalf, atHalf, atHalf, atFull, images] };
}

/** Images are [batch][side][side] of f32, in buffers with STORAGE, COPY_SRC and COPY_DST. */
export async function createDenoiser(engine, { batch = 64, side = 28, channels = 16, seed = 1 } = {}) {
  const { device } = engine;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const floats = (size) => device.createBuffer({ size: size * 4, usage });

  const { kernels, sizes } = await createKernels(engine, { batch, side, channels });
  const upsampling = kernels.at(-2);
  const places = placesOf(kernels.flatMap(({ shape }) => (shape.kernelSize ? [shape] : [])));
  const parameters = floats(places.size);
  const gradient = floats(places.size);
  device.queue.writeBuffer(parameters, 0, initialParameters(places, seed));
  let convolutions = 0;
  const layers = kernels.map((kernel, i) => ({
    kernel,
    place: kernel.shape.kernelSize && places.layers[convolutions++],
    output: floats(sizes[i]),
    outputGradient: floats(sizes[i]),
  }));
  const { output } = layers.at(-1);
  const loss = createL1(device, sizes.at(-1));
  layers.at(-1).outputGradient = loss.gradient;
  const adam = await engine.createAdam(places.size);
  const part = (buffer, offset) => ({ buffer, offset: offset * 4 });

  /** Records the forward pass of noisy images, to `output`. */
  const encodeForward = (encoder, noisy) => {
    let input = noisy;
    for (const { kernel, place, output } of layers) {
      const weights = place && { kernel: part(parameters, place.kernel), bias: part(parameters, place.bias) };
      kernel.encodeForward(encoder, { input, ...weights, output });
      input = output;
    }
  };

  /** Records a step towards the clean images. Adds the mean absolute error to `loss`. */
  const encodeStep = (encoder, noisy, clean, learningRate) => {
    encodeForward(encoder, noisy);
    loss.encode(encoder, output, clean);
    for (let i = layers.length - 1; i >= 0; i--) {
      const { kernel, place, outputGradient } = layers[i];
      const { output: input = noisy, outputGradient: inputGradient } = layers[i - 1] ?? {};
      const weights = place && {
        kernel: part(parameters, place.kernel),
        kernelGradient: part(gradient, place.kernel),
        biasGradient: part(gradient, place.bias),
      };
      kernel.encodeBackward(encoder, {
        ...(kernel !== upsampling && { input }), // whose gradient does not depend on it
        ...weights,
        outputGradient,
        inputGradient, // images need none
      });
    }
    adam.encode(encoder, { parameters, gradient }, { learningRate });
  };

  return { batch, parameters, gradient, output, loss: loss.loss, encodeForward, encodeStep };
}
