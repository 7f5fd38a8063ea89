/** The forward and backward pass as lists of ops. */
import { describe, expect, test } from 'vitest';
import type { Op } from '../../../src/plan/op';
import { tensor } from '../../../src/plan/tensor';
import { backwardPass, planGradients } from '../../../src/unet/backward';
import { checkConfig, outChannelsOf, type UNetConfig } from '../../../src/unet/config';
import { type Choose, forwardPass } from '../../../src/unet/forward';
import { planWeights } from '../../../src/unet/weights';

const BATCH = 4;

function passes(config: Partial<UNetConfig>, choose?: Choose, keeps = false) {
  const full = checkConfig(config);
  const network = planWeights(full);
  const size = full.height * full.width * BATCH;
  const input = tensor('input', size * full.channels);
  const [pre, grad] = ['pre', 'grad'].map((name) => tensor(name, size * outChannelsOf(full)));
  const told = { levels: tensor('levels', BATCH), classes: tensor('classes', BATCH) };
  const forward = forwardPass(network, BATCH, input, pre, told, choose, keeps);
  const { ops } = forward;
  const { byLayer } = planGradients(network.all, BATCH, choose);
  const back = backwardPass(forward, BATCH, grad, byLayer, choose).ops;
  return {
    forward: ops.map(title).join('\n'),
    backward: back.map(title).join('\n'),
    ops: [...ops, ...back],
    given: [input, grad, ...(full.conditioning ? Object.values(told) : [])],
  };
}

const title = ({ kernel, layer }: Op) => `${kernel} ${layer}`;

/** Labels of what is read before anything has written it, weights apart. */
function readTooEarly({ ops, given }: ReturnType<typeof passes>): string[] {
  const written = new Set(given);
  const faults: string[] = [];
  for (const { shader, tensors } of ops.flatMap(({ calls }) => calls))
    for (const [name, t] of Object.entries(tensors)) {
      const isWeight = /(kernel|bias|transposed|conditioning\.\w+)$/.test(t.label);
      const whole = t.base ?? t;
      if (shader.bindings[name].access === 'read_write') written.add(whole);
      else if (!written.has(whole) && !isWeight) faults.push(`${shader.name} reads ${t.label}`);
    }
  return faults;
}

/** The form for one channel, where there is one. */
const fromOne: Choose = (kernel, layer) =>
  (kernel === 'conv2d' && layer === 'down.0') || (kernel === 'conv2d_grad_input' && layer.startsWith('up'))
    ? 'one_input'
    : undefined;

/** The ends of a network of two levels. */
const ofEnds: Choose = (kernel, layer) => (layer === 'up.0' ? undefined : fromOne(kernel, layer));

const small = { height: 4, width: 4, widths: [3, 5] };
const forward = `conv2d down.0
swish_max_pool down.0
conv2d down.1
swish down.1
conv2d up.0
swish_upsample_add up.0
conv2d up.1`;
const backward = `conv2d_grad_kernel up.1
conv2d_grad_input up.1
swish_upsample_grad up.0
conv2d_grad_kernel up.0
conv2d_grad_input up.0
swish_grad down.1
conv2d_grad_kernel down.1
conv2d_grad_input down.1
swish_max_pool_grad down.0
conv2d_grad_kernel down.0`;
const fusedForward = forward.replace('conv2d down.0\nswish_max_pool down.0', 'conv2d_pool down.0');
const fusedBackward = backward
  .replace('conv2d_grad_input up.1\nswish_upsample_grad up.0', 'conv2d_grad_upsample up.1')
  .replace('swish_max_pool_grad', 'conv2d_grad_pool');

describe('the passes of a network of two levels', () => {
  test('are one plain kernel after the other', () => {
    const plain = passes(small);
    expect(plain).toMatchObject({ forward, backward });
    expect(readTooEarly(plain)).toEqual([]);
    expect(readTooEarly({ ...plain, given: [] })).not.toEqual([]);
  });

  test('are fewer where kernels for one channel do the following pooling or upsampling, too', () => {
    const fused = passes(small, ofEnds);
    expect(fused).toMatchObject({ forward: fusedForward, backward: fusedBackward });
    expect(readTooEarly(fused)).toEqual([]);
  });
});

describe('the passes of a conditioned network', () => {
  const conditioning = { noiseLevel: true, classes: 10 };
  const begins = `embedding conditioning
conv2d conditioning.hidden
swish conditioning.hidden
conv2d conditioning.output
`;
  const ends = `
conv2d_grad_kernel conditioning.output
conv2d_grad_input conditioning.output
swish_grad conditioning.hidden
conv2d_grad_kernel conditioning.hidden`;
  /** The gradient of the bias for each image, where the gradient of a pre-activation is made. */
  const summed = (ops: string) =>
    ops.replace(/^(swish_.*_grad|swish_grad|conv2d_grad_pool) (\S+)$/gm, '$1 $2\nsum_pixels $2') + ends;

  test('begin with its conditioning, end with its gradient, and give all convolutions but the last a bias for each image', () => {
    const plain = passes({ ...small, channels: 2, outChannels: 3, conditioning });
    expect(plain).toMatchObject({ forward: begins + forward, backward: summed(backward) });
    const biased = plain.ops.filter(({ calls }) => calls.some(({ tensors }) => 'image_bias' in tensors));
    expect(biased.map(title)).toEqual(['conv2d down.0', 'conv2d down.1', 'conv2d up.0']);
    expect(readTooEarly(plain)).toEqual([]);
  });

  test('use fused kernels for one channel, too', () => {
    const fused = passes({ ...small, conditioning }, ofEnds);
    const upsampled = 'conv2d_grad_upsample up.1';
    expect(fused).toMatchObject({
      forward: begins + fusedForward,
      backward: summed(fusedBackward).replace(upsampled, `${upsampled}\nsum_pixels up.0`),
    });
    expect(readTooEarly(fused)).toEqual([]);
  });
});

