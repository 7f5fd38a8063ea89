import { conv2dGradPool } from '../../src/kernels/conv2d_grad_pool';
import type { ConvShape } from '../../src/plan/conv_shape';
import { reference } from '../../src/reference/conv2d_grad_pool';
import { wideImage } from '../../src/reference/conv2d_pool';
import { spec as conv2d, convLayers } from './conv2d';
import { spec as conv2dGradInput } from './conv2d_grad_input';
import { towardsOneCases } from './conv2d_grad_upsample';
import { transposeKernel } from './lib/conv_layouts';
import { type Arrays, computeExpected, imageDims, type Spec, type TestRandom } from './lib/spec';
import { swishAt } from './swish';
import { spec as swishMaxPool } from './swish_max_pool';
import { spec as swishMaxPoolGrad } from './swish_max_pool_grad';

/** The map goes two ways: into pooling, and through the skip connection into a convolution. Both results, one after the other. */
const forward = {
  inputs: (shape: ConvShape, random: TestRandom): Arrays => {
    const { kernel, bias } = conv2d.inputs(shape, random);
    return { pre: swishMaxPool.inputs(wideImage(shape), random).input, kernel, bias };
  },
  reference: (shape: ConvShape, { pre, kernel, bias }: Arrays) => {
    const pooled = swishMaxPool.reference(wideImage(shape), { input: pre }).output;
    const input = Float64Array.from(pre, (z) => swishAt(z).value);
    const { output } = conv2d.reference(shape, { input, kernel, bias });
    return { both: Float64Array.of(...pooled, ...output) };
  },
};

export const spec: Spec<ConvShape, 'grad' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'> = {
  kernel: conv2dGradPool,
  cases: towardsOneCases,
  dims: (shape) => ({ grad_pre: imageDims(shape.inChannels, shape) }),
  inputs: (shape, random) => {
    const { pre, grad_output } = swishMaxPoolGrad.inputs(wideImage(shape), random);
    return { ...conv2dGradInput.inputs(shape, random), pre, grad_output };
  },
  reference,
  error: (shape, { grad, kernel, pre, grad_output }) => {
    const { grad_input } = computeExpected(conv2dGradInput, shape, { grad, kernel });
    const inputs = { pre, grad_output, grad: grad_input.values };
    const { error } = computeExpected(swishMaxPoolGrad, wideImage(shape), inputs).grad;
    // The convolution's error is multiplied by the slope, too.
    const further = grad_input.error!.map((e, i) => e * Math.abs(swishAt(pre[i]).slope));
    return { grad_pre: error!.map((e, i) => e + further[i]) };
  },
  bench: (batch) => ({ 'down.0': convLayers(batch)['up.2'] }),
  gradientOf: {
    forward,
    output: 'both',
    inputs: (shape, { pre, kernel }, _, cotangent) => {
      const pooled = conv2dGradPool.sizes(shape).grad_output;
      return {
        grad: cotangent.subarray(pooled),
        kernel: transposeKernel(shape, kernel),
        pre,
        grad_output: cotangent.subarray(0, pooled),
      };
    },
    wrt: { pre: { output: 'grad_pre' } },
  },
};
