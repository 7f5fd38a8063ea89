/** The files that Make, Draw and Train save: one step as a picture; all of them as a picture, an animation or numbers. Pure, but for loading the GIF encoder. */
import { type BytePicture, gridOfBytes } from '../../pictures/pictures';
import { SIDE } from '../../pictures/strokes';
import type { ImageSize } from '../messages/settings';
import { type Frame, fileScale, type Shape } from './trajectory';

const FRAME_MS = 120;

/** A step, x on the left, the prediction on the right; of the last of `steps`, and of the polish after it, the prediction alone, which is the images. */
export function stepPicture({ step, x, prediction }: Frame, shape: Shape, steps: number): BytePicture {
  return step >= steps
    ? gridOfBytes(prediction, shape, { scale: fileScale(shape) })
    : beside(x, prediction, shape);
}

/** Two grids of one shape, row by row. */
export function beside(left: Uint8Array, right: Uint8Array, shape: Shape): BytePicture {
  const { columns } = shape;
  const size = imageLength(shape);
  const rows = Math.ceil(left.length / size / columns);
  // Paper, where the last row is not full.
  const both = new Uint8Array(2 * rows * columns * size).fill(shape.channels === 3 ? 255 : 0);
  for (let row = 0; row < rows; row++) {
    const from = row * columns * size;
    const to = (row + 1) * columns * size;
    both.set(left.subarray(from, to), 2 * from);
    both.set(right.subarray(from, to), 2 * from + columns * size);
  }
  return gridOfBytes(both, { ...shape, columns: 2 * columns }, { group: columns, scale: fileScale(shape) });
}

/** The drawing as the network sees it, and the answers beside it. */
export function drawnPicture(images: readonly Uint8Array[]): BytePicture {
  return gridOfBytes(joined(images), { columns: images.length, height: SIDE, width: SIDE, channels: 1 });
}

/** The first row of each grid, below each other. */
export function sheet(grids: readonly Uint8Array[], shape: Shape, group = shape.columns): BytePicture {
  const length = shape.columns * imageLength(shape);
  return gridOfBytes(joined(grids.map((bytes) => bytes.subarray(0, length))), shape, { scale: 2, group });
}

/** A row for each step, x beside the prediction, as the command line's `sample --history` draws them: of the first row of images. */
export function trajectorySheet(frames: readonly Frame[], shape: Shape): BytePicture {
  const { columns } = shape;
  const length = columns * imageLength(shape);
  const rows = frames.map(({ x, prediction }) =>
    joined([x.subarray(0, length), prediction.subarray(0, length)]),
  );
  return sheet(rows, { ...shape, columns: 2 * columns }, columns);
}

/** From noise to images, over and over: x before each step, and at last the images. A frame of colours has the 256 that suit it best. */
export function trajectoryGif(frames: readonly Frame[], shape: Shape): Promise<Uint8Array<ArrayBuffer>> {
  const pictures = [...frames.map(({ x }) => x), frames.at(-1)!.prediction];
  return animation(
    pictures.map((bytes) => ({ bytes, shape })),
    FRAME_MS,
  );
}

/** Images of bytes, one after the other. All must have the same size together. */
export async function animation(
  all: readonly { readonly bytes: Uint8Array; readonly shape: Shape }[],
  milliseconds: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { encodeGif } = await import('../../pictures/gif');
  return encodeGif(
    all.map(({ bytes, shape }) => gridOfBytes(bytes, shape, { scale: 3 })),
    milliseconds,
  );
}

/** Grids of one size as numbers: uint8, [grids][images][height][width], 255 for ink; of colours [grids][images][height][width][3]. */
export function gridsNpy(grids: readonly Uint8Array[], shape: ImageSize): Uint8Array<ArrayBuffer> {
  const { height, width, channels } = shape;
  const count = grids[0].length / imageLength(shape);
  return npy([grids.length, count, height, width, ...(channels === 1 ? [] : [channels])], grids);
}

const imageLength = ({ height, width, channels }: ImageSize) => height * width * channels;

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A file of NumPy, version 1.0: a head of text, padded to a multiple of 64 bytes, and the numbers. */
function npy(shape: readonly number[], parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const length = 64 * Math.ceil((10 + text.length + 1) / 64);
  const head = `\x93NUMPY\x01\x00  ${text.padEnd(length - 11)}\n`;
  const bytes = joined([Uint8Array.from(head, (letter) => letter.charCodeAt(0)), ...parts]);
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  return bytes;
}
