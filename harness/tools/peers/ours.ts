import { createEngine } from '../../../src/index';
import { recipes } from '../../../src/recipes';
import type { Images, Workload } from './workload';

export async function createOurs(count: number, workload: Workload) {
  const { network, trainer: options } = recipes[workload.recipe];
  const weights = () => new Map(workload.weights().map(({ name, values }) => [name, values]));
  const engine = await createEngine();
  const unet = await engine.createUNet(network);
  await unet.setParameters(weights());
  let creating: ReturnType<typeof engine.createTrainer> | undefined;
  const trainer = () => {
    creating ??= engine.createTrainer(unet, { ...options, batchSize: count });
    return creating;
  };
  return {
    adapter: engine.adapter,
    step: async (batch: Images) => (await trainer()).step(batch),
    predict: ({ noisy, levels, labels }: Images) => unet.predict(noisy, { count, levels, labels }),
    restoreWeights: () => unet.setParameters(weights()),
    /** Milliseconds that the caller's thread takes to record and submit one step. */
    async hostMilliseconds(batch: Images): Promise<number> {
      const { device } = engine;
      const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffers: GPUBuffer[] = [];
      const upload = (values: Float32Array | Uint32Array | undefined) => {
        if (!values) return undefined;
        const buffer = device.createBuffer({ label: 'batch', size: values.byteLength, usage });
        device.queue.writeBuffer(buffer, 0, values);
        buffers.push(buffer);
        return buffer;
      };
      const uploaded = {
        noisy: upload(batch.noisy)!,
        target: upload(batch.target)!,
        levels: upload(batch.levels),
        labels: upload(batch.labels),
      };
      await device.queue.onSubmittedWorkDone();
      const ready = await trainer();
      const start = performance.now();
      const encoder = device.createCommandEncoder();
      ready.encodeStep(encoder, uploaded);
      device.queue.submit([encoder.finish()]);
      const milliseconds = performance.now() - start;
      await device.queue.onSubmittedWorkDone();
      for (const buffer of buffers) buffer.destroy();
      return milliseconds;
    },
  };
}

export type Ours = Awaited<ReturnType<typeof createOurs>>;
