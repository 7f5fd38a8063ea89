/** Writes out the arithmetic of one pixel of a convolution's map. Loaded when the first pixel is opened. */
import { commentedShader } from '../../run/commented_shader';
import { plural, whole } from '../../text/units';
import type { Arithmetic, InsideLayer, Looked } from '../messages/inside_messages';
import { button, byId, make, onClick, setText } from '../shell/dom';
import { element } from '../shell/table';
import { showSources } from '../sources/sources';
import { numberText } from './part_view';
import {
  activationAt,
  mapSums,
  type PixelPlace,
  pixelAfter,
  pixelBefore,
  pixelLines,
  pixelTaps,
  referenceAt,
  type Tap,
  tapProduct,
} from './pixel';
import { largest, paintMaps } from './shades';

/** The look that the pixel's numbers are of, and the pixel's place in the layer of `arithmetic`. */
interface OpenPixel {
  readonly looked: Looked & { readonly arithmetic: Arithmetic };
  readonly place: PixelPlace;
}

/** Actions of the view's buttons. */
interface PixelActions {
  readonly go: (layer: string, place: PixelPlace) => void;
  readonly close: () => void;
}

const seven = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 7, maximumSignificantDigits: 7 });
const exact = (value: number) => seven.format(value).replace('-', '−');

/** Columns of the picture of all input maps' sums. */
const COLUMNS = 16;
/** The maps of a coloured image. */
const COLOURS = ['red', 'green', 'blue'];

export class PixelView {
  private open: OpenPixel | undefined;
  private inputMap = 0;
  private sums: Float64Array = new Float64Array(0);
  private readonly actions: PixelActions;
  private readonly slider = byId('pixel-input', HTMLInputElement);
  private readonly strip = byId('pixel-sums', HTMLCanvasElement);

  constructor(actions: PixelActions) {
    this.actions = actions;
    this.slider.addEventListener('input', () => this.choose(Number(this.slider.value) - 1));
    this.strip.addEventListener('click', ({ clientX, clientY }) => {
      const { left, top, width, height } = this.strip.getBoundingClientRect();
      const columns = Math.min(COLUMNS, this.sums.length);
      const rows = Math.ceil(this.sums.length / columns);
      const column = Math.floor(((clientX - left) / width) * columns);
      const at = Math.floor(((clientY - top) / height) * rows) * columns + column;
      if (at >= 0 && at < this.sums.length) this.choose(at);
    });
    onClick('pixel-before', () => this.follow('before'));
    onClick('pixel-after', () => this.follow('after'));
    onClick('pixel-close', () => actions.close());
    byId('pixel-source', HTMLDetailsElement).addEventListener('toggle', () => this.showSource());
  }

  show(open: OpenPixel): void {
    if (open.looked.arithmetic.layer !== this.open?.looked.arithmetic.layer) this.inputMap = 0;
    this.open = open;
    const { layer, place } = this;
    const numbers = open.looked.arithmetic;
    this.sums = mapSums(layer, numbers, place);
    this.slider.max = String(layer.inChannels);
    this.slider.disabled = layer.inChannels === 1;
    setText('pixel-title', `${layer.name}: map ${place.map + 1}, row ${place.y + 1}, column ${place.x + 1}`);
    byId('pixel-total', HTMLTableElement).tBodies[0].replaceChildren(
      ...this.total().map(([what, value]) =>
        make('tr', {}, make('th', { scope: 'row' }, what), make('td', { className: 'number' }, value)),
      ),
    );
    setText('pixel-form', formText(numbers.form));
    const at = this.layers.indexOf(layer);
    button('pixel-before').ariaDisabled = String(at === 0);
    button('pixel-after').ariaDisabled = String(at === this.layers.length - 1);
    this.showLines();
    this.showSource();
    this.choose(Math.min(this.inputMap, layer.inChannels - 1));
  }

  private get layers(): readonly InsideLayer[] {
    return this.open!.looked.layers.filter(({ isConditioning }) => !isConditioning);
  }

  private get layer(): InsideLayer {
    const { arithmetic } = this.open!.looked;
    return this.layers.find(({ name }) => name === arithmetic.layer)!;
  }

  private get place(): PixelPlace {
    return this.open!.place;
  }

  private follow(way: 'before' | 'after'): void {
    if (!this.open) return;
    const { layers, layer, place, inputMap } = this;
    const { activations } = this.open.looked;
    const at = layers.indexOf(layer);
    const next =
      way === 'after'
        ? pixelAfter(layers, at, place)
        : pixelBefore(layers, at, place, inputMap, (name) => activations[name]);
    if (next) this.actions.go(layers[at + (way === 'after' ? 1 : -1)].name, next);
  }

