/** What a step uses, and how single kernels are described. No GPU. */
import { expect, test } from 'vitest';
import { listEntries } from '../../harness/bench/rows';
import { usedFirst } from '../../harness/bench/run';
import { namesInUse, variantsInUse } from '../../harness/run/in_use';
import { shadersOf, shapeText } from '../../harness/run/shape_text';
import { shaders, specs } from '../registry';

const step = { batch: 16, software: true, features: new Set(['subgroups']) };

test('a step uses what its recipe, its adapter and its run say', () => {
  const tutorial = variantsInUse({ ...step, recipe: 'tutorial' });
  expect(tutorial).toMatchObject({
    'conv2d_pool/down.0': 'one_input_subgroups',
    'conv2d/down.1': 'winograd7_subgroups',
    'adam/all layers': 'plain',
  });
  expect(tutorial['conv2d/down.0']).toBeUndefined();
  expect(namesInUse(tutorial).has('corrupt_flow.plain')).toBe(false);
  expect(namesInUse(variantsInUse({ ...step, recipe: 'digits' })).has('corrupt_flow.plain')).toBe(true);
  const gpu = variantsInUse({ ...step, recipe: 'tutorial', software: false });
  expect(gpu['conv2d/down.1']).toMatch(/_gpu$|^tile$/);
  const run = variantsInUse({ ...step, recipe: 'tutorial', variants: { 'conv2d/down.1': 'direct' } });
  expect(run['conv2d/down.1']).toBe('direct');
});

test('all that a step uses is first in the bench, but for layers that only the conditioned network has', () => {
  const inUse = variantsInUse({ ...step, recipe: 'digits' });
  const entries = listEntries(16);
  const sorted = usedFirst(entries, inUse, { gflops: 100, gbps: 10, copies: [] });
  const firsts = sorted.slice(
    0,
    sorted.findIndex(({ name }) => !namesOf(inUse).has(name)),
  );
  const names = new Set(firsts.map(({ name, layer }) => `${name}/${layer}`));
  const layers = new Set(entries.map(({ name, layer }) => `${name}/${layer}`));
  const missed = Object.keys(inUse).filter((entry) => layers.has(entry) && !names.has(entry));
  expect(missed).toEqual([]);
});
const namesOf = (inUse: Readonly<Record<string, string>>) =>
  new Set(Object.keys(inUse).map((entry) => entry.split('/')[0]));

test('a shape in words', () => {
  expect(shapeText({ batch: 4, inChannels: 1, residual: true, bias: false, layers: [{}, {}], of: {} })).toBe(
    'batch 4, in channels 1, residual, 2 layers',
  );
});

test('the shaders of every variant, at one of its cases, are known', () => {
  for (const [name, spec] of specs) {
    for (const [variant, { refuses }] of Object.entries(spec.kernel.variants)) {
      const shape = Object.values(spec.cases).find((one) => !refuses?.(one));
      const found = shadersOf(spec, shape, variant);
      expect(found.length, `${name}.${variant}`).toBeGreaterThan(0);
      for (const shader of found) expect(shaders.has(shader), shader).toBe(true);
    }
  }
  const conv = specs.get('conv2d')!;
  expect(shadersOf(conv, conv.bench(4)['down.1'], 'winograd7')).toHaveLength(4);
});
