/** Converts the browser's pictures to a network's images. */
import {
  argumentError,
  checkInteger,
  checkNames,
  type Names,
  show,
  typeName,
  wrongType,
} from '../base/errors';

/** Pixels, for instance an ImageData, or a decoded PNG file in Node. */
export interface Pixels {
  /** [height][width][4]: red, green, blue and alpha, a byte each; alpha is not multiplied in. */
  readonly data: Uint8ClampedArray | Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
}

/** An ImageBitmap, a canvas, on the page or off it, or an image that has loaded: by its sides, since programs without a page lack these classes. */
interface Drawable {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
}

/** A picture: an ImageData, or what can be drawn on a canvas. */
export type Picture = Pixels | Drawable;

/** A data set of pictures, all of one size. */
export interface PictureSet {
  /** The pictures, in the order of the labels. */
  readonly pictures: readonly Picture[];
  /** 1 (default) makes them grey, by luminance; 3: red, green, blue; 4: and alpha. */
  readonly channels?: number | undefined;
  /** The class of each picture. */
  readonly labels?: Uint8Array | undefined;
}

/** See `ReadPicturesOptions`. */
interface ImagesWanted {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  readonly channels: number;
  readonly range: readonly [black: number, white: number];
}

const SET: Names<PictureSet> = { pictures: true, channels: true, labels: true };

/** The values of pictures, [count][height][width][channels]. */
export function readPixels(
  pictures: Picture | readonly Picture[],
  { channels, range, ...needed }: ImagesWanted,
): Float32Array<ArrayBuffer> {
  const all = pixelsOf(listOf(pictures), needed);
  const [black, white] = range;
  return valuesOf(all, channels).map((v) => black + ((white - black) * v) / 255);
}

/** The bytes of a data set of pictures. */
export function readPictureSet(set: PictureSet) {
  checkNames('A data set of pictures', set, SET);
  const { channels = 1, labels } = set;
  const all = pixelsOf(listOf(set.pictures), {});
  const images = Uint8Array.from(valuesOf(all, channels), Math.round);
  const [{ height, width }] = all;
  return { images, count: all.length, height, width, channels, labels };
}

/**
 * Converts pictures to `count` images of a network's size. A single picture is repeated; the default count is the number of pictures.
 * Throws `argument` for values that are no pictures.
 */
export function picturesFor(
  name: string,
  given: Picture | readonly Picture[],
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: number },
  { count, range }: { readonly count?: number; readonly range: readonly [number, number] },
): Float32Array<ArrayBuffer> {
  const isOne = !Array.isArray(given);
  const list =
    isOne && count !== undefined ? Array<Picture>(count).fill(given as Picture) : listOf(given, name);
  if (count !== undefined && list.length !== count) {
    throw argumentError(
      `${name} has ${list.length} pictures; there must be ${count}, one for each image, or one that is in no list, for all.`,
    );
  }
  return readPixels(list, { height, width, channels, range });
}

function listOf(given: Picture | readonly Picture[], name = 'pictures'): readonly Picture[] {
  const list = Array.isArray(given) ? given : [given];
  if (list.length > 0) return list;
  throw argumentError(`${name} is an empty list; give at least one picture.`);
}

/** The pixels of pictures of one size. */
function pixelsOf(
  pictures: readonly Picture[],
  needed: Pick<ImagesWanted, 'height' | 'width'>,
): readonly Pixels[] {
  // A picture that occurs many times, as one for all images, is read once.
  const known = new Map<Picture, Pixels>();
  return pictures.map((picture, i) => {
    const pixels = known.get(picture) ?? readPicture(picture, i);
    known.set(picture, pixels);
    const { width = known.get(pictures[0])!.width, height = known.get(pictures[0])!.height } = needed;
    if (pixels.width !== width || pixels.height !== height) {
      throw argumentError(
        `Picture ${i} is ${pixels.width} x ${pixels.height} pixels; it must be ${width} x ${height}. createImageBitmap(picture, { resizeWidth: ${width}, resizeHeight: ${height} }) makes one.`,
      );
    }
    return pixels;
  });
}

/** The pixels of one picture. A bitmap, canvas or image is drawn to a new canvas first. */
function readPicture(picture: Picture, i: number): Pixels {
  const given: Partial<Drawable & { naturalWidth: number; naturalHeight: number }> = picture ?? {};
  // The other sides of an image are those at which a page shows it.
  const { naturalWidth: width = given.width, naturalHeight: height = given.height } = given;
  if (typeof width !== 'number' || typeof height !== 'number') {
    throw wrongType(
      `Picture ${i}`,
      picture,
      'an ImageData, an ImageBitmap, a canvas, or { data, width, height } with the bytes of RGBA',
    );
  }
  checkInteger(`The width of picture ${i} (0 until it has loaded)`, width, 1);
  checkInteger(`The height of picture ${i}`, height, 1);
  if ('data' in picture) {
    const { data } = picture as Pixels;
    const isBytes = /^Uint8(Clamped)?Array$/.test(typeName(data));
    if (isBytes && data.length === 4 * width * height) return picture as Pixels;
    throw argumentError(
      `Picture ${i} has ${data?.length ?? 'no'} values of type ${typeName(data)}; ${width} x ${height} pixels are ${4 * width * height} bytes of RGBA.`,
    );
  }
  try {
    // Works in a worker, too. Through the host: an image of a network is small, and browsers differ in the colours of copies on the GPU.
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.drawImage(picture as ImageBitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    throw argumentError(
      `Picture ${i}, of type ${typeName(picture)}, cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** 0 to 255, [picture][height][width][channels]. */
function valuesOf(pictures: readonly Pixels[], channels: number): Float32Array<ArrayBuffer> {
  if (![1, 3, 4].includes(channels)) {
    throw argumentError(
      `channels is ${show(channels)}; pictures become images of 1 (grey), 3 (red, green, blue) or 4 (and alpha).`,
    );
  }
  const [{ width, height }] = pictures;
  const values = new Float32Array(pictures.length * width * height * channels);
  let to = 0;
  for (const { data } of pictures)
    for (let at = 0; at < data.length; at += 4) {
      const alpha = channels === 4 ? 1 : data[at + 3] / 255;
      const onWhite = (byte: number) => 255 + alpha * (byte - 255);
      const red = onWhite(data[at]);
      const green = onWhite(data[at + 1]);
      const blue = onWhite(data[at + 2]);
      if (channels === 1) values[to++] = 0.299 * red + 0.587 * green + 0.114 * blue;
      else {
        for (const value of [red, green, blue]) values[to++] = value;
        if (channels === 4) values[to++] = data[at + 3];
      }
    }
  return values;
}