  /** The rows of the sum. */
  private total(): readonly (readonly [string, string])[] {
    const { layer, place } = this;
    const { arithmetic, preActivations } = this.open!.looked;
    const { bias, imageBias } = arithmetic;
    const { y, x, map } = place;
    const wanted = referenceAt(layer, arithmetic, place);
    const stored = preActivations[layer.name][(y * layer.width + x) * layer.outChannels + map];
    const residual = layer.residual ? ', with the layer’s input added' : '';
    const what = `${layer.activation === 'swish' ? 'after swish' : 'in all'}${residual}`;
    const activated = layer.activation === 'swish' || layer.residual;
    return [
      [`products of ${maps(layer.inChannels)}`, exact(this.sums.reduce((a, b) => a + b, 0))],
      [`bias of map ${map + 1}`, exact(bias[map])],
      ...(imageBias
        ? [['bias of the image, for noise level and class', exact(imageBias[map])] as const]
        : []),
      ['their sum, in 64 bits, by the reference', exact(wanted)],
      ['in the GPU’s buffer, in 32 bits', exact(stored)],
      ['difference', numberText(stored - wanted)],
      ...(activated ? [[what, exact(activationAt(layer, arithmetic, place, wanted))] as const] : []),
    ];
  }

  private choose(map: number): void {
    const { layer, place } = this;
    const numbers = this.open!.looked.arithmetic;
    this.inputMap = map;
    this.slider.value = String(map + 1);
    const taps = pixelTaps(layer, numbers, place, map);
    const side = layer.kernelSize;
    fillTable('pixel-window', side, taps, ({ value }) => value);
    fillTable('pixel-kernel', side, taps, ({ weight }) => weight);
    fillTable('pixel-products', side, taps, (tap) => (tap.value === undefined ? undefined : tapProduct(tap)));
    const outside = taps.filter(({ value }) => value === undefined).length;
    const edge =
      outside === 0
        ? ''
        : ` ${plural(outside, 'place')} of the window ${outside === 1 ? 'is' : 'are'} outside of the image and ${outside === 1 ? 'counts' : 'count'} as 0.`;
    const isColour = layer === this.layers[0] && layer.inChannels === COLOURS.length;
    const text = `Input map ${map + 1} of ${layer.inChannels}${isColour ? `, ${COLOURS[map]},` : ''} adds ${numberText(this.sums[map])}.${edge}`;
    setText('pixel-about', text);
    this.slider.ariaValueText = text;
    const columns = Math.min(COLUMNS, layer.inChannels);
    const most = largest(this.sums);
    const value = (_: number, y: number, x: number) => this.sums[y * columns + x] ?? 0;
    const rows = Math.ceil(layer.inChannels / columns);
    paintMaps(this.strip, { height: rows, width: columns, count: 1, columns: 1, value }, most);
    this.strip.style.width = `min(100%, ${columns * 1.5}rem)`;
    this.strip.ariaLabel = `What each input map adds, up to ${numberText(most)}`;
  }

  /** The lines of the plain form that compute this map, in its text as a GPU gets it. */
  private showLines(): void {
    const { imageBias } = this.open!.looked.arithmetic;
    const lines = pixelLines(commentedShader('conv2d').text, this.place.map, imageBias !== undefined);
    setText('pixel-lines', lines.join('\n'));
  }

  private showSource(): void {
    const details = byId('pixel-source', HTMLDetailsElement);
    if (details.open && details.children.length === 1) details.append(showSources('conv2d', ['conv2d']));
  }
}

const maps = (count: number) => (count === 1 ? 'the input map' : `all ${whole(count)} input maps`);

/** Numbers of one table have as many decimals as give the largest three digits. */
function decimalsFor(most: number): Intl.NumberFormat {
  const digits = most > 0 ? Math.min(10, Math.max(0, 2 - Math.floor(Math.log10(most)))) : 0;
  return new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: 'negative',
  });
}

/** Writes numbers into a table of the window, each on a ground as strong as it is. */
function fillTable(
  id: string,
  side: number,
  taps: readonly Tap[],
  of: (tap: Tap) => number | undefined,
): void {
  const values = taps.map(of);
  const most = largest(values.map((value) => value ?? 0));
  const format = decimalsFor(most);
  const body = byId(id, HTMLTableElement).tBodies[0];
  body.replaceChildren(
    ...Array.from({ length: side }, (_, y) => {
      const cells = values.slice(y * side, (y + 1) * side).map((value) => {
        const text = value === undefined ? '0' : format.format(value).replace('-', '−');
        const cell = element('td', value === undefined ? 'outside' : '', text);
        const share = most > 0 ? Math.abs(value ?? 0) / most : 0;
        cell.style.setProperty('--share', `${Math.round(35 * share)}%`);
        if ((value ?? 0) < 0) cell.classList.add('negative');
        return cell;
      });
      return make('tr', {}, ...cells);
    }),
  );
}

/** Says how the GPU computes the number, if not by the lines that are shown. */
function formText({ kernel, variant }: Arithmetic['form']): string {
  const name = `${kernel}.${variant}`;
  const lines =
    'runs the first of these lines for each weight, with four images in p and the weights of four maps beside it, and the others at the end:';
  const plain = `The plain form ${lines}`;
  if (variant.startsWith('winograd'))
    return `Here the GPU runs ${name}: it multiplies transforms of window and kernel and never makes these products, so it rounds differently. ${plain}`;
  if (kernel !== 'conv2d')
    return `Here the GPU runs ${name}, which convolves, activates and pools in one dispatch. ${plain}`;
  if (variant !== 'direct')
    return `Here the GPU runs ${name}, which adds the same products in another order. ${plain}`;
  return `Here the GPU runs the plain form, ${name}. It ${lines}`;
}
