/** Turns images, arrays of numbers, into grids of pixels. Pure; shared by the page and the command line. */

/** Images as the engine returns them: [count][height][width][channels], 0 to 1. */
export interface Images {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: ArrayLike<number>;
}

/** A finished picture, 8 bits per channel: grey (1) or RGB (3). */
export interface BytePicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

interface GridOptions {
  /** Each pixel becomes a square of `scale` x `scale` pixels (nearest neighbour). Default 4. */
  readonly scale?: number;
  /** Pixels between cells and around them, after scaling. Default 4. */
  readonly gap?: number;
  /** A gap three times as wide before every `group` columns. */
  readonly group?: number;
}

/** Numbers from 0 to 1 as bytes; others are clamped. */
export function toBytes(values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  // The array's own conversion clamps and rounds; its method `from` takes thirty times as long.
  const bytes = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = 255 * values[i];
  return new Uint8Array(bytes.buffer);
}

const PAPER = 255;

export function imageCount({ height, width, channels, values }: Images): number {
  return values.length / (height * width * channels);
}

/**
 * Lays images out in rows of `columns`. Values are clamped to [0, 1]; one channel is shown as dark ink on white paper,
 * three as RGB, any other number by its first.
 */
export function grid(images: Images, columns: number, options: GridOptions = {}): BytePicture {
  const { scale = 4, gap = 4, group = columns } = options;
  const { height, width, channels, values } = images;
  const count = imageCount(images);
  const rows = Math.ceil(count / columns);
  const left = (column: number) =>
    gap + column * (width * scale + gap) + Math.floor(column / group) * 2 * gap;
  const top = (row: number) => gap + row * (height * scale + gap);
  const shown = channels === 3 ? 3 : 1;
  const picture = {
    width: left(columns - 1) + width * scale + gap,
    height: top(rows),
    channels: shown,
    data: new Uint8Array(0),
  } as const;
  const data = new Uint8Array(picture.width * picture.height * shown).fill(PAPER);
  for (let i = 0; i < count; i++) {
    const x0 = left(i % columns);
    const y0 = top(Math.floor(i / columns));
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const pixel = (i * height + Math.floor(y / scale)) * width + Math.floor(x / scale);
        const at = ((y0 + y) * picture.width + x0 + x) * shown;
        for (let c = 0; c < shown; c++) {
          const value = Math.min(Math.max(values[pixel * channels + c], 0), 1);
          data[at + c] = Math.round(255 * (shown === 1 ? 1 - value : value));
        }
      }
    }
  }
  return { ...picture, data };
}

/** Images of bytes, 255 for ink or full colour, in rows of `columns`. */
export function gridOfBytes(
  bytes: Uint8Array,
  { columns, height, width, channels }: Omit<Images, 'values'> & { readonly columns: number },
  options?: GridOptions,
): BytePicture {
  const values = Float32Array.from(bytes, (byte) => byte / 255);
  return grid({ height, width, channels, values }, columns, options);
}

/** Concatenates rows, which must all have the same number of images. */
export function joinRows(...rows: readonly Images[]): Images {
  const values = new Float32Array(rows.reduce((sum, row) => sum + row.values.length, 0));
  let at = 0;
  for (const row of rows) {
    values.set(row.values, at);
    at += row.values.length;
  }
  return { ...rows[0], values };
}

/** For a canvas: new ImageData(rgba(picture), picture.width, picture.height). */
export function rgba({ width, height, channels, data }: BytePicture): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = data[channels === 1 ? i : 3 * i + c];
    out[4 * i + 3] = 255;
  }
  return out;
}

/** The first `count` images of a data set as greys from 0 to 1, not binarised as training images are. */
export function greys(
  set: {
    readonly images: Uint8Array;
    readonly height: number;
    readonly width: number;
    readonly channels: number;
  },
  count: number,
): Images & { readonly values: Float32Array } {
  const { images, height, width, channels } = set;
  return {
    height,
    width,
    channels,
    values: Float32Array.from(images.subarray(0, count * height * width * channels), (byte) => byte / 255),
  };
}
