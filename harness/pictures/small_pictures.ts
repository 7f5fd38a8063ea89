/** Brings pictures to one size and makes a set of them: grey or colours, with one polarity. Pure. */
import type { ImageSet } from '../../src/data/idx';
import type { Pixels } from '../../src/pictures/picture';
import { plural } from '../text/units';

/** Where a picture is cut: `crop` keeps its middle square, `fit` the whole, on a square of paper. */
export const fits = ['crop', 'fit'] as const;
/** The ink of grey pictures. `auto`: the edges of all pictures are paper. */
export const inks = ['auto', 'dark', 'light'] as const;

export interface PictureChoice {
  /** The side of the square that a picture becomes, in pixels; 0 or OWN_SIZE: see `sizeFor`. */
  readonly size: number;
  readonly fit: (typeof fits)[number];
  readonly ink: (typeof inks)[number];
  /** Whether the mirror image of each picture is one of the images, too. */
  readonly flip?: boolean;
}

export const usualChoice: PictureChoice = { size: 0, fit: 'crop', ink: 'auto' };

/** Sides that the three levels of the recipes' networks can halve. */
export const SIDES = { least: 16, most: 64, multipleOf: 4 } as const;
/** The longest side, where none is chosen: a processor takes hours for more. */
export const USUAL_SIDE = 32;
/** In place of a side: the pictures' own size. */
export const OWN_SIZE = -1;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A picture at its final size, with the facts of the original that decide about the set. */
export interface Small {
  /** [height][width][4], alpha not multiplied in; transparent beside the picture. */
  readonly rgba: Uint8ClampedArray;
  readonly grey: boolean;
  /** Some of it is transparent. */
  readonly clear: boolean;
  /** The luminance of its paper. */
  readonly paper: number;
}

/** The images of pictures. */
export interface MadeImages {
  readonly images: ImageSet;
  /** The ink of grey pictures; undefined for colours. */
  readonly ink?: 'dark' | 'light' | undefined;
  /** Number of pictures whose edges were cut off. */
  readonly cut?: number;
  /** Whether pictures were brought to another size; undefined for images that were none. */
  readonly shrunk?: boolean;
  /** What was changed, a sentence each. */
  readonly notes: readonly string[];
}

/** The size that all pictures have, if a network takes it. Pure. */
export function ownSize(sizes: readonly (Size | undefined)[]): Size | undefined {
  const [first] = sizes;
  const legal = (n: number) => n >= SIDES.least && n <= SIDES.most && n % SIDES.multipleOf === 0;
  if (!first || !legal(first.width) || !legal(first.height)) return undefined;
  return sizes.every((size) => size?.width === first.width && size.height === first.height)
    ? first
    : undefined;
}

/**
 * The size of all images. A chosen side: a square. OWN_SIZE: the size that all pictures have. 0: the same, if no side is longer than 32
 * pixels. Otherwise a square of 32 pixels or less. Pure.
 */
export function sizeFor(sizes: readonly (Size | undefined)[], side: number): Size {
  if (side > 0) return { width: side, height: side };
  const own = ownSize(sizes);
  if (own && (side === OWN_SIZE || Math.max(own.width, own.height) <= USUAL_SIDE)) return own;
  const known = sizes.flatMap((size) => size ?? []);
  // The middle one of the shorter sides: one small picture among large ones decides nothing.
  const shorter = known.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b);
  const middle = shorter[shorter.length >> 1] ?? USUAL_SIDE;
  const whole = Math.floor(middle / SIDES.multipleOf) * SIDES.multipleOf;
  const square = Math.min(USUAL_SIDE, Math.max(SIDES.least, whole));
  return { width: square, height: square };
}

/** The size to choose so that pictures become images of this size again; undefined if no choice makes such. Pure. */
export function sizeAgain({ height, width }: Size): number | undefined {
  if (height === width) return height >= SIDES.least && height <= SIDES.most ? height : undefined;
  return OWN_SIZE;
}

/** The size that a file's header tells, before anything is decoded: PNG, GIF, BMP, WebP, JPEG. Undefined for others. Pure. */
export function sizeInHeader(bytes: Uint8Array): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length));
  const size = (width: number, height: number) => ({ width: Math.abs(width), height: Math.abs(height) });
  if (bytes.length < 30) return undefined;
  if (text(1, 3) === 'PNG') return size(view.getUint32(16), view.getUint32(20));
  if (text(0, 3) === 'GIF') return size(view.getUint16(6, true), view.getUint16(8, true));
  if (text(0, 2) === 'BM') return size(view.getInt32(18, true), view.getInt32(22, true));
  if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') {
    const kind = text(12, 4);
    if (kind === 'VP8 ') return size(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    if (kind === 'VP8L') {
      const bits = view.getUint32(21, true);
      return size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
    }
    const of24 = (at: number) => (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) + 1;
    return size(of24(24), of24(27));
  }
  if (view.getUint16(0) !== 0xffd8) return undefined;
  // Segments of a JPEG, each with its length, up to a frame's.
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return size(view.getUint16(at + 7), view.getUint16(at + 5));
  }
  return undefined;
}

interface Region extends Size {
  readonly x: number;
  readonly y: number;
}

