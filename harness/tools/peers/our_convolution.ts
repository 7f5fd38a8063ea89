/** A convolution by itself of ours, in buffers of NHWC. */
import { readBuffer } from '../../../src/gpu/staging';
import type { Engine } from '../../../src/index';
import type { CreateConvolution } from './convolutions';

export const ourConvolution =
  (engine: Engine): CreateConvolution =>
  async ({ input, kernel, bias, outputGradient, ...shape }) => {
    const { device } = engine;
    const convolution = await engine.createConv2d(shape);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const bufferOf = (values: Float32Array<ArrayBuffer>) => {
      const buffer = device.createBuffer({ size: values.byteLength, usage });
      device.queue.writeBuffer(buffer, 0, values);
      return buffer;
    };
    const empty = (like: Float32Array) => device.createBuffer({ size: like.byteLength, usage });
    const given = [input, kernel, bias, outputGradient] as Float32Array<ArrayBuffer>[];
    const [x, k, b, g] = given.map(bufferOf);
    const made = [outputGradient, input, kernel, bias].map(empty);
    const [output, inputGradient, kernelGradient, biasGradient] = made;
    const gradients = { inputGradient, kernelGradient, biasGradient };
    return {
      async run(backward) {
        const encoder = device.createCommandEncoder();
        convolution.encodeForward(encoder, { input: x, kernel: k, bias: b, output });
        if (backward)
          convolution.encodeBackward(encoder, { input: x, kernel: k, outputGradient: g, ...gradients });
        device.queue.submit([encoder.finish()]);
        await device.queue.onSubmittedWorkDone();
      },
      async read() {
        const results: Float32Array[] = [];
        for (const buffer of made)
          results.push(new Float32Array(await readBuffer(engine.gpu, buffer, buffer.size / 4)));
        return results;
      },
      destroy() {
        convolution.destroy();
        for (const buffer of [x, k, b, g, ...made]) buffer.destroy();
      },
    };
  };
