/** What a step uses, and how single kernels are described. No GPU. */
import { expect, test } from 'vitest';
import { listEntries, usedFirst } from '../../harness/bench/kernels';
import { namesInUse, stepOps, variantsByLayer, variantsInUse } from '../../harness/run/in_use';
import { type NetworkChoice, toConfig } from '../../harness/run/network';
import { specs } from '../../harness/specs/lib/registry';
import { TestRandom } from '../../harness/specs/lib/spec';
import type { AdamShape } from '../../src/kernels/adam';
import { listLayers } from '../../src/unet/config';

const step = { batch: 16, software: true, features: new Set(['subgroups']) };

test('a step uses the kernel variants of its recipe, its adapter and its run', () => {
  const tutorial = variantsInUse(step);
  expect(tutorial).toMatchObject({
    'conv2d_pool/down.0': 'one_input_subgroups',
    'conv2d/down.1': 'winograd7_subgroups',
    'adam/all layers': 'plain',
  });
  expect(tutorial['conv2d/down.0']).toBeUndefined();
  expect(namesInUse(tutorial).has('draw_conditions.plain')).toBe(false);
  expect(
    namesInUse(variantsInUse({ ...step, network: { recipe: 'digits' } })).has('draw_conditions.plain'),
  ).toBe(true);
});

test('a chosen network has the classes of its recipe, and lower levels than those are as its last', () => {
  expect(toConfig({ recipe: 'digits' }).conditioning!.classes).toBe(10);
  expect(toConfig({ recipe: 'pictures', widths: [8, 8, 8, 8] }).convolutionsPerLevel).toEqual([2, 2, 3, 3]);
});

test.each<[NetworkChoice]>([
  [{ recipe: 'digits', widths: [8, 16, 16] }],
  [{ recipe: 'digits', kernelSize: 3, widths: [8, 16] }],
])('all that a step of %j uses is first in the bench, and can be measured', (network) => {
  const ops = (batch: number) => stepOps({ ...step, network, batch });
  const inUse = variantsByLayer(ops(16));
  const entries = listEntries(16, ops);
  const sorted = usedFirst(entries, inUse, { gflops: 100, gbps: 10, copies: [] });
  const firsts = sorted.slice(0, Object.keys(inUse).length);
  expect(firsts.map(({ kernel, variant, layer }) => [`${kernel}/${layer}`, variant]).sort()).toEqual(
    Object.entries(inUse).sort(),
  );
  const work = firsts.map(({ cost: { flops, bytes } }) => Math.max(flops / 100, bytes / 10));
  expect(work).toEqual(work.toSorted((a, b) => b - a));
  for (const { kernel, spec, variant, shape, small } of firsts) {
    expect(spec.kernel.variants[variant].refuses?.(shape), `${kernel}.${variant}`).toBeUndefined();
    // What it reads is made, and has a value for each element.
    const [own] = small;
    const sizes = spec.kernel.sizes(own);
    for (const [tensor, values] of Object.entries(spec.inputs(own, new TestRandom(1)))) {
      expect(values, `${kernel} ${tensor}`).toHaveLength(sizes[tensor]);
    }
  }
  const shapeOf = (name: string) => firsts.find(({ kernel }) => kernel === name)!.shape;
  const { layers, beta2 } = shapeOf('adam') as AdamShape;
  expect(layers).toHaveLength(listLayers(toConfig(network)).length + 2);
  // As the recipe has them at that batch; the step state says the step.
  expect(beta2).toBe(0.999372);
  expect(shapeOf('average_weights')).toMatchObject({ after: 1600, span: 144, step: 100 });
  // What the tutorial alone uses comes after it, at the tutorial's shapes.
  const denoise = sorted.find(({ kernel }) => kernel === 'denoise_step')!;
  expect(firsts).not.toContain(denoise);
  expect(denoise.shape).toEqual(Object.values(specs.get('denoise_step')!.bench(16))[0]);
});
