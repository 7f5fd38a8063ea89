/** What every project does with the installed package: each of its entries, on numbers that the tests know the results of. */
import { recipes } from 'webgpu-diffusion';
import { loadDigits } from 'webgpu-diffusion/digits';
import { exportOnnx } from 'webgpu-diffusion/onnx';
import { loadPretrained } from 'webgpu-diffusion/pretrained';
import { drawn, labels, levels, noisy, target } from './input.js';

const { sampling, trainer: settings } = recipes.digits;

/** Plain data, as it travels from a page or another process as JSON. */
export async function use(engine) {
  const model = await loadPretrained('digits');
  const unet = await engine.createUNet(model.config);
  await unet.setParameters(model.parameters);
  const count = labels.length;
  const told = { levels: Float32Array.from(levels), labels };
  const prediction = await unet.predict(Float32Array.from(noisy), { count, ...told });

  const sampler = await engine.createSampler(unet, { count: drawn.length });
  const images = await sampler.sample({ ...sampling, labels: drawn, seed: 7 });

  const trainer = await engine.createTrainer(unet, { ...settings, batchSize: count });
  const batch = { noisy: Float32Array.from(noisy), target: Float32Array.from(target), ...told };
  const loss = await trainer.step(batch);
  const { vendor, architecture, description } = engine.adapter;
  return {
    adapter: [vendor, architecture, description].filter(Boolean).join(' '),
    prediction: [...prediction],
    images: [...images],
    loss,
    digits: (await loadDigits()).count,
    onnx: exportOnnx(model).byteLength,
  };
}
