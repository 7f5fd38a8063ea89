/** The backward pass as a list of ops: the forward list read from its end. */

import { type Op, op, type Tensor, tensor, view } from '../kernel';
import { conv2dGradInput } from '../kernels/conv2d_grad_input';
import { conv2dGradKernel } from '../kernels/conv2d_grad_kernel';
import { maxPoolGrad } from '../kernels/max_pool_grad';
import { swishGrad } from '../kernels/swish_grad';
import { upsampleGrad } from '../kernels/upsample_grad';
import type { Parameter } from './config';
import type { Choose, Stage } from './forward';

/**
 * From `outputGrad`, dL/d(output of the last stage), to `gradient`, laid out like the flat parameter buffer. Overwrites
 * `outputGrad`.
 */
export function backwardPass(
  stages: readonly Stage[],
  parameters: readonly Parameter[],
  batch: number,
  outputGrad: Tensor,
  gradient: Tensor,
  choose: Choose = () => undefined,
): Op[] {
  const levels = stages.length / 2;
  const ops: Op[] = [];
  const skipGrads: Tensor[] = [];
  let grad = outputGrad;
  for (let i = stages.length - 1; i >= 0; i--) {
    const { layer, weights, input, pre, output } = stages[i];
    const { name, height, width, inChannels, outChannels } = layer;

    // What came back to this layer's output, through pooling (and the skip connection) or upsampling.
    if (i < levels - 1) {
      const skipGrad = skipGrads.pop()!;
      const shape = { channels: outChannels, height, width, batch };
      ops.push(op(maxPoolGrad, name, shape, { input: output, grad_output: grad, grad_input: skipGrad }));
      grad = skipGrad;
    } else if (i >= levels && i < stages.length - 1) {
      const low = tensor(`${name} output gradient`, outChannels * height * width * batch);
      ops.push(
        op(
          upsampleGrad,
          name,
          { channels: outChannels, height, width, batch },
          { grad_output: grad, grad_input: low },
        ),
      );
      skipGrads.push(grad);
      grad = low;
    }
    if (layer.activation === 'swish') {
      ops.push(op(swishGrad, name, { elements: outChannels * height * width * batch }, { pre, grad }));
    }

    const shape = { ...layer, batch };
    const kernel = parameters[2 * i];
    const bias = parameters[2 * i + 1];
    const layerGradient = view(gradient, `${name} gradient`, kernel.offset, kernel.size + bias.size);
    ops.push(
      op(
        conv2dGradKernel,
        name,
        shape,
        { input, grad, gradient: layerGradient },
        choose('conv2d_grad_kernel', name),
      ),
    );
    if (i > 0) {
      const inputGrad = tensor(`${name} input gradient`, inChannels * height * width * batch);
      ops.push(
        op(
          conv2dGradInput,
          name,
          shape,
          { grad, kernel: weights.backward, grad_input: inputGrad },
          choose('conv2d_grad_input', name),
        ),
      );
      grad = inputGrad;
    }
  }
  return ops;
}
