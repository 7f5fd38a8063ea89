/** A small network, its run and their files. */

import { TestRandom } from '../../harness/specs/lib/spec';
import { checkConfig, listParameters, type Parameter } from '../../src/unet/config';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { fingerprintImages } from '../../src/weights/fingerprint';
import { saveModel } from '../../src/weights/save_model';

export const config = checkConfig({ height: 4, width: 4, widths: [2, 3], kernelSize: 3 });
export const { parameters } = listParameters(config);
const random = new TestRandom(1);
const values = () =>
  new Map(parameters.map(({ name, size }: Parameter) => [name, random.floats(size)] as const));
export const weights = values();
export const unet = { config, parameters, getParameters: async () => weights };

export const state = {
  step: 3,
  corrections: Float32Array.of(0.271, 0.002997001),
  moment1: values(),
  moment2: values(),
  adam: { beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.01 },
};
export const allLosses = Float32Array.of(0.3, 0.2, 0.1);
export const adapter = { vendor: 'acme', architecture: 'one', device: '', description: '', software: false };
const snapshot = {
  parameters: weights,
  state,
  readLosses: async (count = 1): Promise<ArrayLike<number>> => allLosses.slice(3 - count),
};
/** A trainer's snapshot with changes. */
export const snapshotOf = (changes: Partial<typeof snapshot> = {}) => ({
  snapshot: async () => ({ ...snapshot, ...changes }),
});
export const trainer: Parameters<typeof saveCheckpoint>[0]['trainer'] = {
  unet,
  adapter,
  variants: { 'conv2d/down.0': 'direct' },
  config: {
    adam: state.adam,
    objective: 'flow',
    schedule: { decay: 'cosine', warmup: 2, steps: 9, floor: 0.5 },
    clipNorm: 2,
    classDropout: 0.25,
  },
  ...snapshotOf(),
};
export const settings = {
  seed: 9,
  batchSize: 4,
  learningRate: 0.01,
  epochs: 2,
  source: 'some/where',
  limit: 6,
  binarize: false,
};
export const images = {
  images: new Uint8Array(6 * 16).fill(200, 5, 9),
  count: 6,
  height: 4,
  width: 4,
  channels: 1,
};
export const data = fingerprintImages(images);
export const model = await saveModel(unet);
export const checkpoint = await saveCheckpoint({ trainer, settings, data, losses: allLosses });

/** What a run that went on from `loaded` would save before its first step. */
export const resaved = (loaded: Checkpoint) =>
  saveCheckpoint({
    trainer: {
      unet: {
        config: loaded.config,
        parameters: listParameters(loaded.config).parameters,
      },
      adapter: { ...adapter, description: loaded.adapter ?? '' },
      variants: loaded.variants,
      config: { ...loaded.training, adam: loaded.state.adam },
      snapshot: async () => ({ ...loaded, readLosses: async () => [] }),
    },
    settings: loaded.settings,
    data: loaded.data,
    losses: loaded.losses,
  });

/** A checkpoint of the run, as it is after any number of steps. */
export const checkpointAt = (step: number, seed = settings.seed): Promise<Uint8Array<ArrayBuffer>> =>
  saveCheckpoint({
    trainer: { ...trainer, ...snapshotOf({ state: { ...state, step } }) },
    settings: { ...settings, seed },
    data,
    losses: Array.from({ length: step }, (_, i) => 1 / (i + 1)),
  });

export const stepOf = (checkpoint: Uint8Array) => loadCheckpoint(checkpoint).state.step;