describe('the passes of residual layers', () => {
  const config = { ...small, convolutionsPerLevel: [2, 3], residual: true };
  /** Which tensors beside its own a kernel has, by kernel and layer. */
  const residuals = ({ ops }: ReturnType<typeof passes>) =>
    Object.fromEntries(
      ops.flatMap((o) => {
        const names = Object.keys(o.calls[0].tensors).filter((name) => name.includes('residual'));
        return names.length > 0 ? [[title(o), names.join(' ')]] : [];
      }),
    );

  test('are the maps of other layers, with the input in the activations that follow, and its gradient in their gradients', () => {
    const plain = passes(config);
    expect(residuals(plain)).toEqual({
      'swish_max_pool down.0.1': 'residual',
      'swish down.1.1': 'residual',
      'swish down.1.2': 'residual',
      'swish up.0.1': 'residual',
      'swish_upsample_add up.0.2': 'residual skip_residual',
      'swish_upsample_grad up.0.2': 'grad_residual',
      'swish_grad up.0.1': 'grad_residual',
      'swish_grad up.0.0': 'grad_residual',
      'swish_grad down.1.2': 'grad_residual',
      'swish_grad down.1.1': 'grad_residual',
      'swish_grad down.1.0': 'grad_residual',
      'swish_max_pool_grad down.0.1': 'residual grad_residual',
      'swish_grad down.0.0': 'grad_residual',
    });
    expect(readTooEarly(plain)).toEqual([]);
    const without = passes({ ...config, residual: false });
    expect(without).toMatchObject({ forward: plain.forward, backward: plain.backward });
    expect(residuals(without)).toEqual({});
  });

  test('do not fuse the last convolution with upsampling, so as to keep the residual gradient', () => {
    const one = { ...config, convolutionsPerLevel: [1, 2] };
    const onlyLast: Choose = (kernel, layer) =>
      kernel === 'conv2d' || layer === 'up.1' ? fromOne(kernel, layer) : undefined;
    const fused = passes(one, onlyLast);
    expect(fused.forward).toMatch(/^conv2d_pool down.0$/m);
    expect(fused.backward).toMatch(/^conv2d_grad_input up.1\nswish_upsample_grad up.0.1$/m);
    expect(passes({ ...one, residual: false }, onlyLast).backward).toMatch(/^conv2d_grad_upsample up.1$/m);
  });
});

// The input gradient transforms the output gradient.
test.each([
  ['winograd7', 'winograd7', false, 3],
  ['winograd7', 'winograd7', true, 2],
  ['winograd7', 'winograd7_subgroups', true, 2],
  ['winograd7_gpu', 'winograd7_gpu', true, 2],
  ['winograd7_gpu', 'winograd7', true, 2],
  ['winograd7', 'winograd4', true, 3],
  ['direct', 'winograd4', true, 2],
])(
  'a layer’s input is transformed once for output and kernel gradient where both use the same tile and it is kept: %s, %s, %s',
  (output, gradient, keeps, transforms) => {
    const choose: Choose = (kernel, layer) =>
      layer !== 'down.1' ? undefined : kernel === 'conv2d' ? output : gradient;
    const lists = passes({ height: 14, width: 14, widths: [8, 16] }, choose, keeps);
    expect(readTooEarly(lists)).toEqual([]);
    const calls = lists.ops.filter(({ layer }) => layer === 'down.1').flatMap((o) => o.calls);
    expect(calls.filter(({ shader }) => /winograd\d_(gpu_)?input/.test(shader.name))).toHaveLength(
      transforms,
    );
  },
);

describe('the slices of kernel gradients', () => {
  const slicesOf = (config: Partial<UNetConfig>, choose?: Choose) => {
    const { all, byLayer } = planGradients(planWeights(checkConfig(config)).layers, BATCH, choose);
    const summed = passes(config, choose).ops.filter(({ calls }) =>
      calls.some(({ shader }) => shader.name === 'sum_slices'),
    );
    return {
      counts: byLayer.map(({ count }) => count),
      partial: byLayer.map(({ partial }) => partial),
      summed: summed.map(({ layer }) => layer),
      size: all.size,
    };
  };

  test('are added up by the norm’s kernel, where a layer has some', () => {
    const choose: Choose = (_, layer) => (layer === 'down.1' ? 'winograd7' : undefined);
    // A slice takes two of 14 rows, and one of 7.
    expect(slicesOf({ height: 14, width: 14, widths: [8, 16] }, choose)).toMatchObject({
      counts: [7, 1, 7, 7],
      partial: [true, false, true, true],
      summed: [],
    });
  });

  test('are added up at once where they would be too large a buffer', () => {
    const config = { height: 8, width: 8, widths: [512, 768] };
    expect(slicesOf({ ...config, kernelSize: 1 }).partial).toEqual([true, true, true, true]);
    const { size, ...large } = slicesOf({ ...config, kernelSize: 3 });
    expect(large).toMatchObject({ partial: [true, false, false, true], summed: ['up.0', 'down.1'] });
    expect(size).toBeLessThanOrEqual(2 ** 24);
  });
});

test('a network of one level has nothing to fuse with its convolutions', () => {
  expect(passes({ height: 4, width: 4, widths: [3] }, fromOne)).toMatchObject({
    forward: 'conv2d down.0\nswish down.0\nconv2d up.0',
    backward: 'conv2d_grad_kernel up.0\nconv2d_grad_input up.0\nswish_grad down.0\nconv2d_grad_kernel down.0',
  });
});
