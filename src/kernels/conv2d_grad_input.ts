import fromOneShader from '../../shaders/conv2d_grad_input.from_one.wgsl';
import fromOneSingle from '../../shaders/conv2d_grad_input.from_one_single.wgsl';
import fromOneSubgroups from '../../shaders/conv2d_grad_input.from_one_subgroups.wgsl';
import tileShader from '../../shaders/conv2d_grad_input.tile.wgsl';
import shader from '../../shaders/conv2d_grad_input.wgsl';
import winogradOutput from '../../shaders/conv2d_grad_input.winograd_output.wgsl';
import winogradOutput7 from '../../shaders/conv2d_grad_input.winograd7_output.wgsl';
import winogradOutput7Rows from '../../shaders/conv2d_grad_input.winograd7_rows_output.wgsl';
import winogradOutput8 from '../../shaders/conv2d_grad_input.winograd8_output.wgsl';
import winogradOutput8Rows from '../../shaders/conv2d_grad_input.winograd8_rows_output.wgsl';
import { call, type Kernel, type Variant } from '../plan/op';
import {
  betterSmaller,
  convolutionCalls,
  convolutionScratch,
  F4,
  F4_SUBGROUPS,
  F7,
  F7_ROWS,
  F7_SUBGROUPS,
  F8,
  F8_ROWS,
  F8_SUBGROUPS,
  type Form,
  featuresOf,
  idleProduct,
  refusesWinograd,
} from '../winograd';
import {
  type ConvShape,
  convFlops,
  convSizes,
  directLaunch,
  type FromOne,
  featuresFromOne,
  fromOneLaunch,
  idlesByPatches,
  padChannels,
  refusesFromOne,
  refusesTile,
  tileLaunch,
} from './conv2d';

type TensorName = 'grad' | 'kernel' | 'grad_input';

const winograd = (form: Form, last: typeof winogradOutput): Variant<ConvShape, TensorName> => ({
  features: featuresOf(form),
  idles: (shape) => betterSmaller(form, shape) || idleProduct(form, padChannels(shape.inChannels)),
  refuses: (shape) => refusesWinograd(form, shape, shape.outChannels, padChannels(shape.inChannels)),
  scratch: (shape) => convolutionScratch(form, shape, shape.outChannels, padChannels(shape.inChannels)),
  calls: (shape, { grad, kernel, grad_input }, scratch) => {
    const channels = {
      from: shape.outChannels,
      to: shape.inChannels,
      toPadded: padChannels(shape.inChannels),
    };
    return convolutionCalls(form, shape, channels, { input: grad, kernel }, scratch, (params, items) =>
      call(last, params, { freqs: scratch.products, output: grad_input }, items),
    );
  },
});

const fromOne = (form: FromOne, shader: typeof fromOneShader): Variant<ConvShape, TensorName> => ({
  features: featuresFromOne(form),
  refuses: (shape) => refusesFromOne(shape, shape.outChannels, 'output'),
  idles: (shape) => idlesByPatches(shape, form, shader),
  calls: (shape, { grad, kernel, grad_input }) => {
    const { params, items } = fromOneLaunch(shape, shape.inChannels, form);
    const tensors = { input: grad, kernel, output: grad_input };
    return [call(shader, params, tensors, items)];
  },
});

const tile: Variant<ConvShape, TensorName> = {
  refuses: refusesTile,
  calls: (shape, { grad, kernel, grad_input }) => {
    const { params, items } = tileLaunch(shape, shape.outChannels, shape.inChannels);
    return [call(tileShader, params, { input: grad, kernel, output: grad_input }, items)];
  },
};

/** Its shape is that of the forward convolution. */
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
  variants: {
    direct: {
      calls: (shape, { grad, kernel, grad_input }) => {
        const { params, items } = directLaunch(shape, shape.outChannels, shape.inChannels);
        return [call(shader, params, { input: grad, kernel, output: grad_input }, items)];
      },
    },
    from_one: fromOne('plain', fromOneShader),
    from_one_single: fromOne('single', fromOneSingle),
    from_one_subgroups: fromOne('subgroups', fromOneSubgroups),
    tile,
    winograd: winograd(F4, winogradOutput),
    winograd_subgroups: winograd(F4_SUBGROUPS, winogradOutput),
    winograd7: winograd(F7, winogradOutput7),
    winograd7_rows: winograd(F7_ROWS, winogradOutput7Rows),
    winograd7_subgroups: winograd(F7_SUBGROUPS, winogradOutput7),
    winograd8: winograd(F8, winogradOutput8),
    winograd8_rows: winograd(F8_ROWS, winogradOutput8Rows),
    winograd8_subgroups: winograd(F8_SUBGROUPS, winogradOutput8),
  },
};
