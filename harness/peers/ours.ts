import { createEngine } from '../../src/index';
import { initialWeights } from '../../test/golden/workload';
import { type Images, PIXELS } from './peer';

export async function createOurs(count: number) {
  const engine = await createEngine();
  const unet = await engine.createUNet();
  await unet.setParameters(initialWeights());
  let creating: ReturnType<typeof engine.createTrainer> | undefined;
  const trainer = () => {
    creating ??= engine.createTrainer(unet, { batchSize: count });
    return creating;
  };
  return {
    adapter: engine.adapter,
    step: async (batch: Images) => (await trainer()).step(batch),
    predict: (noisy: Float32Array) => unet.predict(noisy, noisy.length / PIXELS),
    restoreWeights: () => unet.setParameters(initialWeights()),
    /** Milliseconds that the caller's thread is busy to record and submit one step. */
    async hostMilliseconds(batch: Images): Promise<number> {
      const { device } = engine;
      const bytes = count * PIXELS * 4;
      const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const [noisy, clean] = [batch.noisy, batch.clean].map((images) => {
        const buffer = device.createBuffer({ label: 'batch', size: bytes, usage });
        device.queue.writeBuffer(buffer, 0, images);
        return buffer;
      });
      await device.queue.onSubmittedWorkDone();
      const ready = await trainer();
      const start = performance.now();
      const encoder = device.createCommandEncoder();
      ready.encodeStep(encoder, { noisy, clean });
      device.queue.submit([encoder.finish()]);
      const milliseconds = performance.now() - start;
      await device.queue.onSubmittedWorkDone();
      noisy.destroy();
      clean.destroy();
      return milliseconds;
    },
  };
}

export type Ours = Awaited<ReturnType<typeof createOurs>>;
