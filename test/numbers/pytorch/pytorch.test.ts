/** Models in PyTorch's layout, against what PyTorch itself made of them: torch.json and torch.safetensors (torch_reference.py). */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { flowBatch, PICTURES, presetWeights } from '../../../harness/run/golden_workload';
import { hashOfNumbers } from '../../../src/base/hash';
import { checkConfig, listParameters, presets } from '../../../src/unet/config';
import { encodeSafetensors } from '../../../src/weights/encode';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors, type NamedTensor } from '../../../src/weights/safetensors';
import { saveModel } from '../../../src/weights/save_model';
import { type ReferenceTold, ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

import * as ours from '../../lib/small_files';
import torch from './torch.json';

/** PyTorch sums up to 1,600 products in f32. */
const CLOSE = 1e-5;

function expectClose(values: ArrayLike<number>, expected: readonly number[]): void {
  expect(values.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  expect(scale).toBeGreaterThan(0.01);
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - values[i])));
  expect(worst / scale).toBeLessThan(CLOSE);
}

test('the PyTorch fixture covers each preset', () => {
  expect(Object.keys(torch.presets)).toEqual(Object.keys(presets));
});

describe.each(Object.entries(torch.presets))('the preset %s, saved in PyTorch’s layout', (key, fixture) => {
  const name = key as keyof typeof presets;
  const config = checkConfig(presets[name]);
  const { parameters } = listParameters(config);
  // The tutorial's network has the convolutions of digits.
  const made = presetWeights[name === 'tutorial' ? 'digits' : name]();
  const weights = new Map(parameters.map(({ name }) => [name, made.get(name)!]));
  const unet = { config, parameters, getParameters: async () => weights };
  const saved = saveModel(unet, { layout: 'pytorch', objective: 'flow' });

  test('has the names, shapes and bytes of PyTorch’s state_dict', async () => {
    const { tensors } = decodeSafetensors(await saved);
    const seen = [...tensors].map(([name, { shape, data }]) => [name, { shape, fnv1a: hashOfNumbers(data) }]);
    expect(seen).toEqual(Object.entries(fixture.tensors));
  });

  test('loads again bit for bit', async () => {
    expect(loadModel(await saved)).toEqual({ config, objective: 'flow', parameters: weights });
  });

  test('computes the outputs that PyTorch computes', () => {
    const { height, width, channels, conditioning } = config;
    const { noisy, levels, labels } = flowBatch(0, 16, channels === 3 ? PICTURES : undefined);
    const told: ReferenceTold = conditioning
      ? {
          levels: levels.subarray(0, torch.count),
          ...(conditioning.classes > 0 ? { labels: labels.subarray(0, torch.count) } : {}),
        }
      : {};
    const images = noisy.subarray(0, torch.count * height * width * channels);
    const output = new ReferenceUNet(config, weights).predict(images, torch.count, told);
    expectClose(
      fixture.indices.map((i) => output[i]),
      fixture.outputs,
    );
  });
});

const { small } = torch;
const config = small.config as Parameters<typeof checkConfig>[0];
const file = await readFile(new URL('torch.safetensors', import.meta.url));
describe('a state_dict that PyTorch saved', () => {
  test('loads with its config, and computes what PyTorch computes', () => {
    const model = loadModel(file, 'torch.safetensors', { config, objective: 'flow' });
    expect(model.config).toEqual(checkConfig(config));
    expect(model.objective).toBe('flow');
    const { images, levels, labels, output } = small;
    const net = new ReferenceUNet(model.config, model.parameters);
    expectClose(net.predict(images, labels.length, { levels, labels }), output);
  });

  test('loads the same from a file with Keras’ names and layout', () => {
    const { parameters } = loadModel(file, 'it', { config });
    const shapes = listParameters(checkConfig(config)).parameters;
    const keras = encodeSafetensors(
      shapes.map(({ name, shape }) => ({ name, shape, data: parameters.get(name)! })),
    );
    expect(loadModel(keras, 'it', { config })).toEqual({
      config: checkConfig(config),
      objective: 'tutorial',
      parameters,
      note: expect.stringMatching(/^it is of another program, without a checksum: damage/),
    });
  });

  test('is refused without a config, and the error says what to do', async () => {
    await refused(() => loadModel(file, 'it'), 'data', 'not saved by webgpu-diffusion', '{ config }');
  });

  test.each<[object, string]>([
    [{ widths: [3, 6] }, 'down.1.weight has shape [5, 3, 3, 3], expected [6, 3, 3, 3]'],
    [{ widths: [3], convolutionsPerLevel: 2 }, '"down.1.weight" [5, 3, 3, 3] is not known'],

    [{ convolutionsPerLevel: 2 }, 'down.1.0.weight [5, 3, 3, 3] is missing'],
    [{ widths: [] }, 'widths is []'],
  ])('is refused with a config of %j', async (change, fact) => {
    await refused(() => loadModel(file, 'it', { config: { ...config, ...change } }), 'argument', fact);
  });

  test.each<[string, Partial<NamedTensor> | undefined, 'argument' | 'data']>([
    ['down.0.0.weight [3, 2, 3, 3] is missing', undefined, 'argument'],
    ['"net.bias" [3, 2, 3, 3] is not known to this network', { name: 'net.bias' }, 'argument'],
    ['weights of PyTorch are out, in, height, width', { shape: [3, 3, 2, 3] }, 'argument'],
    // The data are wrong then, not the config.
    ['not finite', { data: new Float32Array(54).fill(NaN) }, 'data'],
  ])('is refused with another first tensor: %s', async (fact, change, code) => {
    const [first, ...rest] = [...decodeSafetensors(file).tensors].map(([name, each]) => ({ name, ...each }));
    const altered = encodeSafetensors(change ? [{ ...first, ...change }, ...rest] : rest);
    await refused(() => loadModel(altered, 'it', { config }), code, fact);
  });
});

test('loadModel refuses a config that contradicts the one in the file', async () => {
  const config = { ...ours.config, widths: [3] };
  const facts = ['widths is [3]', '[2,3] in the file'];
  await refused(() => loadModel(ours.model, 'it', { config }), 'argument', ...facts);
});

test('loadModel and saveModel refuse unknown settings, objectives and layouts', async () => {
  const unknown = { layout: 'pytorch' } as object;
  await refused(() => loadModel(file, 'it', unknown), 'argument', 'no setting layout');
  const objective = 'noise' as 'flow';
  await refused(() => loadModel(file, 'it', { config, objective }), 'argument', 'tutorial or flow');
  const layout = 'torch' as 'keras';
  await refused(() => saveModel(ours.unet, { layout }), 'argument', '"torch"', 'keras or pytorch');
});
