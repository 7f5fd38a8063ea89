/** Samples of the run, and the training picture nearest to each. Loaded at the first request. */
import type { Engine, ImageSet } from '../../../src';
import { nearness } from '../../pictures/nearest';
import { toBytes } from '../../pictures/pictures';
import type { NearestFound } from '../messages/measurements';
import { labelsFor, type Network } from '../messages/order';

const SAMPLES = 20;

/** Samples as the network's own sampling makes them, some of each class. Rejects with the signal's reason. */
export async function findNearest(
  engine: Engine,
  { unet }: Network,
  set: ImageSet,
  { step, seed, signal }: { step: number; seed: number; signal: AbortSignal },
): Promise<NearestFound> {
  const { height, width, channels, conditioning } = unet.config;
  const { classes = 0 } = conditioning ?? {};
  using sampler = await engine.createSampler(unet, { count: SAMPLES, tune: false });
  const labels = classes > 0 ? { labels: labelsFor(SAMPLES, classes, 'all') } : {};
  const samples = toBytes(await sampler.sample({ ...labels, seed, signal }));
  let rested = performance.now();
  const { neighbours, near } = await nearness(samples, set, seed, async () => {
    if (performance.now() - rested < 20) return;
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    rested = performance.now();
  });
  const size = height * width * channels;
  const nearest = Uint8Array.from(
    neighbours.flatMap(({ at }) => [...set.images.subarray(at * size, (at + 1) * size)]),
  );
  const distances = neighbours.map(({ distance }) => distance);
  return { step, samples, nearest, distances, near, height, width, channels };
}
