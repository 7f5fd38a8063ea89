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
  /** Its edges were cut off. */
  readonly cut: boolean;
  /** It had another size. */
  readonly shrunk: boolean;
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

/**
 * The size of all images. A chosen side: a square. OWN_SIZE: the size that all pictures have, if a network takes it. 0: the same, if no side
 * is longer than 32 pixels. Otherwise a square of 32 pixels or less. Pure.
 */
export function sizeFor(sizes: readonly (Size | undefined)[], side: number): Size {
  const square = (length: number) => ({ width: length, height: length });
  if (side > 0) return square(side);
  const [first] = sizes;
  const most = side === OWN_SIZE ? SIDES.most : USUAL_SIDE;
  const isLegal = (n: number) => n >= SIDES.least && n <= most && n % SIDES.multipleOf === 0;
  const isFirst = (size?: Size) => size?.width === first?.width && size?.height === first?.height;
  if (first && isLegal(first.width) && isLegal(first.height) && sizes.every(isFirst)) return first;
  // The middle one of the shorter sides: one small picture among large ones decides nothing.
  const shorter = sizes
    .flatMap((size) => (size ? Math.min(size.width, size.height) : []))
    .sort((a, b) => a - b);
  const middle = shorter[shorter.length >> 1] ?? USUAL_SIDE;
  const whole = Math.floor(middle / SIDES.multipleOf) * SIDES.multipleOf;
  return square(Math.min(USUAL_SIDE, Math.max(SIDES.least, whole)));
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

/** Channels of a grey pixel differ by no more than the rounding of a JPEG. */
const GREY = 2;

/**
 * Brings a picture to `size`: each new pixel is the mean of the area that it covers, of sRGB bytes weighted by alpha. The paper of an opaque
 * picture is at its edges. Pure.
 */
export function shrink(pixels: Pixels, size: Size, fit: PictureChoice['fit']): Small {
  const { data, width, height } = pixels;
  const across = size.width / width;
  const down = size.height / height;
  const scale = (fit === 'crop' ? Math.max : Math.min)(across, down);
  const columns = partsUnder(width, size.width, scale);
  const rows = partsUnder(height, size.height, scale);
  const isEdge = (parts: readonly Part[][], i: number) => !parts[i - 1]?.length || !parts[i + 1]?.length;
  const rgba = new Uint8ClampedArray(size.width * size.height * 4);
  let grey = true;
  let luminance = 0;
  let edges = 0;
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      let a = 0;
      let all = 0;
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
      if (a === 0) continue;
      const pixel = rgba.subarray(4 * (y * size.width + x));
      pixel.set([r / a, g / a, b / a, a / all]);
      const [red, green, blue, opacity] = pixel;
      if (opacity > 0 && Math.max(red, green, blue) - Math.min(red, green, blue) > GREY) grey = false;
      if (!isEdge(rows, y) && !isEdge(columns, x)) continue;
      luminance += 0.299 * red + 0.587 * green + 0.114 * blue;
      edges++;
    }
  }
  const paper = paperFor(pixels);
  return {
    rgba,
    grey,
    clear: paper !== undefined,
    paper: paper ?? luminance / edges,
    cut: fit === 'crop' && across !== down,
    shrunk: across !== 1 || down !== 1,
  };
}

/** A pixel of a picture, and the share of it that counts. */
type Part = readonly [pixel: number, share: number];

/** The parts of a row, or column, of `length` pixels under each of `count` new ones, as much from its middle as fits; none beside it. */
function partsUnder(length: number, count: number, scale: number): Part[][] {
  const kept = Math.min(length, count / scale);
  const covered = Math.max(1, Math.min(count, Math.round(kept * scale)));
  const first = (count - covered) >> 1;
  // Positions such as 6.999999999 are whole ones that were rounded.
  const place = (i: number) => Math.round(((length - kept) / 2 + (i * kept) / covered) * 1e6) / 1e6;
  return Array.from({ length: count }, (_, i) => {
    const parts: Part[] = [];
    if (i < first || i >= first + covered) return parts;
    const a = place(i - first);
    const b = place(i - first + 1);
    for (let pixel = Math.floor(a); pixel < b; pixel++)
      parts.push([pixel, Math.min(b, pixel + 1) - Math.max(a, pixel)]);
    return parts;
  });
}

/** The luminance of paper on which what is drawn shows: white unless it is too light. Undefined without transparent parts. */
function paperFor({ data }: Pixels): number | undefined {
  let first = 3;
  while (data[first] === 255) first += 4;
  if (first > data.length) return undefined;
  let least = 0;
  let opaque = 0;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    least += alpha * Math.min(data[at], data[at + 1], data[at + 2]);
    opaque += alpha;
  }
  return least > 127.5 * opaque ? 0 : 255;
}

/**
 * The images of a set: grey if all pictures are, with 255 for ink; else colours as they are, never turned. Transparent pixels become paper.
 * With `flip` the mirror image of each picture follows it. Pure.
 */
export function makeSet(
  pictures: readonly Small[],
  { width, height }: Size,
  { ink, flip }: Pick<PictureChoice, 'ink' | 'flip'>,
): MadeImages {
  const channels = pictures.every(({ grey }) => grey) ? 1 : 3;
  // Photographs say nothing about the paper of drawings among them.
  const clear = pictures.filter((picture) => picture.clear);
  const drawings = channels === 3 && clear.length > 0 ? clear : pictures;
  const luminance = drawings.reduce((sum, picture) => sum + picture.paper, 0) / drawings.length;
  const light = ink === 'auto' ? luminance < 127.5 : ink === 'light';
  const paper = light ? 0 : 255;
  const ways = flip ? [false, true] : [false];
  const count = ways.length * pictures.length;
  const images = new Uint8Array(count * height * width * channels);
  let to = 0;
  for (const { rgba } of pictures) {
    for (const mirrored of ways) {
      for (let pixel = 0; pixel < width * height; pixel++) {
        const column = pixel % width;
        const at = 4 * (mirrored ? pixel - column + (width - 1 - column) : pixel);
        const alpha = rgba[at + 3] / 255;
        for (let c = 0; c < channels; c++) {
          const value = Math.round(paper + alpha * (rgba[at + c] - paper));
          images[to++] = channels === 1 && !light ? 255 - value : value;
        }
      }
    }
  }
  const now = light ? 'black' : 'white';
  return {
    images: { images, count, height, width, channels },
    ...(channels === 1 ? { ink: light ? 'light' : 'dark' } : {}),
    cut: pictures.filter(({ cut }) => cut).length,
    shrunk: pictures.some(({ shrunk }) => shrunk),
    notes:
      clear.length > 0
        ? [`${plural(clear.length, 'picture')} had transparent parts, which are now ${now}.`]
        : [],
  };
}
