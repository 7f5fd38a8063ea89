/** Images that follow the hand and the typed text: a few of the newest place at a time, the one under the hand first. */

import type { Order } from '../messages/messages';
import { imagesAt, type Placed } from '../messages/noise_field';
import { handful, labelsOf } from '../messages/order';
import type { App } from '../shell/app';
import { paperOf, type Tiles } from '../shell/images';
import type { Origin, Sampled } from '../shell/trajectory';
import type { Stage } from './stage';

/** Number of images kept for a hand that goes back. */
const MOST_MADE = 1000;

/** The map of the field shows the digit under the hand at this number of places across, and down. */
export const MAP_SIDE = 5;

/** Chooses the images to make next among missing ones, by index: the one under the hand, then the ones after `after`, in a circle. */
function nextImages(
  missing: readonly number[],
  { hand, after, most }: { hand: number; after: number; most: number },
): number[] {
  const others = missing.filter((i) => i !== hand);
  const turn = [...others.filter((i) => i > after), ...others.filter((i) => i <= after)];
  return [...missing.filter((i) => i === hand), ...turn].slice(0, most);
}

/** The image under the hand: the last one, which is the digit that was just typed. */
export const handOf = ({ count }: Pick<Order, 'count'>) => count - 1;

type Page = Pick<App, 'ask' | 'state' | 'network' | 'measuring' | 'settings'>;

/** Images to make. */
interface Wish extends Origin {
  readonly images: readonly Placed[];
  /** Whether they are the field's map; else they are the digits. */
  readonly isMap: boolean;
}

/** Images by their index among the wished ones. */
type Images = ReadonlyMap<number, Uint8Array>;

export class Hand {
  private readonly app: Page;
  private readonly stage: Stage;
  /** Whether the map's turn has come, where nothing trains. */
  private readonly mayLook: () => boolean;
  /** Images by all that they depend on. */
  private readonly made = new Map<string, Uint8Array>();
  /** The request under way: there is one at a time. */
  private asked: { readonly wish: Wish; readonly images: Promise<Images> } | undefined;
  /** Ends the request under way. */
  private ends = new AbortController();
  /** Number of requests so far. */
  private times = 0;
  private last = 0;

  constructor(app: Page, stage: Stage, mayLook = () => true) {
    this.app = app;
    this.stage = stage;
    this.mayLook = mayLook;
  }

  /**
   * What is under way. For the first images the network may have to be loaded, and its shaders compiled; the map comes behind finished images,
   * which do not wait for it.
   */
  get asks(): 'first' | 'more' | 'map' | undefined {
    if (!this.asked) return undefined;
    if (this.asked.wish.isMap) return 'map';
    return this.made.size === 0 ? 'first' : 'more';
  }

  /** The images of an order with few network calls, as they are made. `before`: what is shown until then. */
  async *follow(order: Order, before: Tiles | undefined): AsyncGenerator<Sampled> {
    const wish = this.wish(order, imagesAt(order.place, order.count), false);
    for await (const bytes of this.fill(wish, before)) {
      const frame = { x: bytes, prediction: bytes };
      yield { ...wish, step: 0, steps: order.steps, frame };
    }
  }

  /** The field's map, as it is made. */
  async *look(order: Order): AsyncGenerator<Tiles> {
    const at = (i: number) => (100 * i) / (MAP_SIDE - 1);
    const images = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => ({
      image: handOf(order),
      place: { across: at(i % MAP_SIDE), down: at(Math.floor(i / MAP_SIDE)) },
    }));
    const wish = this.wish(order, images, true);
    const { height, width, channels } = wish.network;
    for await (const bytes of this.fill(wish)) yield { bytes, height, width, channels, columns: MAP_SIDE };
  }

  /** What was made shows another network, or an earlier one, and what is asked for does, or does not come. */
  forget(): void {
    this.made.clear();
    this.ends.abort();
    this.ends = new AbortController();
    this.asked = undefined;
  }

  private wish(order: Order, images: readonly Placed[], isMap: boolean): Wish {
    const { settings, network, state } = this.app;
    return { order, settings, network, trained: state.losses.length, images, isMap };
  }

  /** All images of a wish as they are made, a few at a time. Until then the images of `before` have their places, if they have the same size. */
  private async *fill(wish: Wish, before?: Tiles): AsyncGenerator<Uint8Array> {
    const { app } = this;
    const { images, isMap, network } = wish;
    const { height, width, channels } = network;
    const size = height * width * channels;
    let bytes = new Uint8Array(images.length * size).fill(paperOf(channels));
    if (before?.height === height && before.width === width && before.channels === channels)
      bytes.set(before.bytes.subarray(0, bytes.length));
    const put = (made: Images) => {
      bytes = bytes.slice();
      for (const [i, image] of made)
        if (image.length === size && i < images.length) bytes.set(image, i * size);
    };
    for (let isNew = false; ; isNew = true) {
      const made = this.madeOf(wish);
      put(made);
      if (isNew || made.size > 0) yield bytes;
      const missing = [...images.keys()].filter((i) => !made.has(i));
      if (missing.length === 0) return;
      // Training would wait for the map, and other tabs do not show it.
      const isTime = () =>
        !isMap || (!app.state.training && app.settings.task === 'sample' && this.mayLook());
      await this.stage.until(() => app.state.adapter !== undefined && !app.measuring && isTime());
      this.asked ??= { wish, images: this.request(wish, missing) };
      const { asked } = this;
      const others = await asked.images.finally(() => {
        if (this.asked === asked) this.asked = undefined;
      });
      // The hand may have moved on meanwhile: these are newer than what is shown all the same.
      if (!isMap && !asked.wish.isMap) put(others);
    }
  }

  /** Makes some of the missing images; none if they are not wanted any more by then. */
  private async request(wish: Wish, missing: readonly number[]): Promise<Images> {
    const { app, made } = this;
    const { signal } = this.ends;
    const { order } = wish;
    const hand = wish.isMap ? 0 : handOf(order);
    const most = handful(app.state.adapter!, this.times++);
    const turn = nextImages(missing, { hand, after: this.last, most });
    this.last = turn.at(-1)!;
    const images = turn.map((i) => wish.images[i]);
    const bytes = await app.ask('follow', { order, images }, signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
    if (!bytes || signal.aborted) return new Map();
    const size = bytes.length / turn.length;
    const parts = turn.map((_, i) => bytes.subarray(i * size, (i + 1) * size));
    for (const [i, image] of images.entries()) made.set(this.origin(wish, image), parts[i]);
    for (const key of made.keys()) {
      if (made.size <= MOST_MADE) break;
      made.delete(key);
    }
    return new Map(turn.map((index, i) => [index, parts[i]]));
  }

  /** The images of a wish that are made. */
  private madeOf(wish: Wish): Images {
    const of = (image: Placed) => this.made.get(this.origin(wish, image));
    return new Map(wish.images.flatMap((image, i) => (of(image) ? [[i, of(image)!] as const] : [])));
  }

  private origin({ order, network, trained }: Wish, { image, place }: Placed): string {
    const { source, steps, method, guidance, seed } = order;
    const label = labelsOf(order, network.classes)?.[image];
    const maker = source === 'run' ? trained : source;
    return [maker, steps, method, guidance, seed, image, place.across, place.down, label].join();
  }
}
