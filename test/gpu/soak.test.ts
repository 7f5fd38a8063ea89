/** Long runs leave nothing behind. */
import { expect, test } from 'vitest';
import { Trainer } from '../../src/training/trainer';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lanes/gpu';
import { Random } from '../spec';

const { gpu, lane } = await testGpu();

// Only Node can collect its garbage on request; the same code runs in the browsers.
if (lane === 'node') {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  const { runInNewContext } = process.getBuiltinModule('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;

  test('the host memory of 500 small steps is flat', async () => {
    using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4], kernelSize: 3 });
    using trainer = await Trainer.create(gpu, unet, { batchSize: 4 });
    const random = new Random(1);
    const batch = { noisy: random.floats(64, 0, 1), clean: random.floats(64, 0, 1) };
    const run = async (steps: number) => {
      for (let i = 0; i < steps; i++) await trainer.step(batch);
      collect();
      await new Promise((resolve) => setTimeout(resolve, 50)); // finalizers of GPU objects
      collect();
      const { heapUsed, external, rss } = process.memoryUsage();
      return { js: heapUsed + external, rss };
    };
    let before = await run(200);
    let growth = Infinity;
    // The driver's own pools grow at first and shrink again: a leak grows in every stretch of 500 steps, pools do not.
    for (let stretch = 0; stretch < 5 && growth >= 4; stretch++) {
      const after = await run(500);
      expect((after.js - before.js) / 2 ** 20, 'MiB of JavaScript memory').toBeLessThan(1);
      growth = (after.rss - before.rss) / 2 ** 20;
      before = after;
    }
    expect(growth, 'MiB of the process, in each of five stretches').toBeLessThan(4);
  });
}
