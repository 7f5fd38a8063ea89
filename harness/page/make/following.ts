/** Makes digits that follow the hand and the typed text: a few images of the newest wish at a time, the one under the hand first. */

import { isDistilled, isFreed, type Order, patchOf, type WorkerEvent } from '../messages/messages';
import { imagesAt, type Placed } from '../messages/noise_field';
import { columnsOf, handful, labelsOf } from '../messages/order';
import type { ImageSize } from '../messages/settings';
import type { App } from '../shell/app';
import { paperOf, type Tiles } from '../shell/images';

/** The hand rests after this time without a movement. */
const REST_MS = 300;
/** Number of images kept for a hand that goes back. */
const MOST_MADE = 1000;

/** The map of the field shows the digit under the hand at this number of places across, and down. */
export const MAP_SIDE = 5;

/** Chooses the images to make next among old ones, by index: the one under the hand, then the ones after `after`, in a circle. */
export function nextImages(
  old: readonly number[],
  { hand, after, most }: { hand: number; after: number; most: number },
): number[] {
  const others = old.filter((i) => i !== hand);
  const turn = [...others.filter((i) => i > after), ...others.filter((i) => i <= after)];
  return [...old.filter((i) => i === hand), ...turn].slice(0, most);
}

/** The image under the hand: the last one, which is the digit that was just typed. */
export const handOf = ({ count }: Pick<Order, 'count'>) => count - 1;

type Page = Pick<App, 'ask' | 'state' | 'network' | 'measuring' | 'settings'>;

/** Images to make. */
interface Wish {
  readonly order: Order;
  readonly images: readonly Placed[];
  /** Whether the images are the field's map; else they are the digits. */
  readonly map: boolean;
  /** Steps of the run at the time of the wish. */
  readonly trained: number;
}

export class Following {
  private readonly app: Page;
  private readonly rested: () => void;
  private wish: Wish | undefined;
  /** The digits while they follow the hand, and the order of the newest among them. */
  private tiles: Tiles | undefined;
  private newest: Order | undefined;
  /** The digit under the hand all over the field, as far as it is made. */
  map: Tiles | undefined;
  /** Images by all that they depend on. */
  private readonly made = new Map<string, Uint8Array>();
  private asked: Wish | undefined;
  /** Number of requests so far. */
  private times = 0;
  private last = 0;
  private rests = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  problem: string | undefined;

  /** `rested` is called when the hand rests and all digits are made for its place. */
  constructor(app: Page, rested: () => void) {
    this.app = app;
    this.rested = rested;
  }

  /** The digits made so far, and the order of the newest; undefined when nothing follows the hand. */
  get shown(): { readonly order: Order; readonly tiles: Tiles } | undefined {
    const { newest, tiles } = this;
    return newest && tiles && { order: newest, tiles };
  }

  /** Whether the first images are under way: the network may have to be loaded, and its shaders compiled. */
  get begins(): boolean {
    return this.asked !== undefined && this.made.size === 0 && !this.looks;
  }

  /** Whether the map is under way: it comes behind finished images, which do not wait for it. */
  get looks(): boolean {
    return this.asked !== undefined && this.wish?.map === true;
  }

