/** The open part of the network: all maps of a layer, and one of them enlarged. */

import { plural, whole } from '../../text/units';
import type { InsideLayer, Kernels } from '../messages/inside_messages';
import { anyElement, button, byId, onClick, setHidden, setText } from '../shell/dom';
import { channelMaps, largest, largestValue, type MapGrid, paintMaps } from './shades';

const kinds = ['activation', 'preActivation', 'gradient'] as const;
type Kind = (typeof kinds)[number];

/** A pixel of the open layer's maps, from 0. */
export interface Pixel {
  readonly y: number;
  readonly x: number;
}

/** The data to show of a layer. */
interface Part {
  readonly layer: InsideLayer;
  readonly maps: Readonly<Record<Kind, Float32Array | undefined>>;
  /** The kernels of the first convolution, if this is its layer. */
  readonly kernels?: Kernels;
}

const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
export const numberText = (value: number) => short.format(value).replace('-', '−');

export class PartView {
  private part: Part | undefined;
  private kind: Kind = 'activation';
  /** The map that is enlarged, from 0. */
  map = 0;
  private readonly grid = byId('part-grid', HTMLCanvasElement);
  private readonly one = byId('part-map', HTMLCanvasElement);
  private readonly kernel = byId('part-kernel', HTMLCanvasElement);
  private readonly slider = byId('part-slider', HTMLInputElement);
  private readonly pick: (pixel: Pixel) => void;
  private pixel: Pixel | undefined;

  /** `pick`: a pixel is pressed or moved, or another map is chosen while one is marked. */
  constructor(pick: (pixel: Pixel) => void) {
    this.pick = pick;
    for (const kind of kinds) {
      onClick(`part-${kind}`, () => {
        this.kind = kind;
        this.draw();
      });
    }
    this.slider.addEventListener('input', () => {
      this.choose(Number(this.slider.value) - 1);
    });
    this.grid.addEventListener('click', (event) => this.press(event));
    this.one.addEventListener('pointermove', (event) => this.point(event));
    this.one.addEventListener('pointerleave', () => this.drawFacts());
    const map = button('part-pixel');
    map.addEventListener('click', (event) => {
      // A press by the keyboard has no place.
      const pixel = event.detail === 0 ? (this.pixel ?? this.middle) : this.pixelAt(event);
      if (this.part && !this.part.layer.isConditioning) this.pick(pixel);
    });
    map.addEventListener('keydown', (event) => this.move(event));
    new ResizeObserver(() => {
      if (this.columns !== Number(this.grid.dataset.columns)) this.draw();
    }).observe(this.grid.parentElement!);
  }

  show(part: Part): void {
    if (part.layer.name !== this.part?.layer.name) this.map = 0;
    this.part = part;
    this.draw();
  }

  choose(map: number): void {
    this.map = map;
    this.drawOne();
    if (this.pixel) this.pick(this.pixel);
  }

  /** Marks a pixel of the enlarged map, or none. */
  mark(pixel: Pixel | undefined): void {
    this.pixel = pixel;
    const mark = anyElement('pixel-mark');
    mark.hidden = !pixel;
    if (!pixel) return;
    const { height, width } = this.part!.layer;
    Object.assign(mark.style, {
      left: `${(100 * pixel.x) / width}%`,
      top: `${(100 * pixel.y) / height}%`,
      width: `${100 / width}%`,
      height: `${100 / height}%`,
    });
  }

  /** Paints anew what there is. */
  draw(): void {
    const { part } = this;
    if (!part) return;
    const { layer } = part;
    if (!part.maps[this.kind]) this.kind = 'activation';
    for (const kind of kinds) {
      setHidden(`part-${kind}`, !part.maps[kind]);
      button(`part-${kind}`).ariaPressed = String(kind === this.kind);
    }
    setText('part-title', layer.isConditioning ? 'Noise level and class' : layer.name);
    setText('part-about', aboutLayer(layer));
    setHidden('part-press', layer.isConditioning);
    const maps = this.maps();
    const most = largest(part.maps[this.kind]!);
    paintMaps(this.grid, maps, most);
    this.grid.dataset.columns = String(maps.columns);
    this.grid.style.maxWidth = `${maps.columns * (layer.width === 1 ? 28 : 84)}px`;
    const what = `${plural(maps.count, 'map')} of ${layer.height}×${layer.width}`;
    this.grid.ariaLabel = `${WORDS[this.kind]} of ${layer.name}: ${what}, values up to ${numberText(most)}`;
    setText('part-scale', `${what}; full colour is ${numberText(most)}`);
    this.slider.max = String(maps.count);
    this.slider.disabled = maps.count === 1;
    this.drawOne();
  }

  private get columns(): number {
    const { part } = this;
    const count = part?.layer.outChannels ?? 1;
    return Math.min(count, this.grid.parentElement!.clientWidth < 460 ? 8 : 16);
  }

  private maps(): MapGrid {
    const { layer, maps } = this.part!;
    return channelMaps(maps[this.kind]!, layer.height, layer.width, this.columns);
  }

