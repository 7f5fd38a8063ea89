/** Finished images at twice the side: the network's stand until the enlarger's take their place. */

import { chooseEnlarge } from '../../run/enlarging';
import type { Order } from '../messages/messages';
import type { Settings } from '../messages/settings';
import type { Tiles } from './images';
import { Latest } from './latest';
import { networkIn, rests, type State } from './state';
import type { TrainingWorker } from './training_worker';

interface Page {
  readonly state: State;
  readonly settings: Settings;
  readonly measuring: string | undefined;
  ask(
    name: 'enlarge',
    images: Parameters<TrainingWorker['enlarge']>[0],
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  notify(notice: string): void;
}

export class Enlargements {
  private readonly app: Page;
  /** By the bytes of the network's images; those that could not be enlarged stand for themselves. */
  private readonly enlarged = new WeakMap<Uint8Array, Tiles>();
  private readonly latest: Latest<Tiles, Uint8Array>;

  constructor(app: Page) {
    this.app = app;
    this.latest = new Latest(
      ({ bytes, height, width }, signal) => app.ask('enlarge', { bytes, height, width }, signal),
      ({ question: tiles, answer: bytes, problem }) => {
        const { height, width } = tiles;
        const large = bytes && { ...tiles, bytes, height: 2 * height, width: 2 * width, enlarged: true };
        this.enlarged.set(tiles.bytes, large ?? tiles);
        if (problem) app.notify(`The images stay as the network made them. ${problem}`);
      },
    );
  }

  /** Whether images are being enlarged. */
  get busy(): boolean {
    return this.latest.waiting;
  }

  /** How finished images of a network are to be shown: enlarged, or as they are. Undefined until they are enlarged, which this asks for. */
  of(tiles: Tiles, source: Order['source']): Tiles | undefined {
    const { state, settings, measuring } = this.app;
    const { recipe } = networkIn(source, state, settings);
    const isShrunk = source === 'file' || state.data?.shrunk;
    if (chooseEnlarge({ ...tiles, recipe }, settings.enlarge, isShrunk) !== 'smooth') return tiles;
    const enlarged = this.enlarged.get(tiles.bytes);
    // What its kernels compile and compare would hold up training.
    if (!enlarged && !this.busy && rests(state) && !state.training && !measuring) this.latest.ask(tiles);
    return enlarged;
  }

  /** What is under way is not wanted any more, or does not come. */
  drop(): void {
    this.latest.drop();
  }
}
