import { createEngine } from '../../../src/index';
import { recipes } from '../../../src/recipes';
import type { Peer, Workload } from './workload';

export async function createOurs(count: number, workload: Workload): Promise<Peer> {
  const { network, trainer: options } = recipes[workload.recipe];
  const weights = () => new Map(workload.weights().map(({ name, values }) => [name, values]));
  const engine = await createEngine();
  const unet = await engine.createUNet(network);
  await unet.setParameters(weights());
  let trainer: ReturnType<typeof engine.createTrainer> | undefined;
  return {
    adapter: engine.adapter,
    async step(batch) {
      trainer ??= engine.createTrainer(unet, { ...options, batchSize: count });
      return (await trainer).step(batch);
    },
    predict: ({ noisy, levels, labels }) => unet.predict(noisy, { count, levels, labels }),
    restoreWeights: () => unet.setParameters(weights()),
  };
}
