/** A network and images so small that a step takes milliseconds on any adapter. */
import { TestRandom } from '../../harness/specs/lib/spec';
import type { ImageSet } from '../../src/data/idx';
import type { Gpu } from '../../src/gpu/gpu';
import type { TrainerOptions, TrainingEvent } from '../../src/training/options';
import { Trainer } from '../../src/training/trainer';
import type { UNetConfig } from '../../src/unet/config';
import { UNet } from '../../src/unet/unet';

export const network = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
export const SIZE = 4 * 8;
export const BATCH = 4;
export const CLASSES = 3;
/** The same, conditioned on the noise level and the class of each image. */
export const conditionedNetwork = {
  ...network,
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: CLASSES },
} as const;

/** Epochs of three steps, the last of two images. */
export const images: ImageSet = {
  images: Uint8Array.from(new TestRandom(5).integers(10 * SIZE, 256)),
  count: 10,
  height: 4,
  width: 8,
  channels: 1,
  labels: Uint8Array.from(new TestRandom(6).integers(10, CLASSES)),
};

export async function setUp(gpu: Gpu, options: TrainerOptions = {}, config: Partial<UNetConfig> = network) {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  return { unet, trainer: await Trainer.create(gpu, unet, { batchSize: BATCH, ...options }) };
}

/** The same for the same seed. */
export function batchOf(seed: number, count = BATCH) {
  const random = new TestRandom(seed);
  return { noisy: random.floats(count * SIZE, 0, 1), target: random.floats(count * SIZE, 0, 1) };
}

/** All events of a fit. */
export async function eventsOf(events: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export const lossesOf = async (events: AsyncIterable<TrainingEvent>): Promise<number[]> =>
  (await eventsOf(events)).map(({ loss }) => loss);
