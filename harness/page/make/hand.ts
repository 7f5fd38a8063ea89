/** Images that follow the hand and the typed text: a few of the newest place at a time, the one under the hand first. */

import type { Order } from '../messages/messages';
import { imagesAt, type Placed } from '../messages/noise_field';
import { columnsOf, handful, labelsOf } from '../messages/order';
import type { ImageSize } from '../messages/settings';
import type { App } from '../shell/app';
import { paperOf, type Tiles } from '../shell/images';
import type { Frame, Stage } from './stage';

/** The hand rests after this time without a movement. */
const REST_MS = 300;
/** Number of images kept for a hand that goes back. */
const MOST_MADE = 1000;

/** The map of the field shows the digit under the hand at this number of places across, and down. */
export const MAP_SIDE = 5;

/** Chooses the images to make next among missing ones, by index: the one under the hand, then the ones after `after`, in a circle. */
export function nextImages(
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

/** What the page shows so far, and its order where it follows the hand. */
export interface Before {
  readonly tiles: Tiles | undefined;
  readonly order?: Order;
}

/** Images to make. */
interface Wish {
  readonly order: Order;
  readonly images: readonly Placed[];
  /** Whether the images are the field's map; else they are the digits. */
  readonly isMap: boolean;
  /** Steps of the run at the time of the wish. */
  readonly trained: number;
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
  /** Ends it where another network answers from now on. */
  private replaced = new AbortController();
  /** Number of requests so far. */
  private times = 0;
  private last = 0;

  constructor(app: Page, stage: Stage, mayLook = () => true) {
    this.app = app;
    this.stage = stage;
    this.mayLook = mayLook;
  }

  /** Whether the first images are under way: the network may have to be loaded, and its shaders compiled. */
  get begins(): boolean {
    return this.asked !== undefined && this.made.size === 0 && !this.looks;
  }

  /** Whether the map is under way: it comes behind finished images, which do not wait for it. */
  get looks(): boolean {
    return this.asked?.wish.isMap === true;
  }

  /** The images of an order with few network calls; ends once all are there and the hand rests. */
  async *follow(order: Order, before: Before): AsyncGenerator<Frame> {
    const rest = new Promise<void>((resolve) => setTimeout(resolve, REST_MS));
    const { network } = this.app;
    const tiles = {
      ...blank(order.count, network, before.tiles),
      columns: columnsOf(order, network.classes),
    };
    const newest = before.order?.count === order.count ? before.order : order;
    yield* this.fill(this.wish(order, imagesAt(order.place, order.count), false), tiles, newest);
    await rest;
  }

  /** The field's map. */
  look(order: Order): AsyncGenerator<Frame> {
    const at = (i: number) => (100 * i) / (MAP_SIDE - 1);
    const images = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => ({
      image: handOf(order),
      place: { across: at(i % MAP_SIDE), down: at(Math.floor(i / MAP_SIDE)) },
    }));
    const tiles = { ...blank(images.length, this.app.network), columns: MAP_SIDE };
    return this.fill(this.wish(order, images, true), tiles, order);
  }

  /** What was made shows another network, or an earlier one. */
  forget(): void {
    this.made.clear();
    this.replaced.abort();
    this.replaced = new AbortController();
    this.drop();
  }

  /** The worker has dropped what it was asked. */
  drop(): void {
    this.asked = undefined;
  }

  private wish(order: Order, images: readonly Placed[], isMap: boolean): Wish {
    return { order, images, isMap, trained: this.app.state.losses.length };
  }

  /** The tiles as they are filled, a few images at a time. `newest`: the order of the newest images among them. */
  private async *fill(wish: Wish, tiles: Tiles, newest: Order): AsyncGenerator<Frame> {
    const { app } = this;
    const { order, isMap } = wish;
    for (;;) {
      const made = this.madeOf(wish);
      const missing = [...wish.images.keys()].filter((i) => !made.has(i));
      tiles = withImages(tiles, made);
      if (missing.length === 0) newest = order;
      yield isMap ? { map: tiles } : { tiles, order: newest };
      if (missing.length === 0) return;
      // Training would wait for the map, and other tabs do not show it.
      const isTime = () =>
        !isMap || (!app.state.training && app.settings.task === 'sample' && this.mayLook());
      await this.stage.until(() => app.state.adapter !== undefined && !app.measuring && isTime());
      this.asked ??= { wish, images: this.request(wish, missing) };
      const { asked } = this;
      const images = await asked.images.finally(() => {
        if (this.asked === asked) this.asked = undefined;
      });
      // The hand may have moved on meanwhile: these are newer than what is shown all the same.
      if (isMap || asked.wish.isMap) continue;
      tiles = withImages(tiles, images);
      if (asked.wish.order.count === order.count) newest = asked.wish.order;
    }
  }

  /** Makes some of the missing images; none if another network took its place meanwhile. */
  private async request(wish: Wish, missing: readonly number[]): Promise<Images> {
    const { app, made } = this;
    const { signal } = this.replaced;
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

  private origin({ order, trained }: Wish, { image, place }: Placed): string {
    const { source, steps, method, guidance, seed } = order;
    const label = labelsOf(order, this.app.network.classes)?.[image];
    const network = source === 'run' ? trained : source;
    return [network, steps, method, guidance, seed, image, place.across, place.down, label].join();
  }
}

/** `count` images of paper. The images of `old` take the first places if they have the same size. */
function blank(
  count: number,
  { height, width, channels }: ImageSize,
  old?: Tiles | undefined,
): Omit<Tiles, 'columns'> {
  const bytes = new Uint8Array(count * height * width * channels).fill(paperOf(channels));
  if (old?.height === height && old.width === width && old.channels === channels)
    bytes.set(old.bytes.subarray(0, bytes.length));
  return { bytes, height, width, channels };
}

/** The tiles with these images in the places of their numbers. */
function withImages<Of extends Tiles>(tiles: Of, images: Images): Of {
  const bytes = tiles.bytes.slice();
  const size = tiles.height * tiles.width * tiles.channels;
  for (const [i, image] of images)
    if (image.length === size && (i + 1) * size <= bytes.length) bytes.set(image, i * size);
  return { ...tiles, bytes };
}
