/** A convolution by itself in jax-js: NCHW and OIHW, its own order, in which the values lie when the clock starts. */
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  type Array as NdArray,
  numpy as np,
  vjp,
} from '@jax-js/jax';
import type { ConvolutionCase, CreateConvolution } from './convolutions';

const convolve = (x: NdArray, kernel: NdArray, bias: NdArray) =>
  lax.convGeneralDilated(x, kernel, [1, 1], 'SAME').add(bias);

export async function createJaxConvolution(): Promise<CreateConvolution> {
  await init('webgpu');
  defaultDevice('webgpu');
  return async (given: ConvolutionCase) => {
    const { batch, height, width, inChannels, outChannels, kernelSize } = given;
    const images = (values: Float32Array, channels: number) =>
      np.transpose(np.array(values).reshape([batch, height, width, channels]), [0, 3, 1, 2]);
    const kernel = np.array(given.kernel).reshape([kernelSize, kernelSize, inChannels, outChannels]);
    const args = [
      images(given.input, inChannels),
      np.transpose(kernel, [3, 2, 0, 1]),
      np.array(given.bias).reshape([outChannels, 1, 1]),
    ] as const;
    const outputGradient = images(given.outputGradient, outChannels);
    // Transposed once and for all: what jax-js has not computed yet, it would compute with each use.
    const [x, k, b, g] = jit((...all: NdArray[]) => all.map((each) => each.mul(1)))(...args, outputGradient);
    await blockUntilReady([x.ref, k.ref, b.ref, g.ref]);
    const forward = jit(convolve);
    const both = jit((x1: NdArray, k1: NdArray, b1: NdArray, g1: NdArray): NdArray[] => {
      const [y, pull] = vjp(convolve, [x1, k1, b1]);
      return [y, ...(pull(g1) as unknown as NdArray[])];
    });
    const compute = (backward: boolean): NdArray[] =>
      backward ? both(x.ref, k.ref, b.ref, g.ref) : [forward(x.ref, k.ref, b.ref)];
    return {
      async run(backward) {
        const made = compute(backward);
        await blockUntilReady(made.map((each) => each.ref));
        for (const each of made) each.dispose();
      },
      async read() {
        const [y, dx, dk, db] = compute(true);
        const ordered = [
          np.transpose(y, [0, 2, 3, 1]),
          np.transpose(dx, [0, 2, 3, 1]),
          np.transpose(dk, [2, 3, 1, 0]),
          db,
        ];
        return Promise.all(ordered.map((each) => each.data()));
      },
      destroy() {
        for (const each of [x, k, b, g]) each.dispose();
      },
    };
  };
}
