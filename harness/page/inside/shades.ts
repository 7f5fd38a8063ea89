/** Numbers as shades on small canvases: zero is paper, positive numbers are ink, and negative ones are blue. */

import type { ImageSize } from '../messages/settings';

type Colour = readonly [number, number, number];
interface Shades {
  readonly paper: Colour;
  readonly positive: Colour;
  readonly negative: Colour;
}

const LIGHT: Shades = { paper: [255, 255, 255], positive: [29, 29, 27], negative: [28, 104, 190] };
const DARK: Shades = { paper: [26, 26, 25], positive: [236, 235, 231], negative: [104, 172, 255] };
const dark = matchMedia('(prefers-color-scheme: dark)');

/** Calls back when the colour scheme changes: the canvases must then be painted again. */
export const onScheme = (repaint: () => void) => dark.addEventListener('change', repaint);

/** Values of a grid of maps, row by row; `at` says where a value of map, row and column is. */
export interface MapGrid {
  readonly height: number;
  readonly width: number;
  readonly count: number;
  readonly columns: number;
  readonly value: (map: number, y: number, x: number) => number;
  /** The colours of a picture, [height][width][3], in place of shades. */
  readonly colours?: Uint8Array | undefined;
}

/** Paints maps side by side, one canvas pixel each value; CSS makes them larger. `most` is what full ink stands for. */
export function paintMaps(canvas: HTMLCanvasElement, maps: MapGrid, most: number, gap = 1): void {
  const { height, width, count, columns, value, colours } = maps;
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + gap) - gap;
  canvas.height = rows * (height + gap) - gap;
  const { paper, positive, negative } = dark.matches ? DARK : LIGHT;
  const image = new ImageData(canvas.width, canvas.height);
  for (let i = 0; i < count; i++) {
    const left = (i % columns) * (width + gap);
    const top = Math.floor(i / columns) * (height + gap);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const v = value(i, y, x);
        const share = Math.min(1, most > 0 ? Math.abs(v) / most : 0);
        const ink = v < 0 ? negative : positive;
        const at = 4 * ((top + y) * canvas.width + left + x);
        for (let c = 0; c < 3; c++)
          image.data[at + c] = colours?.[3 * (y * width + x) + c] ?? paper[c] + share * (ink[c] - paper[c]);
        image.data[at + 3] = 255;
      }
    }
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

/** The maps of a layer, [height][width][channels]. */
export const channelMaps = (
  values: Float32Array,
  height: number,
  width: number,
  columns: number,
): MapGrid => {
  const count = values.length / (height * width);
  return {
    height,
    width,
    count,
    columns,
    value: (map, y, x) => values[(y * width + x) * count + map],
  };
};

/** A picture of bytes, 0 to 255, [height][width][channels]: colours, or the first channel as a shade. */
export const pictureMaps = (bytes: Uint8Array, { height, width, channels }: ImageSize): MapGrid => ({
  height,
  width,
  count: 1,
  columns: 1,
  value: (_, y, x) => bytes[(y * width + x) * channels] / 255,
  colours: channels === 3 ? bytes : undefined,
});

/** Numbers of any size for each pixel of an image, [height][width][channels], as one map: the mean of the channels. */
export const meanMap = (values: Float32Array, { height, width, channels }: ImageSize): MapGrid => ({
  height,
  width,
  count: 1,
  columns: 1,
  value: (_, y, x) => {
    const at = (y * width + x) * channels;
    return values.subarray(at, at + channels).reduce((sum, v) => sum + v, 0) / channels;
  },
});

/** One map for a whole layer: the norm over all channels at each pixel, less the smallest one. */
export function overall(values: Float32Array, height: number, width: number): MapGrid {
  const channels = values.length / (height * width);
  const sizes = Float32Array.from({ length: height * width }, (_, pixel) =>
    Math.hypot(...values.subarray(pixel * channels, (pixel + 1) * channels)),
  );
  const least = Math.min(...sizes);
  return { height, width, count: 1, columns: 1, value: (_, y, x) => sizes[y * width + x] - least };
}

export const largest = (values: ArrayLike<number>): number =>
  Array.prototype.reduce.call(
    values,
    (most, v) => Math.max(most as number, Math.abs(v as number)),
    0,
  ) as number;

export const largestValue = ({ height, width, count, value }: MapGrid): number => {
  let most = 0;
  for (let i = 0; i < count; i++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) most = Math.max(most, Math.abs(value(i, y, x)));
  return most;
};
