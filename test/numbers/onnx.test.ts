/** Exported networks, run by ONNX Runtime, against the f64 reference; test/numbers/onnx.gpu.test.ts has them against the engine. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { exportOnnx } from '../../src/onnx/index';
import { checkConfig, outChannelsOf, parametersOf, type UNetConfig } from '../../src/unet/config';
import { openOnnx } from '../lib/onnx_runtime';
import { ReferenceUNet } from '../lib/reference_unet';
import { refused } from '../lib/refused';

type OnnxSource = Parameters<typeof exportOnnx>[0];

/** Every weight and bias has a value, so that none can be missed. */
function random(partial: Partial<UNetConfig>): OnnxSource & { parameters: Map<string, Float32Array> } {
  const config = checkConfig(partial);
  const numbers = new Random(3);
  const parameters = new Map(
    parametersOf(config).parameters.map(({ name, shape, size }) => {
      const inputs = shape.length > 1 ? size / shape.at(-1)! : 4;
      return [name, numbers.floats(size).map((v) => v / Math.sqrt(inputs))] as const;
    }),
  );
  return { config, parameters };
}

const small = { height: 4, width: 6, widths: [5, 7], kernelSize: 3 };
const cases: Record<string, Partial<UNetConfig>> = {
  'no conditioning': small,
  'one level, kernel 1, RGB': { height: 3, width: 5, channels: 3, widths: [4], kernelSize: 1 },
  'four levels, kernel 5, no activation': {
    ...{ height: 16, width: 8, widths: [3, 4, 5, 6], finalActivation: 'none' },
  },
  'two channels to three, residual': {
    ...{ ...small, channels: 2, outChannels: 3, convolutionsPerLevel: [1, 3], residual: true },
  },
  'several convolutions without residuals': { ...small, convolutionsPerLevel: 2 },
  'conditioned on the noise level': { ...small, conditioning: { noiseLevel: true, classes: 0 } },
  'conditioned on the class': { ...small, conditioning: { noiseLevel: false, classes: 3 } },
  'conditioned on both, residual': {
    ...{ ...small, convolutionsPerLevel: [2, 1], residual: true, finalActivation: 'none' },
    conditioning: { noiseLevel: true, classes: 2 },
  },
};

describe.each(Object.entries(cases))('the ONNX file of a network: %s', (_, partial) => {
  const source = random(partial);
  const { config } = source;
  const { noiseLevel = false, classes = 0 } = config.conditioning ?? {};

  test('computes what the reference computes, for any number of images', async () => {
    const net = await openOnnx(exportOnnx(source), config);
    const reference = new ReferenceUNet(config, source.parameters);
    for (const count of [1, 3]) {
      const images = new Random(count).floats(count * config.height * config.width * config.channels);
      const conditions = {
        ...(noiseLevel ? { levels: [0, 1, 0.3].slice(0, count) } : {}),
        ...(classes > 0 ? { labels: [classes, 0, 1].slice(0, count) } : {}),
      };
      const expected = reference.predict(images, count, conditions);
      const given = await net.predict(images, count, conditions);
      expect(given.length).toBe(expected.length);
      const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(scale).toBeGreaterThan(0.05);
      const worst = expected.reduce((most, v, i) => Math.max(most, Math.abs(v - given[i])), 0);
      expect(worst / scale).toBeLessThan(1e-5);
    }
  });

  test('declares its inputs and outputs', async () => {
    const { session } = await openOnnx(exportOnnx(source), config);
    const shapes = (metadata: typeof session.inputMetadata) =>
      metadata.map((value) => (value.isTensor ? [value.name, value.type, value.shape] : value.name));
    const { height, width, channels } = config;
    expect(shapes(session.inputMetadata)).toEqual([
      ['images', 'float32', ['count', channels, height, width]],
      ...(noiseLevel ? [['levels', 'float32', ['count']]] : []),
      ...(classes > 0 ? [['labels', 'int64', ['count']]] : []),
    ]);
    expect(shapes(session.outputMetadata)).toEqual([
      ['prediction', 'float32', ['count', outChannelsOf(config), height, width]],
    ]);
  });
});

const source = random(small);

test('exportOnnx makes the same bytes of the same network', () => {
  expect(exportOnnx(source)).toEqual(exportOnnx(random(small)));
});

test('an ONNX file has the sampling of its network and its teacher’s fingerprint', () => {
  const textOf = (more: object) => new TextDecoder('latin1').decode(exportOnnx({ ...source, ...more }));
  const sampling = { method: 'euler', steps: 2, guidance: 1, calls: 2 };
  const text = textOf({ sampling, teacher: '0123abcd' });
  for (const fact of [JSON.stringify(sampling), 'teacher', '0123abcd']) expect(text).toContain(fact);
  expect(textOf({})).not.toMatch(/sampling|teacher|fnv1a/);
});

test('an ONNX file has the images that the network was trained on, and its objective', () => {
  const data = { count: 70, height: 8, width: 8, channels: 1, fnv1a: '89abcdef' };
  const text = new TextDecoder('latin1').decode(exportOnnx({ ...source, objective: 'flow', data }));
  for (const fact of ['objective', 'flow', 'data', JSON.stringify(data)]) expect(text).toContain(fact);
});

test.each<[string, unknown, 'argument' | 'data', string[]]>([
  [
    'half a step',
    { ...source, sampling: { method: 'euler', steps: 0.5 } },
    'argument',
    ['sampling.steps is 0.5'],
  ],
  ['an unknown teacher', { ...source, teacher: 'me' }, 'argument', ['teacher is "me"', 'fingerprint']],
  ['no network', undefined, 'argument', ['{ config, parameters }', 'Undefined']],
  ['no parameters', { config: source.config }, 'argument', ['a Map of parameters']],
  ['another objective', { ...source, objective: 'noise' }, 'argument', ['"noise"', 'tutorial or flow']],
  ['a wrong config', { ...source, config: { ...small, widths: [] } }, 'argument', ['widths is []']],
  ['another config', { ...source, config: { ...small, widths: [5, 8] } }, 'argument', ['down.1.kernel']],
  [
    'an unknown parameter',
    { ...source, parameters: new Map([...source.parameters, ['up.9.bias', new Float32Array(2)]]) },
    'argument',
    ['"up.9.bias" [2] is not known'],
  ],
  [
    'a missing one',
    { ...source, parameters: new Map([...source.parameters].slice(1)) },
    'argument',
    ['down.0.kernel [3, 3, 1, 5] is missing'],
  ],
  [
    'infinity',
    { ...source, parameters: new Map([...source.parameters, ['up.1.bias', Float32Array.of(Infinity)]]) },
    'data',
    ['up.1.bias is not finite'],
  ],
])('exportOnnx refuses %s', async (_, wrong, code, facts) => {
  await refused(() => exportOnnx(wrong as OnnxSource), code, ...facts);
});
