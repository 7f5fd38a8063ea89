import { defined } from '../base/errors';
import { type ConvShape, NO_BIASES } from '../plan/conv_shape';
import type { Kernel, Variant } from '../plan/op';
import {
  convFlops,
  convolutions,
  convSizes,
  type OneInputShaders,
  oneInputCall,
  oneInputRequirements,
  type PatchForm,
} from './conv2d';

type TensorName = 'grad' | 'kernel' | 'grad_input';

/** The convolution of the output's gradient that gives the input's: with flipped taps, as pack_weights writes them, and without biases. */
const turned = ({ imageBias: _, ...shape }: ConvShape): ConvShape => ({
  ...shape,
  inChannels: shape.outChannels,
  outChannels: shape.inChannels,
});

const inputGradient = ({
  caches: _,
  ...variant
}: (typeof convolutions)[string]): Variant<ConvShape, TensorName> => {
  const of = <T>(property: ((shape: ConvShape) => T) | undefined) =>
    property && ((shape: ConvShape) => property(turned(shape)));
  const { refuses, wastesLanes, scratch } = variant;
  return {
    ...variant,
    ...defined({ refuses: of(refuses), wastesLanes: of(wastesLanes), scratch: of(scratch) }),
    calls: (shape, { grad, kernel, grad_input }, scratch) =>
      variant.calls(turned(shape), { input: grad, kernel, output: grad_input }, scratch),
  };
};

/** The one_input form of a kernel that is fused with an input gradient. */
export const oneInputGradient = <Name extends string>(
  form: PatchForm,
  shaders: OneInputShaders<Exclude<Name, 'grad'> | 'input'>,
): Variant<ConvShape, Name | 'grad'> => {
  const { refuses, ...requirements } = oneInputRequirements(form);
  return {
    ...requirements,
    refuses: (shape) => refuses(turned(shape)),
    calls: (shape, { grad, ...tensors }) => [
      oneInputCall(form, shaders, turned(shape), { ...tensors, input: grad }, NO_BIASES),
    ],
  };
};

/** The gradient of a convolution's input. The shape is the forward convolution's. */
export const conv2dGradInput: Kernel<ConvShape, TensorName> = {
  name: 'conv2d_grad_input',
  sizes: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { grad: output, kernel: backwardKernel, grad_input: input };
  },
  cost: (shape) => {
    const { input, output, backwardKernel } = convSizes(shape);
    return { flops: convFlops(shape), bytes: 4 * (input + output + backwardKernel) };
  },
  variants: Object.fromEntries(
    Object.entries(convolutions).map(([name, variant]) => [name, inputGradient(variant)]),
  ),
};