  private drawOne(): void {
    const { layer, kernels, maps } = this.part!;
    const all = this.maps();
    this.map = Math.min(this.map, all.count - 1);
    this.slider.value = String(this.map + 1);
    const most = largest(maps[this.kind]!);
    paintMaps(
      this.one,
      { ...all, count: 1, columns: 1, value: (_, y, x) => all.value(this.map, y, x) },
      most,
    );
    setHidden('part-kernel-box', !kernels);
    if (kernels)
      paintMaps(this.kernel, kernelAt(kernels, layer, this.map), largestValue(kernelMaps(kernels, layer, 8)));
    setText('part-kernel-name', layer.inChannels > 1 ? 'its kernel, summed over the colours' : 'its kernel');
    this.drawFacts();
  }

  private drawFacts(): void {
    if (!this.part) return;
    const all = this.maps();
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    let sum = 0;
    for (let y = 0; y < all.height; y++)
      for (let x = 0; x < all.width; x++) {
        const v = all.value(this.map, y, x);
        least = Math.min(least, v);
        most = Math.max(most, v);
        sum = sum + v;
      }
    const mean = sum / (all.height * all.width);
    const facts = `Map ${this.map + 1} of ${all.count}: ${numberText(least)} to ${numberText(most)}, mean ${numberText(mean)}`;
    setText('part-facts', facts);
    this.slider.ariaValueText = facts;
    button('part-pixel').ariaLabel = facts;
  }

  private press(event: MouseEvent): void {
    const all = this.maps();
    const { left, top, width, height } = this.grid.getBoundingClientRect();
    const rows = Math.ceil(all.count / all.columns);
    const column = Math.floor(((event.clientX - left) / width) * all.columns);
    const row = Math.floor(((event.clientY - top) / height) * rows);
    const at = row * all.columns + column;
    if (at < 0 || at >= all.count) return;
    this.choose(at);
  }

  private get middle(): Pixel {
    const { height, width } = this.part!.layer;
    return { y: height >> 1, x: width >> 1 };
  }

  /** The pixel of the enlarged map under the pointer. */
  private pixelAt({ clientX, clientY }: MouseEvent): Pixel {
    const { left, top, width, height } = this.one.getBoundingClientRect();
    return this.within({
      y: Math.floor(((clientY - top) / height) * this.part!.layer.height),
      x: Math.floor(((clientX - left) / width) * this.part!.layer.width),
    });
  }

  private within({ y, x }: Pixel): Pixel {
    const { height, width } = this.part!.layer;
    return { y: Math.max(0, Math.min(height - 1, y)), x: Math.max(0, Math.min(width - 1, x)) };
  }

  /** Arrow keys move the marked pixel. */
  private move(event: KeyboardEvent): void {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step || !this.part || this.part.layer.isConditioning) return;
    event.preventDefault();
    const { y, x } = this.pixel ?? this.middle;
    this.pick(this.within({ y: y + step[0], x: x + step[1] }));
  }

  private point(event: PointerEvent): void {
    const all = this.maps();
    const { y, x } = this.pixelAt(event);
    setText(
      'part-facts',
      `Map ${this.map + 1}, row ${y + 1}, column ${x + 1}: ${numberText(all.value(this.map, y, x))}`,
    );
  }
}

const WORDS: Record<Kind, string> = {
  activation: 'Activations',
  preActivation: 'Values before the activation',
  gradient: 'Gradients of the loss',
};

/** The kernel of output channel `channel`, summed up over input channels, which are the colours of the image. */
function kernelAt(
  kernels: Kernels,
  { kernelSize: k, inChannels, outChannels }: InsideLayer,
  channel: number,
): MapGrid {
  const value = (_: number, y: number, x: number) => {
    let sum = 0;
    for (let c = 0; c < inChannels; c++)
      sum += kernels[((y * k + x) * inChannels + c) * outChannels + channel];
    return sum;
  };
  return { height: k, width: k, count: 1, columns: 1, value };
}

/** All kernels of the first convolution side by side. */
export function kernelMaps(kernels: Kernels, layer: InsideLayer, columns: number): MapGrid {
  const { kernelSize: k, outChannels } = layer;
  return {
    height: k,
    width: k,
    count: outChannels,
    columns: Math.min(columns, outChannels),
    value: (map, y, x) => kernelAt(kernels, layer, map).value(0, y, x),
  };
}

function aboutLayer({
  isConditioning,
  name,
  kernelSize: k,
  inChannels,
  outChannels,
  activation,
  residual,
  next,
  parameters,
}: InsideLayer) {
  const size = `${whole(parameters)} parameters`;
  if (isConditioning) {
    return name === 'conditioning.output'
      ? `Noise level and class go through two linear layers. The result is a number for each map of all convolutions but the last, which is added to every pixel of that map. ${size} in the second layer.`
      : `The first of two linear layers. ${size}.`;
  }
  const after = {
    pool: ' The largest of each 2×2 pixels goes on; all of them go along the skip connection.',
    upsample: ' Each pixel becomes 2×2, and what the skip connection brings is added.',
    convolution: '',
    output: ' This is the network’s answer.',
  }[next];
  return `A ${k}×${k} convolution from ${plural(inChannels, 'map')} to ${whole(outChannels)}${activation === 'swish' ? ', then swish' : ''}${residual ? ', added to its input' : ''}.${after} ${size}.`;
}
