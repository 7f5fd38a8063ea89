/** The pictures of the Draw tab: the noised drawing, what is made of it, and the fillings of a mask. */

import { noised } from '../../run/noise';
import { toBytes } from '../../run/pictures';
import { anyElement, button, byId, setText } from '../shell/dom';
import { ImageView, type Tiles } from '../shell/images';
import type { Ask } from '../shell/settings';
import { SIDE } from '../shell/strokes';

const SIZE = SIDE * SIDE;
/** What stands where there is no picture yet: a grey slightly darker than the paper. */
const paper = new Uint8Array(SIZE).fill(14);
const FILLINGS = ['first', 'second', 'third', 'fourth'];

const tiles = (bytes: Uint8Array): Tiles => ({ bytes, height: SIDE, width: SIDE, columns: 1 });

/** Draws only what is new. */
function show(view: ImageView, bytes: Uint8Array): void {
  if (view.shown?.bytes !== bytes) view.show(tiles(bytes));
}

/** `take` gets the picture that the user goes on with. */
export class DrawViews {
  private readonly noisy = new ImageView(byId('draw-noisy', HTMLCanvasElement));
  private readonly made = new ImageView(byId('draw-made', HTMLCanvasElement));
  private readonly fillings: ImageView[];
  private noisyOf = '';

  constructor(take: (picture: Uint8Array) => void) {
    const takeFrom = (view: ImageView) => () => {
      if (view.shown && view.shown.bytes !== paper) take(view.shown.bytes);
    };
    button('draw-take').addEventListener('click', takeFrom(this.made));
    this.fillings = FILLINGS.map((name) => {
      const canvas = document.createElement('canvas');
      const frame = document.createElement('span');
      frame.className = 'images';
      frame.append(canvas);
      const taker = document.createElement('button');
      taker.type = 'button';
      taker.setAttribute('aria-label', `Draw on with the ${name} filling`);
      taker.append(frame);
      anyElement('draw-fillings').append(taker);
      const view = new ImageView(canvas);
      taker.addEventListener('click', takeFrom(view));
      return view;
    });
  }

  /** The image as the network sees it, with this share of noise. The noise comes at once, what is made of it later. */
  showNoisy(image: Float32Array, share: number, seed: number): void {
    const of = `${share} ${seed} ${image.join()}`;
    if (of === this.noisyOf) return;
    this.noisyOf = of;
    show(this.noisy, toBytes(noised(image, share, seed)));
    setText(anyElement('draw-noisy-label'), `${Math.round(100 * share)} %, as the network sees it`);
  }

  showMade(picture: Uint8Array = paper): void {
    show(this.made, picture);
  }

  /** What answers this question; for the digits' errors there is no picture. */
  answerTo(ask: Ask): Uint8Array[] {
    const views = { denoise: [this.noisy, this.made], fill: this.fillings, classify: [] }[ask];
    return views.map(({ shown }) => shown!.bytes);
  }

  /** [4][28][28]. */
  showFillings(images?: Uint8Array): void {
    this.fillings.forEach((view, i) => {
      show(view, images ? images.subarray(i * SIZE, (i + 1) * SIZE) : paper);
    });
  }
}
