/** Draws images on a canvas, as many side by side as fit. */

import { STREAM, threefry } from '../../../src/base/random';
import { type BytePicture, gridOfBytes, rgba } from '../../pictures/pictures';
import type { ModelDescription } from '../messages/messages';
import { imagesAt, makeFieldNoise, START } from '../messages/noise_field';
import { columnsFor } from '../messages/order';
import type { ImageSize } from '../messages/settings';
import { byId } from './dom';
import { fileScale, type Shape } from './trajectory';

export interface Tiles extends Shape {
  /** One image after the other, [height][width][channels]: in grey ones 255 is ink. */
  readonly bytes: Uint8Array;
}

/** The network that the images are for. */
type Kind = Pick<ModelDescription, 'recipe' | 'classes'> & ImageSize;

/** The most screen pixels per image pixel. */
const MAX_SCALE = 12;

/** A cache of the latest tiles, so that the same request returns the same object and nothing is drawn twice. */
const remembered = new Map<string, Tiles>();

function remember(key: string, make: () => Tiles): Tiles {
  const tiles = remembered.get(key) ?? make();
  remembered.delete(key);
  remembered.set(key, tiles);
  if (remembered.size > 8) remembered.delete(remembered.keys().next().value!);
  return tiles;
}

/** The noise that sampling starts from, shown where no samples exist yet. */
export function noiseTiles(
  seed: number,
  count: number,
  of: Kind,
  columns = columnsFor(count, of.classes),
  place = START,
): Tiles {
  const { recipe, height, width, channels } = of;
  const { across, down } = place;
  return remember(`noise ${[seed, count, recipe, height, width, channels, columns, across, down]}`, () => {
    const size = height * width * channels;
    const uniform = (i: number) => threefry(seed, STREAM.sample, 0, i)[0] >>> 24;
    const bytes =
      recipe === 'tutorial'
        ? Uint8Array.from({ length: count * size }, (_, i) => uniform(i))
        : greyOf(makeFieldNoise(seed, imagesAt(place, count), size));
    return { bytes, height, width, channels, columns };
  });
}

/** Gaussian noise as bytes: a flow's pixels are from -1 to 1. */
const greyOf = (noise: Float32Array) =>
  new Uint8Array(Uint8ClampedArray.from(noise, (value) => 127.5 * value + 127.5));

/** The byte of a picture that is not there yet: a grey slightly darker than the paper. */
export const paperByte = (channels: number) => (channels === 3 ? 255 - PAPER : PAPER);
const PAPER = 14;

/** Placeholders for pictures. */
export function paperTiles(count: number, height: number, width: number, columns: number): Tiles {
  return remember(`paper ${count} ${height} ${width} ${columns}`, () => ({
    bytes: new Uint8Array(count * height * width).fill(PAPER),
    height,
    width,
    channels: 1,
    columns,
  }));
}

/** A canvas that shows tiles over the full width of its parent, sharp on any screen. */
export class ImageView {
  private readonly canvas: HTMLCanvasElement;
  private tiles: Tiles | undefined;
  private scale = 0;
  /** Its parent's width when that last changed: to ask for it has the browser lay out the page. */
  private room: number | undefined;

  /** `at`: the canvas, or its id. */
  constructor(at: HTMLCanvasElement | string) {
    this.canvas = typeof at === 'string' ? byId(at, HTMLCanvasElement) : at;
    const parent = this.canvas.parentElement!;
    // The canvas loses its content when the browser's GPU process dies.
    this.canvas.addEventListener('contextrestored', () => this.draw());
    new ResizeObserver(() => {
      this.room = parent.clientWidth;
      if (this.scale !== this.wanted()) this.draw();
    }).observe(parent);
  }

  get shown(): Tiles | undefined {
    return this.tiles;
  }

  /** Draws only what is new. */
  show(tiles: Tiles | undefined): void {
    const isSame = tiles?.bytes === this.tiles?.bytes && tiles?.columns === this.tiles?.columns;
    this.tiles = tiles;
    if (!isSame) this.draw();
  }

  /** A PNG file; grey is dark ink on white. */
  png(): Promise<Blob> {
    const tiles = this.tiles!;
    return toPng(gridOfBytes(tiles.bytes, tiles, { scale: fileScale(tiles) }));
  }

  /** Canvas pixels per image pixel: a whole number, at least as many as the screen has. The browser scales down the rest. */
  private wanted(): number {
    if (!this.tiles) return 0;
    const { columns, width } = this.tiles;
    this.room ??= this.canvas.parentElement!.clientWidth;
    const pixels = this.room * devicePixelRatio;
    return Math.min(MAX_SCALE, Math.max(1, Math.ceil(pixels / (columns * (width + 1)))));
  }

  private draw(): void {
    this.scale = this.wanted();
    if (!this.tiles) return;
    const { bytes, height, width, channels, columns } = this.tiles;
    const count = bytes.length / (height * width * channels);
    // Below each other, a pixel for each of theirs; drawn larger by the browser.
    const ink = gridOfBytes(bytes, { height, width, channels, columns: 1 }, { scale: 1, gap: 0 });
    const small = canvasOf(ink);
    const w = width * this.scale;
    const h = height * this.scale;
    const gap = this.scale;
    // On the page, CSS adds the margin.
    this.canvas.width = columns * (w + gap) - gap;
    this.canvas.height = Math.ceil(count / columns) * (h + gap) - gap;
    const context = this.canvas.getContext('2d')!;
    // Of colours CSS makes no others, and what lies between them is the page's.
    this.canvas.classList.toggle('coloured', channels === 3);
    if (channels === 1) {
      context.fillStyle = 'white';
      context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    }
    context.imageSmoothingEnabled = false;
    for (let i = 0; i < count; i++) {
      const x = (i % columns) * (w + gap);
      const y = Math.floor(i / columns) * (h + gap);
      context.drawImage(small, 0, i * height, width, height, x, y, w, h);
    }
  }
}

function canvasOf(of: BytePicture): OffscreenCanvas {
  const { width, height } = of;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(new ImageData(rgba(of), width, height), 0, 0);
  return canvas;
}

export const toPng = (of: BytePicture): Promise<Blob> => canvasOf(of).convertToBlob({ type: 'image/png' });
