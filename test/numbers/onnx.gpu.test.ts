/** The presets in ONNX Runtime, against the engine's kernels. */
import { expect, test } from 'vitest';
import { flowBatch, PICTURES, presetWeights } from '../../harness/run/golden_workload';
import { exportOnnx } from '../../src/onnx/index';
import { loadPretrained } from '../../src/pretrained/index';
import { checkConfig, parametersOf, presets } from '../../src/unet/config';
import { Predictor } from '../../src/unet/predictor';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lib/gpu';
import { openOnnx } from '../lib/onnx_runtime';

const { gpu } = await testGpu();

const COUNT = 3;

async function networkOf(name: keyof typeof presets) {
  if (name !== 'digits-3x3' && name !== 'pictures') return await loadPretrained(name);
  const config = checkConfig(presets[name]);
  const weights = presetWeights[name]();
  return {
    config,
    parameters: new Map(parametersOf(config).parameters.map((p) => [p.name, weights.get(p.name)!])),
  };
}

test.each(Object.keys(presets) as (keyof typeof presets)[])('ONNX predicts like UNet: %s', async (name) => {
  const model = await networkOf(name);
  const { config } = model;
  const { noisy, levels, labels } = flowBatch(0, COUNT, config.channels === 3 ? PICTURES : undefined);
  const { classes = 0 } = config.conditioning ?? {};
  const conditions = config.conditioning ? { levels, ...(classes > 0 ? { labels } : {}) } : {};
  const onnx = await (await openOnnx(exportOnnx(model), config)).predict(noisy, COUNT, conditions);
  const scale = onnx.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  expect(scale).toBeGreaterThan(0.1);
  for (const [variants, close] of [
    [{}, 1e-5],
    [undefined, 1e-4],
  ] as const) {
    using unet = await UNet.create(gpu, config);
    await unet.setParameters(model.parameters);
    using predictor = await Predictor.create(gpu, unet.weights, { count: COUNT, variants });
    const predicted = await predictor.run(noisy, conditions);
    const worst = predicted.reduce((most, v, i) => Math.max(most, Math.abs(v - onnx[i])), 0);
    expect(worst).toBeLessThan(close * Math.max(1, scale));
  }
});
