/** Images that follow the hand and the typed text: a few of the newest place at a time, the one under the hand first. */

import type { Order } from '../messages/messages';
import { imagesAt, type Placed } from '../messages/noise_field';
import { handful, orderLabels } from '../messages/order';
import type { App } from '../shell/app';
import { paperByte, type Tiles } from '../shell/images';
import type { NoiseOrigin, Sampled } from '../shell/trajectory';
import type { Stage } from './stage';

/** Number of images kept for a hand that goes back. */
const MOST_MADE = 1000;

/** The map of the field shows the digit under the hand at this number of places across, and down. */
export const MAP_SIDE = 5;

/** The image under the hand: the last one, which is the digit that was just typed. */
export const handIndex = ({ count }: Pick<Order, 'count'>) => count - 1;

/** Images to make. */
interface Wish extends NoiseOrigin {
  readonly images: readonly Placed[];
  /** Whether they are the field's map; else they are the digits. */
  readonly isMap: boolean;
  /** Whether their turn has come. */
  isTime(): boolean;
}

/** Images by their index among the wished ones, as far as they are made. */
type Images = readonly (Uint8Array | undefined)[];

export class Hand {
  private readonly app: App;
  private readonly stage: Stage;
  /** Images by all that they depend on. */
  private readonly cache = new Map<string, Uint8Array>();
  /** The request under way: there is one at a time. */
  private asked: { readonly isMap: boolean; readonly images: Promise<Images> } | undefined;
  /** Ends it. */
  private ends = new AbortController();
  /** Number of requests so far. */
  private times = 0;
  /** The last image that was asked for. */
  private last = 0;

  constructor(app: App, stage: Stage) {
    this.app = app;
    this.stage = stage;
  }

  /**
   * What is under way. For the first images the network may have to be loaded, and its shaders compiled; the map comes behind finished images,
   * which do not wait for it.
   */
  get asks(): 'first' | 'more' | 'map' | undefined {
    if (!this.asked) return undefined;
    if (this.asked.isMap) return 'map';
    return this.cache.size === 0 ? 'first' : 'more';
  }

  /** The images of an order with few network calls, as they are made. `before`: what is shown until then. */
  async *follow(order: Order, before: Sampled | undefined): AsyncGenerator<Sampled> {
    const images = imagesAt(order.place, order.count);
    const wish = { ...this.originOf(order), images, isMap: false, isTime: () => true };
    for await (const bytes of this.fill(wish, before))
      yield { ...wish, step: 0, steps: order.steps, x: bytes, prediction: bytes };
  }

  /** The field's map, as it is made while it `isTime`. */
  async *look(order: Order, isTime: () => boolean): AsyncGenerator<Tiles> {
    const at = (i: number) => (100 * i) / (MAP_SIDE - 1);
    const images = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => ({
      image: handIndex(order),
      place: { across: at(i % MAP_SIDE), down: at(Math.floor(i / MAP_SIDE)) },
    }));
    const wish = { ...this.originOf(order), images, isMap: true, isTime };
    const { height, width, channels } = wish.network;
    for await (const bytes of this.fill(wish)) yield { bytes, height, width, channels, columns: MAP_SIDE };
  }

  /** What was made shows another network, or an earlier one, and what is asked for does, or does not come. */
  forget(): void {
    this.cache.clear();
    this.ends.abort();
    this.ends = new AbortController();
  }

  private originOf(order: Order): NoiseOrigin {
    const { settings, network, state } = this.app;
    return { order, settings, network, trained: state.losses.length };
  }

  /** All images of a wish as they are made, a few at a time. Until then the images of `before` have their places, if they have the same size. */
  private async *fill(wish: Wish, before?: Sampled): AsyncGenerator<Uint8Array> {
    const { app, cache: made } = this;
    const { images, isMap, network } = wish;
    const { height, width, channels } = network;
    const size = height * width * channels;
    let bytes = new Uint8Array(images.length * size).fill(paperByte(channels));
    const { network: last, prediction } = before ?? {};
    if (prediction && last?.height === height && last.width === width && last.channels === channels)
      bytes.set(prediction.subarray(0, bytes.length));
    const put = (some: Images) => {
      bytes = bytes.slice();
      for (const [i, image] of some.slice(0, images.length).entries())
        if (image?.length === size) bytes.set(image, i * size);
    };
    for (let isNew = false; ; isNew = true) {
      const known = images.map((image) => made.get(imageKey(wish, image)));
      put(known);
      if (isNew || known.some((image) => image)) yield bytes;
      const missing = [...known.keys()].filter((i) => !known[i]);
      if (missing.length === 0) return;
      await this.stage.until(() => app.state.adapter !== undefined && !app.measuring && wish.isTime());
      this.asked ??= { isMap, images: this.request(wish, missing) };
      const { asked } = this;
      const others = await asked.images;
      // The hand may have moved on meanwhile: these are newer than what is shown all the same.
      if (!isMap && !asked.isMap) put(others);
    }
  }

  /** Makes some of the missing images: the one under the hand, then the ones after the last, in a circle. None if they are not wanted any more by then. */
  private async request(wish: Wish, missing: readonly number[]): Promise<Images> {
    const { app, cache: made, last } = this;
    const { signal } = this.ends;
    const { order } = wish;
    const hand = wish.isMap ? 0 : handIndex(order);
    const turnOf = (i: number) => (i === hand ? -2 : i > last ? -1 : 0);
    const turn = missing
      .toSorted((a, b) => turnOf(a) - turnOf(b))
      .slice(0, handful(app.state.adapter!, this.times++));
    this.last = turn.at(-1)!;
    const images = turn.map((i) => wish.images[i]);
    const parts: Uint8Array[] = [];
    try {
      const bytes = await app.ask('follow', { order, images }, signal);
      if (signal.aborted) return parts;
      const size = bytes.length / turn.length;
      for (const [at, i] of turn.entries()) {
        parts[i] = bytes.subarray(at * size, (at + 1) * size);
        made.set(imageKey(wish, wish.images[i]), parts[i]);
      }
      for (const key of [...made.keys()].slice(0, -MOST_MADE)) made.delete(key);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.asked = undefined;
    }
    return parts;
  }
}

function imageKey({ order, network, trained }: Wish, { image, place }: Placed): string {
  const { source, steps, method, guidance, seed } = order;
  const label = orderLabels(order, network.classes)?.[image];
  const maker = source === 'run' ? trained : source;
  return [maker, steps, method, guidance, seed, image, place.across, place.down, label].join();
}