  /** Makes these images from now on, in place of earlier ones. `before`: the images that the page shows if nothing follows yet. */
  follow(order: Order, before: Tiles | undefined): void {
    const { network } = this.app;
    const columns = columnsOf(order, network.classes);
    this.tiles = { ...blank(order.count, network, this.tiles ?? before), columns };
    if (this.newest?.count !== order.count) this.newest = order;
    this.want(order, imagesAt(order.place, order.count), false);
    this.rests = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.rests = true;
      this.next();
    }, REST_MS);
  }

  /** Makes the field's map, while nothing follows. */
  look(order: Order): void {
    const at = (i: number) => (100 * i) / (MAP_SIDE - 1);
    const images = Array.from({ length: MAP_SIDE ** 2 }, (_, i) => ({
      image: handOf(order),
      place: { across: at(i % MAP_SIDE), down: at(Math.floor(i / MAP_SIDE)) },
    }));
    this.map = { ...blank(images.length, this.app.network, undefined), columns: MAP_SIDE };
    this.want(order, images, true);
  }

  /** Nothing follows any more: something else is shown. */
  drop(): void {
    clearTimeout(this.timer);
    this.wish = undefined;
    this.tiles = undefined;
    this.newest = undefined;
    this.problem = undefined;
  }

  receive(event: WorkerEvent): void {
    const { adapter, model } = patchOf(event);
    if (adapter) this.next();
    else if (event.type === 'lost') {
      // The worker has dropped what it was asked. A lost device is not asked for again before something moves.
      this.asked = undefined;
      if (this.tiles || this.missing.length > 0)
        this.problem = 'The GPU device was lost. Press Make, and the page asks for another one.';
    } else if (isFreed(event)) {
      // The run is gone: asked again, the worker would make another network for it.
      if (this.wish?.order.source === 'run') this.wish = undefined;
      this.forgetMade();
    } else if (model || isDistilled(event) || (event.type === 'losses' && event.again)) this.forgetMade();
  }

  /** What was made shows another network, or an earlier one. */
  private forgetMade(): void {
    this.asked = undefined;
    this.made.clear();
  }

  private want(order: Order, images: readonly Placed[], map: boolean): void {
    this.wish = { order, images, map, trained: this.app.state.losses.length };
    this.problem = undefined;
    this.showMade();
    this.next();
  }

  private async make(asked: Wish): Promise<void> {
    const { order, images } = asked;
    const made = await this.app.ask('follow', { order, images }).catch((error: Error) => error);
    if (this.asked !== asked) return;
    this.asked = undefined;
    if (made instanceof Error) this.problem = made.message;
    else this.take(asked, made);
  }

  private take(asked: Wish, images: Uint8Array): void {
    const size = images.length / asked.images.length;
    const parts = asked.images.map((_, i) => images.subarray(i * size, (i + 1) * size));
    for (const [i, image] of asked.images.entries()) this.made.set(this.origin(asked, image), parts[i]);
    for (const key of this.made.keys()) {
      if (this.made.size <= MOST_MADE) break;
      this.made.delete(key);
    }
    // The hand may have moved on meanwhile: these are newer than what is shown all the same.
    if (!asked.map && this.tiles) {
      this.show(new Map(asked.images.map(({ image }, i) => [image, parts[i]])));
      if (asked.order.count === this.newest?.count) this.newest = asked.order;
    }
    this.showMade();
    this.next();
  }

  /** Shows the images of the wish that are made already. */
  private showMade(): void {
    const { wish } = this;
    const made = wish?.images.map((image) => this.made.get(this.origin(wish, image)));
    if (made) this.show(new Map(made.flatMap((bytes, i) => (bytes ? [[i, bytes]] : []))));
  }

  /** Puts images in the places of their numbers: among the digits, if these follow, else in the map. */
  private show(images: ReadonlyMap<number, Uint8Array>): void {
    const { tiles = this.map } = this;
    if (!tiles) return;
    const bytes = tiles.bytes.slice();
    const size = tiles.height * tiles.width * tiles.channels;
    for (const [i, image] of images)
      if (image.length === size && (i + 1) * size <= bytes.length) bytes.set(image, i * size);
    if (this.tiles) this.tiles = { ...tiles, bytes };
    else this.map = { ...tiles, bytes };
  }

  /** The images of the wish that are not made yet, by index. */
  private get missing(): number[] {
    const { wish } = this;
    if (!wish) return [];
    return [...wish.images.keys()].filter((i) => !this.made.has(this.origin(wish, wish.images[i])));
  }

  /** Requests images that are old, unless a request is under way. */
  next(): void {
    const { wish, problem } = this;
    const { measuring, state, settings } = this.app;
    const { adapter, training } = state;
    if (!wish || this.asked || !adapter || problem || measuring) return;
    const { images, order, map } = wish;
    // Training would wait for the map, and other tabs do not show it.
    if (map && (training || settings.task !== 'sample')) return;
    const hand = map ? 0 : handOf(order);
    const turn = nextImages(this.missing, { hand, after: this.last, most: handful(adapter, this.times) });
    if (turn.length > 0) {
      this.last = turn.at(-1)!;
      this.times++;
      this.asked = { ...wish, images: turn.map((i) => images[i]) };
      void this.make(this.asked);
    } else if (this.tiles && this.rests) this.rested();
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
  old: Tiles | undefined,
): Omit<Tiles, 'columns'> {
  const bytes = new Uint8Array(count * height * width * channels).fill(paperOf(channels));
  if (old?.height === height && old.width === width && old.channels === channels)
    bytes.set(old.bytes.subarray(0, bytes.length));
  return { bytes, height, width, channels };
}
