/** The network's answers about a drawing: pictures that it makes from it, and a bar for each possible digit. */
import { noised } from '../../pictures/noise';
import { toBytes } from '../../pictures/pictures';
import { SIDE } from '../../pictures/strokes';
import type { Ask } from '../messages/settings';
import { anyElement, make, makeButton, onClick, setText } from '../shell/dom';
import { ImageView, paperTiles, type Tiles } from '../shell/images';

const SIZE = SIDE * SIDE;
/** Stands for a picture that is not made yet. */
const paper = paperTiles(1, SIDE, SIDE, 1).bytes;
const FILLINGS = ['first', 'second', 'third', 'fourth'];

const tiles = (bytes: Uint8Array): Tiles => ({ bytes, height: SIDE, width: SIDE, channels: 1, columns: 1 });

const showBytes = (view: ImageView, bytes: Uint8Array) => view.show(tiles(bytes));

/** `take` gets the picture that the user goes on with. */
export class DrawViews {
  private readonly noisy = new ImageView('draw-noisy');
  private readonly result = new ImageView('draw-made');
  private readonly fillings: ImageView[];
  private noisyOf = '';

  constructor(take: (picture: Uint8Array) => void) {
    const takeFrom = (view: ImageView) => () => {
      if (view.shown && view.shown.bytes !== paper) take(view.shown.bytes);
    };
    onClick('draw-take', takeFrom(this.result));
    this.fillings = FILLINGS.map((name) => {
      const canvas = make('canvas');
      const frame = make('span', { className: 'images' }, canvas);
      const view = new ImageView(canvas);
      const taker = makeButton('', takeFrom(view), { ariaLabel: `Draw on with the ${name} filling` });
      taker.append(frame);
      anyElement('draw-fillings').append(taker);
      return view;
    });
  }

  /** The image as the network sees it, with this share of noise. The noise comes at once, the answer later. */
  showNoisy(image: Float32Array, share: number, seed: number): void {
    const of = `${share} ${seed} ${image.join()}`;
    if (of === this.noisyOf) return;
    this.noisyOf = of;
    showBytes(this.noisy, toBytes(noised(image, share, seed)));
    setText('draw-noisy-label', `${Math.round(100 * share)} %, as the network sees it`);
  }

  showMade(picture: Uint8Array = paper): void {
    showBytes(this.result, picture);
  }

  /** The pictures that answer this question; there are none for the digits' errors. */
  answerTo(ask: Ask): Uint8Array[] {
    const views = { denoise: [this.noisy, this.result], fill: this.fillings, classify: [] }[ask];
    return views.map(({ shown }) => shown!.bytes);
  }

  /** [4][28][28]. */
  showFillings(images?: Uint8Array): void {
    this.fillings.forEach((view, i) => {
      showBytes(view, images ? images.subarray(i * SIZE, (i + 1) * SIZE) : paper);
    });
  }
}

// ---------------------------------------------------------------- bars

/** From best to worst class: 1 for the one whose prediction errs least, 0 for the one that errs most. Pure. */
export function rankClasses(losses: ArrayLike<number>): number[] {
  const all = Array.from(losses);
  const least = Math.min(...all);
  const most = Math.max(...all);
  return all.map((loss) => (most > least ? (most - loss) / (most - least) : 0));
}

/** The result of the bars in a sentence; `names` are the names of the classes. Pure. */
export function verdict(losses: ArrayLike<number>, names: readonly string[]): string {
  const [best, next] = Array.from(losses, (loss, label) => ({
    loss,
    name: names[label] ?? String(label),
  })).sort((a, b) => a.loss - b.loss);
  if (!next) return `The network knows only one class: ${best.name}.`;
  const percent = (100 * (next.loss - best.loss)) / best.loss;
  return `It looks most like a ${best.name}: with this class the network’s error is smallest. With ${next.name}, the next best, it is ${percent.toFixed(percent < 10 ? 1 : 0)}\u00a0% larger.`;
}

export function showClasses(losses: ArrayLike<number>, names: readonly string[]): void {
  const shares = rankClasses(losses);
  const best = shares.indexOf(Math.max(...shares));
  anyElement('draw-class-rows').replaceChildren(
    ...shares.map((share, label) => row(names[label], share, losses[label], label === best)),
  );
}

/** Empty bars, so that nothing jumps when they fill. */
export function clearClasses(names: readonly string[]): void {
  anyElement('draw-class-rows').replaceChildren(...names.map((name) => row(name, 0, undefined, false)));
}

function row(called: string, share: number, loss: number | undefined, isBest: boolean): HTMLTableRowElement {
  const bar = make('span', { className: 'bar' });
  bar.style.setProperty('--share', `${(100 * share).toFixed(1)}%`);
  const words = make('span', { className: 'visually-hidden' }, `${(100 * share).toFixed(0)} %`);
  return make(
    'tr',
    { className: isBest ? 'best' : '' },
    make('th', { scope: 'row' }, called),
    make('td', {}, bar, words),
    make('td', { className: 'number muted' }, loss === undefined ? '–' : loss.toFixed(4)),
  );
}
