import { expect, test } from 'vitest';
import { conv2d } from '../../src/kernels/conv2d';
import { memoryCache } from '../../src/tuning/cache';
import { type Measured, tune } from '../../src/tuning/tuner';
import { checkConfig, layersOf } from '../../src/unet/config';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

const layers = layersOf(checkConfig({ height: 8, width: 8, widths: [8, 8], kernelSize: 5 }));

async function run(cache = memoryCache()) {
  const measured: Measured[] = [];
  const variants = await tune(gpu, layers, 8, { training: true, cache, onMeasured: (m) => measured.push(m) });
  return { variants, measured };
}

test('chooses the fastest variant that agrees, for every kernel and layer, and remembers it', async () => {
  const cache = memoryCache();
  const { variants, measured } = await run(cache);
  for (const layer of layers) {
    for (const kernel of ['conv2d', 'conv2d_grad_input', 'conv2d_grad_kernel']) {
      const times = measured.filter((m) => m.kernel === kernel && m.layer === layer.name);
      if (times.length === 0) continue; // a layer of the same shape was measured before
      expect(times.every((m) => typeof m.result === 'number')).toBe(true);
      const least = times.reduce((a, b) => (b.result < a.result ? b : a));
      expect(variants[`${kernel}/${layer.name}`]).toBe(least.variant);
    }
  }
  const again = await run(cache);
  expect(again.measured).toEqual([]);
  expect(again.variants).toEqual(variants);
});

test('never chooses a variant that computes something else', async () => {
  const { direct } = conv2d.variants;
  const all = conv2d.variants as Record<string, typeof direct>;
  // Wrong: adds weights in place of the bias.
  all.wrong = { calls: (shape, tensors) => direct.calls(shape, { ...tensors, bias: tensors.kernel }, {}) };
  try {
    const { variants, measured } = await run();
    const results = measured.filter((m) => m.variant === 'wrong');
    expect(results.length).toBeGreaterThan(0);
    for (const { result } of results) expect(result).toContain('differs from direct');
    expect(Object.values(variants)).not.toContain('wrong');
  } finally {
    delete all.wrong;
  }
});
