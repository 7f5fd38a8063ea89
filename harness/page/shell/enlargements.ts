/** Finished images at twice the side: the network's stand until the enlarger's take their place. */

import { enlargeOf } from '../../run/enlarging';
import type { Given } from '../messages/calls';
import type { Order } from '../messages/messages';
import type { Settings } from '../messages/settings';
import type { Tiles } from './images';
import { networkIn, rests, type State } from './state';

interface Page {
  readonly state: State;
  readonly settings: Settings;
  readonly measuring: string | undefined;
  ask(name: 'enlarge', images: Given<'enlarge'>[0], signal: AbortSignal): Promise<Uint8Array>;
  notify(notice: string): void;
}

export class Enlargements {
  private readonly app: Page;
  /** By the bytes of the network's images; those that could not be enlarged stand for themselves. */
  private readonly made = new WeakMap<Uint8Array, Tiles>();
  /** Ends the request under way: there is one at a time. */
  private asked: AbortController | undefined;

  constructor(app: Page) {
    this.app = app;
  }

  /** Whether images are being enlarged. */
  get busy(): boolean {
    return this.asked !== undefined;
  }

  /** How finished images of a network are to be shown: enlarged, or as they are. Undefined until they are enlarged, which this asks for. */
  of(tiles: Tiles, source: Order['source']): Tiles | undefined {
    const { state, settings, measuring } = this.app;
    const { recipe } = networkIn(source, state, settings);
    const isShrunk = source === 'file' || state.data?.shrunk;
    if (enlargeOf({ ...tiles, recipe }, settings.enlarge, isShrunk) !== 'smooth') return tiles;
    const made = this.made.get(tiles.bytes);
    // What its kernels compile and compare would hold up training.
    if (!made && !this.asked && rests(state) && !state.training && !measuring) void this.ask(tiles);
    return made;
  }

  /** What is under way is not wanted any more, or does not come. */
  drop(): void {
    this.asked?.abort();
    this.asked = undefined;
  }

  private async ask(tiles: Tiles): Promise<void> {
    const { app, made } = this;
    const { bytes, height, width } = tiles;
    const asked = new AbortController();
    this.asked = asked;
    const large = await app.ask('enlarge', { bytes, height, width }, asked.signal).then(
      (large) => ({ ...tiles, bytes: large, height: 2 * height, width: 2 * width, enlarged: true }),
      (error: Error) => {
        if (asked.signal.aborted) return undefined;
        app.notify(`The images stay as the network made them. ${error.message}`);
        return tiles;
      },
    );
    if (large) made.set(bytes, large);
    if (this.asked === asked) this.asked = undefined;
  }
}
