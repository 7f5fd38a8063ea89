/** The pictures that the worker makes with a network: the live grid, the strip of eight, and images that follow the hand. */
import type { Engine, ImageSet, UNet } from '../../../src';
import { noiseMoreAndMore } from '../../pictures/noise';
import { greys, toBytes } from '../../pictures/pictures';
import type { Order } from '../messages/messages';
import { noiseOf, type Placed, START } from '../messages/noise_field';
import { columnsFor, fullGrid, liveSampling, roomFor, samplingOf } from '../messages/order';
import type { WorkerState } from './worker_state';

const STRIP_IMAGES = 8;

/** Sends samples of the run after a step, of a fixed seed, a column for each class: only the network changes from one grid to the next. */
export async function sendGrid(state: WorkerState, step: number, signal?: AbortSignal): Promise<void> {
  const { session, objective, settings, current } = state;
  const { run, engine } = session;
  const { seed } = current;
  // It may have been closed before these pictures had their turn.
  if (!run?.unet || !engine || settings.samples === 0) return;
  const { unet, complete } = run;
  const classes = classesOf(unet);
  const count = fullGrid(settings.samples, classes);
  const sampler = await session.samplers.sampler('grid', engine, unet, count);
  const how = liveSampling({ unet, objective }, engine.adapter, count);
  const polish = complete && unet.sampling?.polish;
  const images = toBytes(await sampler.sample({ ...how, polish, seed, signal }));
  const columns = columnsFor(count, classes);
  state.post({ type: 'pictures', pictures: { grid: { step, images, columns, isLast: complete } } }, [
    images.buffer,
  ]);
}

/** Sends the first images, the same images with growing noise, and the images that the network, if any, predicts behind it. */
export async function sendStrip({ images, objective, unet, current, post }: WorkerState, step: number) {
  if (!images) return;
  const count = Math.min(STRIP_IMAGES, images.count);
  const original = greys(images, count);
  // What is trained on: the tutorial makes it black and white.
  const clean =
    objective === 'tutorial'
      ? { ...original, values: original.values.map((value) => Number(value > 0.5)) }
      : original;
  const { levels, input, shown, behind } = noiseMoreAndMore(objective, clean, current.seed);
  const conditions = unet && conditionsOf(unet, images, levels);
  const predictions = conditions
    ? toBytes(behind(await unet.predict(input, { count, ...conditions })))
    : undefined;
  const strip = { step, clean: toBytes(clean.values), noisy: toBytes(shown), predictions };
  post({ type: 'pictures', pictures: { strip } });
}

/** Some images of an order, each at a place of its own, [images][height][width][channels]. */
export async function follow(
  state: WorkerState,
  engine: Engine,
  order: Order,
  images: readonly Placed[],
): Promise<Uint8Array<ArrayBuffer>> {
  const { unet, objective } = await state.networkFrom(order.source);
  const { height, width, channels } = unet.config;
  const kind = { classes: classesOf(unet), objective, height, width, channels };
  const size = height * width * channels;
  const count = roomFor(images.length, engine.adapter);
  const sampler = await state.session.samplers.sampler(`hand ${count}`, engine, unet, count);
  const all = Array.from({ length: count }, (_, i) => images[i] ?? images[0]);
  const { labels, ...options } = samplingOf(kind, { ...order, place: START });
  const made = await sampler.sample({
    ...options,
    polish: false,
    noise: noiseOf(order.seed, all, size),
    ...(labels ? { labels: all.map(({ image }) => labels[image]) } : {}),
  });
  return toBytes(made.subarray(0, images.length * size));
}

const classesOf = ({ config }: UNet) => config.conditioning?.classes ?? 0;

/** The conditioning for the first images; undefined if they do not have the network's size or lack labels that it needs. */
function conditionsOf({ config }: UNet, { height, width, channels, labels }: ImageSet, levels: Float32Array) {
  const { noiseLevel = false, classes = 0 } = config.conditioning ?? {};
  if (config.height !== height || config.width !== width || config.channels !== channels) return undefined;
  if (classes > 0 && !labels) return undefined;
  return {
    ...(noiseLevel ? { levels } : {}),
    // A class that the network does not know becomes no class.
    ...(classes > 0 ? { labels: Array.from(levels, (_, i) => Math.min(labels![i], classes)) } : {}),
  };
}
