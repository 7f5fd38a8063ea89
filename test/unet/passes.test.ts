/** The forward and backward pass as lists of ops. */
import { describe, expect, test } from 'vitest';
import { type Op, tensor } from '../../src/kernel';
import { backwardPass } from '../../src/unet/backward';
import { checkConfig, type UNetConfig } from '../../src/unet/config';
import { type Choose, forwardPass } from '../../src/unet/forward';
import { planWeights } from '../../src/unet/weights';

const BATCH = 4;

function passes(config: Partial<UNetConfig>, choose?: Choose) {
  const { height, width, channels, ...full } = checkConfig(config);
  const { layers, weights, parameters, flat } = planWeights({ height, width, channels, ...full });
  const size = height * width * channels * BATCH;
  const [input, pre, grad] = ['input', 'pre', 'grad'].map((name) => tensor(name, size));
  const { ops, stages } = forwardPass(layers, weights, BATCH, input, pre, choose);
  const back = backwardPass(stages, parameters, BATCH, grad, tensor('gradient', flat.size), choose);
  return { forward: ops.map(title), backward: back.map(title), ops: [...ops, ...back], given: [input, grad] };
}

const title = ({ kernel, layer }: Op) => `${kernel} ${layer}`;

/** Labels of what is read before anything has written it, weights apart. */
function readTooEarly({ ops, given }: ReturnType<typeof passes>): string[] {
  const written = new Set(given);
  const faults: string[] = [];
  for (const { shader, tensors } of ops.flatMap(({ calls }) => calls))
    for (const [name, t] of Object.entries(tensors)) {
      const isWeight = /(kernel|bias|transposed)$/.test(t.label);
      if (shader.bindings[name].access === 'read_write') written.add(t);
      else if (!written.has(t) && !isWeight) faults.push(`${shader.name} reads ${t.label}`);
    }
  return faults;
}

/** The form for one channel, where there is one. */
const fromOne: Choose = (kernel, layer) =>
  (kernel === 'conv2d' && layer === 'down.0') || (kernel === 'conv2d_grad_input' && layer.startsWith('up'))
    ? 'from_one'
    : undefined;

describe('two levels', () => {
  const plain = passes({ height: 4, width: 4, widths: [3, 5] });
  const fused = passes({ height: 4, width: 4, widths: [3, 5] }, (kernel, layer) =>
    layer === 'up.0' ? undefined : fromOne(kernel, layer),
  );

  test('one kernel after the other', () => {
    expect(plain.forward).toEqual([
      'conv2d down.0',
      'swish_max_pool down.0',
      'conv2d down.1',
      'swish down.1',
      'conv2d up.0',
      'swish_upsample_add up.0',
      'conv2d up.1',
    ]);
    expect(plain.backward).toEqual([
      'conv2d_grad_kernel up.1',
      'conv2d_grad_input up.1',
      'swish_upsample_grad up.0',
      'conv2d_grad_kernel up.0',
      'conv2d_grad_input up.0',
      'swish_grad down.1',
      'conv2d_grad_kernel down.1',
      'conv2d_grad_input down.1',
      'swish_max_pool_grad down.0',
      'conv2d_grad_kernel down.0',
    ]);
  });

  test('forms for one channel take over what follows', () => {
    expect(fused.forward).toEqual([
      'conv2d_pool down.0',
      'conv2d down.1',
      'swish down.1',
      'conv2d up.0',
      'swish_upsample_add up.0',
      'conv2d up.1',
    ]);
    expect(fused.backward).toEqual([
      'conv2d_grad_kernel up.1',
      'conv2d_grad_upsample up.1',
      'conv2d_grad_kernel up.0',
      'conv2d_grad_input up.0',
      'swish_grad down.1',
      'conv2d_grad_kernel down.1',
      'conv2d_grad_input down.1',
      'conv2d_grad_pool down.0',
      'conv2d_grad_kernel down.0',
    ]);
  });

  test('nothing is read before it is written', () => {
    expect(readTooEarly(plain)).toEqual([]);
    expect(readTooEarly(fused)).toEqual([]);
    expect(readTooEarly({ ...fused, given: [] })).not.toEqual([]);
  });
});

test('without a level below there is nothing to fuse with', () => {
  const { forward, backward } = passes({ height: 4, width: 4, widths: [3] }, fromOne);
  expect(forward).toEqual(['conv2d down.0', 'swish down.0', 'conv2d up.0']);
  expect(backward).toEqual([
    'conv2d_grad_kernel up.0',
    'conv2d_grad_input up.0',
    'swish_grad down.0',
    'conv2d_grad_kernel down.0',
  ]);
});