/** Brings a picture to `size`: each new pixel is the mean of the area that it covers, of sRGB bytes weighted by alpha. Pure. */
export function shrink(pixels: Pixels, size: Size, fit: PictureChoice['fit']): Small {
  const scale = (fit === 'crop' ? Math.max : Math.min)(
    size.width / pixels.width,
    size.height / pixels.height,
  );
  // In the picture, what is kept; in the result, where that goes.
  const kept = {
    width: Math.min(pixels.width, size.width / scale),
    height: Math.min(pixels.height, size.height / scale),
  };
  const from = { ...kept, x: (pixels.width - kept.width) / 2, y: (pixels.height - kept.height) / 2 };
  const width = Math.max(1, Math.min(size.width, Math.round(kept.width * scale)));
  const height = Math.max(1, Math.min(size.height, Math.round(kept.height * scale)));
  const to = { width, height, x: (size.width - width) >> 1, y: (size.height - height) >> 1 };
  const rgba = meanOf(pixels, from, to, size);
  let grey = true;
  for (let at = 0; at < rgba.length; at += 4) {
    const [r, g, b, alpha] = rgba.subarray(at, at + 4);
    if (alpha > 0 && Math.max(r, g, b) - Math.min(r, g, b) > GREY) grey = false;
  }
  const paper = paperFor(pixels);
  return { rgba, grey, clear: paper !== undefined, paper: paper ?? luminanceOfEdges(rgba, to, size) };
}

/** Whether `shrink` leaves out a part of the picture. Pure. */
export const isCut = ({ width, height }: Size, to: Size, fit: PictureChoice['fit']): boolean =>
  fit === 'crop' && width * to.height !== height * to.width;

/** Channels of a grey pixel differ by no more than the rounding of a JPEG. */
const GREY = 2;

function meanOf({ data, width }: Pixels, from: Region, to: Region, size: Size): Uint8ClampedArray {
  const columns = overlaps(from.x, from.width, to.width);
  const rows = overlaps(from.y, from.height, to.height);
  const out = new Uint8ClampedArray(size.width * size.height * 4);
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      let [r, g, b, a, all] = [0, 0, 0, 0, 0];
      for (const [row, tall] of rows[y]) {
        for (const [column, wide] of columns[x]) {
          const at = 4 * (row * width + column);
          const weight = tall * wide;
          const alpha = weight * data[at + 3];
          r += alpha * data[at];
          g += alpha * data[at + 1];
          b += alpha * data[at + 2];
          a += alpha;
          all += weight;
        }
      }
      if (a > 0) out.set([r / a, g / a, b / a, a / all], 4 * ((y + to.y) * size.width + x + to.x));
    }
  }
  return out;
}

/** The pixels under each of `count` equal parts of a stretch, each with the share of it that the part covers. */
function overlaps(start: number, length: number, count: number): [number, number][][] {
  const step = length / count;
  // Positions such as 6.999999999 are whole ones that were rounded.
  const place = (i: number) => Math.round((start + i * step) * 1e6) / 1e6;
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [place(i), place(i + 1)];
    const parts: [number, number][] = [];
    for (let pixel = Math.floor(a); pixel < b; pixel++)
      parts.push([pixel, Math.min(b, pixel + 1) - Math.max(a, pixel)]);
    return parts;
  });
}

/** The mean luminance of a picture's edges, once it is small. */
function luminanceOfEdges(rgba: Uint8ClampedArray, at: Region, size: Size): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < at.height; y++) {
    // All pixels of the first and the last row; of others the first and the last one.
    const step = y === 0 || y === at.height - 1 ? 1 : Math.max(1, at.width - 1);
    for (let x = 0; x < at.width; x += step) {
      const [r, g, b] = rgba.subarray(4 * ((at.y + y) * size.width + at.x + x));
      sum += 0.299 * r + 0.587 * g + 0.114 * b;
      count++;
    }
  }
  return sum / count;
}

/** The luminance of paper on which what is drawn shows: white unless it is too light. Undefined without transparent parts. */
function paperFor({ data }: Pixels): number | undefined {
  let first = 3;
  while (data[first] === 255) first += 4;
  if (first > data.length) return undefined;
  let [least, opaque] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    least += alpha * Math.min(data[at], data[at + 1], data[at + 2]);
    opaque += alpha;
  }
  return least > 127.5 * opaque ? 0 : 255;
}

/** The mirror image. It is not counted among pictures with transparent parts. Pure. */
export function mirrored(small: Small, { width }: Size): Small {
  const pixels = new Uint32Array(small.rgba.slice().buffer);
  for (let row = 0; row < pixels.length; row += width) pixels.subarray(row, row + width).reverse();
  return { ...small, rgba: new Uint8ClampedArray(pixels.buffer), clear: false };
}

/** The images of a set: grey if all pictures are, with 255 for ink; else colours as they are, never turned. Transparent pixels become paper. Pure. */
export function setOf(
  pictures: readonly Small[],
  { width, height }: Size,
  ink: PictureChoice['ink'],
): MadeImages {
  const channels = pictures.every(({ grey }) => grey) ? 1 : 3;
  // Photographs say nothing about the paper of drawings among them.
  const clear = pictures.filter((picture) => picture.clear);
  const drawings = channels === 3 && clear.length > 0 ? clear : pictures;
  const luminance = drawings.reduce((sum, picture) => sum + picture.paper, 0) / drawings.length;
  const light = ink === 'auto' ? luminance < 127.5 : ink === 'light';
  const paper = light ? 0 : 255;
  const images = new Uint8Array(pictures.length * height * width * channels);
  let to = 0;
  for (const { rgba } of pictures) {
    for (let at = 0; at < rgba.length; at += 4) {
      const alpha = rgba[at + 3] / 255;
      for (let c = 0; c < channels; c++) {
        const value = Math.round(paper + alpha * (rgba[at + c] - paper));
        images[to++] = channels === 1 && !light ? 255 - value : value;
      }
    }
  }
  const now = light ? 'black' : 'white';
  return {
    images: { images, count: pictures.length, height, width, channels },
    ...(channels === 1 ? { ink: light ? 'light' : 'dark' } : {}),
    notes:
      clear.length > 0
        ? [`${plural(clear.length, 'picture')} had transparent parts, which are now ${now}.`]
        : [],
  };
}
