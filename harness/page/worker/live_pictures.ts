/** The pictures that the worker makes with a network: the live grid, the strip of eight, and images that follow the hand. */
import type { Engine, ImageSet, UNet } from '../../../src';
import type { Objective } from '../../../src/training/step_config';
import type { Session } from '../../../src/worker';
import { noiseMoreAndMore } from '../../pictures/noise';
import { greys, toBytes } from '../../pictures/pictures';
import type { Order } from '../messages/messages';
import { noiseOf, type Placed, START } from '../messages/noise_field';
import { columnsFor, fullGrid, liveSampling, type Network, roomFor, samplingOf } from '../messages/order';
import type { Post } from './worker_state';

const STRIP_IMAGES = 8;

export class LivePictures {
  private readonly send: Post;
  private readonly session: Session;

  constructor(send: Post, session: Session) {
    this.send = send;
    this.session = session;
  }

  /** Samples of a fixed seed, a column for each class: only the network changes from one grid to the next. `isLast`: with the network's polish. */
  async grid(
    engine: Engine,
    network: Network,
    options: { step: number; count: number; seed: number; isLast?: boolean; signal?: AbortSignal },
  ): Promise<void> {
    const { step, seed, isLast = false, signal } = options;
    if (options.count === 0) return;
    const classes = classesOf(network.unet);
    const count = fullGrid(options.count, classes);
    const sampler = await this.session.samplers.sampler('grid', engine, network.unet, count);
    const how = liveSampling(network, engine.adapter, count);
    const polish = isLast ? network.unet.sampling?.polish : false;
    const images = toBytes(await sampler.sample({ ...how, polish, seed, signal }));
    const columns = columnsFor(count, classes);
    this.send({ type: 'pictures', pictures: { grid: { step, images, columns } } }, [images.buffer]);
  }

  /** The first images, the same images with growing noise, and the images that the network, if any, predicts behind it. */
  async strip(
    images: ImageSet,
    objective: Objective,
    unet: UNet | undefined,
    { step, seed }: { step: number; seed: number },
  ): Promise<void> {
    const count = Math.min(STRIP_IMAGES, images.count);
    const original = greys(images, count);
    // What is trained on: the tutorial makes it black and white.
    const clean =
      objective === 'tutorial'
        ? { ...original, values: original.values.map((value) => Number(value > 0.5)) }
        : original;
    const { levels, input, shown, behind } = noiseMoreAndMore(objective, clean, seed);
    const conditions = unet && conditionsOf(unet, images, levels);
    const predictions = conditions
      ? toBytes(behind(await unet.predict(input, { count, ...conditions })))
      : undefined;
    const strip = { step, clean: toBytes(clean.values), noisy: toBytes(shown), predictions };
    this.send({ type: 'pictures', pictures: { strip } });
  }

  /** Some images of an order, each at a place of its own, [images][height][width][channels]. */
  async follow(
    engine: Engine,
    network: Network,
    order: Order,
    images: readonly Placed[],
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { height, width, channels } = network.unet.config;
    const kind = { classes: classesOf(network.unet), objective: network.objective, height, width, channels };
    const size = height * width * channels;
    const count = roomFor(images.length, engine.adapter);
    const sampler = await this.session.samplers.sampler(`hand ${count}`, engine, network.unet, count);
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
