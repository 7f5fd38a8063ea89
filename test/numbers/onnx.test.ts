/** Exported networks, run by ONNX Runtime, against the f64 reference. */
import { expect, test } from 'vitest';
import { TestRandom } from '../../harness/specs/lib/spec';
import { exportOnnx } from '../../src/onnx/index';
import { checkConfig, countOutChannels, listParameters, type UNetConfig } from '../../src/unet/config';
import { openOnnx } from '../lib/onnx_runtime';
import { ReferenceUNet } from '../lib/reference_unet';
import { refused } from '../lib/refused';

type OnnxSource = Parameters<typeof exportOnnx>[0];

/** Every weight and bias has a value, so that none can be missed. */
function random(partial: Partial<UNetConfig>): OnnxSource & { parameters: Map<string, Float32Array> } {
  const config = checkConfig(partial);
  const numbers = new TestRandom(3);
  const parameters = new Map(
    listParameters(config).parameters.map(({ name, shape, size }) => {
      const inputs = shape.length > 1 ? size / shape.at(-1)! : 4;
      return [name, numbers.floats(size).map((v) => v / Math.sqrt(inputs))] as const;
    }),
  );
  return { config, parameters };
}

const small = { height: 4, width: 6, widths: [5, 7], kernelSize: 3 };
const cases: Record<string, Partial<UNetConfig>> = {
  'one level, kernel 1, RGB': { height: 3, width: 5, channels: 3, widths: [4], kernelSize: 1 },
  'four levels, kernel 5, no activation': {
    height: 16,
    width: 8,
    widths: [3, 4, 5, 6],
    finalActivation: 'none',
  },
  'two channels to three, residual': {
    ...small,
    channels: 2,
    outChannels: 3,
    convolutionsPerLevel: [1, 3],
    residual: true,
  },

  'conditioned on the noise level': { ...small, conditioning: { noiseLevel: true, classes: 0 } },
  'conditioned on the class': { ...small, conditioning: { noiseLevel: false, classes: 3 } },
  'conditioned on both, residual': {
    ...small,
    convolutionsPerLevel: [2, 1],
    residual: true,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 2 },
  },
};

test.each(Object.entries(cases))(
  'the ONNX file of a network computes what the reference computes, for any number of images: %s',
  async (_, partial) => {
    const source = random(partial);
    const { config } = source;
    const { height, width, channels, conditioning: { noiseLevel = false, classes = 0 } = {} } = config;
    const net = await openOnnx(exportOnnx(source), config);
    const reference = new ReferenceUNet(config, source.parameters);
    for (const count of [1, 3]) {
      const images = new TestRandom(count).floats(count * height * width * channels);
      const conditions = {
        ...(noiseLevel ? { levels: [0, 1, 0.3].slice(0, count) } : {}),
        ...(classes > 0 ? { labels: [classes, 0, 1].slice(0, count) } : {}),
      };
      const expected = reference.predict(images, count, conditions);
      const given = await net.predict(images, count, conditions);
      expect(given.length).toBe(expected.length);
      const scale = Math.max(...expected.map(Math.abs));
      expect(scale).toBeGreaterThan(0.05);
      expect(Math.max(...expected.map((v, i) => Math.abs(v - given[i]))) / scale).toBeLessThan(1e-5);
    }
    const shapes = (metadata: typeof net.session.inputMetadata) =>
      metadata.map((value) => (value.isTensor ? [value.name, value.type, value.shape] : value.name));
    expect(shapes(net.session.inputMetadata)).toEqual([
      ['images', 'float32', ['count', channels, height, width]],
      ...(noiseLevel ? [['levels', 'float32', ['count']]] : []),
      ...(classes > 0 ? [['labels', 'int64', ['count']]] : []),
    ]);
    expect(shapes(net.session.outputMetadata)).toEqual([
      ['prediction', 'float32', ['count', countOutChannels(config), height, width]],
    ]);
  },
);

const source = random(small);
const data = { count: 70, height: 8, width: 8, channels: 1, fnv1a: '89abcdef' };
const sampling = { method: 'euler', steps: 2, guidance: 1, calls: 2 };
test.each<[object, ...string[]]>([
  [{ sampling, teacher: '0123abcd' }, JSON.stringify(sampling), 'teacher', '0123abcd'],
  [{ objective: 'flow', data }, 'objective', 'flow', 'data', JSON.stringify(data)],
])('an ONNX file says %j', (more, ...facts) => {
  const textOf = (more: object) => new TextDecoder('latin1').decode(exportOnnx({ ...source, ...more }));
  for (const fact of facts) expect(textOf(more)).toContain(fact);
  expect(textOf({})).not.toMatch(/sampling|teacher|fnv1a/);
});

const parameters = (...more: [string, Float32Array][]) => ({
  parameters: new Map([...source.parameters, ...more]),
});
test.each<[change: unknown, ...facts: string[]]>([
  [{ sampling: { method: 'euler', steps: 0.5 } }, 'sampling.steps is 0.5'],
  [{ teacher: 'me' }, 'teacher is "me"', 'fingerprint'],

  [{ objective: 'noise' }, '"noise"', 'tutorial or flow'],
  [{ config: { ...small, widths: [5, 8] } }, 'down.1.kernel'],
  [parameters(['up.9.bias', new Float32Array(2)]), '"up.9.bias" [2] is not known'],
  [{ parameters: new Map([...source.parameters].slice(1)) }, 'down.0.kernel [3, 3, 1, 5] is missing'],
  [parameters(['up.1.bias', Float32Array.of(Infinity)]), 'up.1.bias is not finite'],
])('exportOnnx refuses %j', async (change, ...facts) => {
  const code = facts[0].includes('finite') ? 'data' : 'argument';
  await refused(() => exportOnnx({ ...source, ...(change as OnnxSource) }), code, ...facts);
});
