/** The tutorial's network on a fixed workload: the losses that independent libraries get, step by step. */
import { expect, test } from 'vitest';
import { Trainer } from '../../src/training/trainer';
import { checkConfig, layersOf } from '../../src/unet/config';
import { UNet } from '../../src/unet/unet';
import { type AdapterKind, defaultVariants } from '../../src/unet/variants';
import losses from '../golden/losses.json';
import { goldenBatch, initialWeights } from '../golden/workload';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

/** Rounding differences grow from step to step, since training is chaotic: eight steps agree to 1e-4 everywhere. */
const STEPS = 8;

const usual = (adapter: AdapterKind) =>
  defaultVariants(layersOf(checkConfig()), losses.batch, gpu.device.features, adapter);

test.each(['software', 'gpu'] as const)(
  'with the usual kernels for %s, the first eight losses agree with TensorFlow.js and jax-js to 1e-4',
  async (adapter) => {
    using unet = await UNet.create(gpu);
    await unet.setParameters(initialWeights());
    using trainer = await Trainer.create(gpu, unet, { batchSize: losses.batch, variants: usual(adapter) });
    for (let step = 0; step < STEPS; step++) {
      const loss = await trainer.step(goldenBatch(step, losses.batch));
      const relative = loss / losses.losses[step] - 1;
      expect(
        Math.abs(relative),
        `step ${step}: loss ${loss}, expected ${losses.losses[step]}. To make the list anew: ${losses.regenerate}`,
      ).toBeLessThan(1e-4);
    }
  },
);
