/** The files that the Make tab saves: one step as a picture, all steps as an animation or as numbers. Pure, but for loading the GIF encoder. */
import { grid, type Picture } from '../run/pictures';
import type { Order } from './protocol';
import type { PageRecipe } from './settings';
import type { Frame, Shape } from './trajectory';

const FRAME_MS = 120;

/** `digits-2026-step-20-of-20-seed-123.png`: all that is needed to make it again, but for guidance and method. */
export function fileName(
  recipe: PageRecipe,
  { text, digit, steps, seed }: Order,
  step: number | 'all',
  ending: string,
): string {
  const what = recipe === 'tutorial' ? 'tutorial' : `digits-${text || digit}`;
  const which = step === 'all' ? `${steps}-steps` : `step-${step}-of-${steps}`;
  return `${what}-${which}-seed-${seed}.${ending}`;
}

/** Images of bytes as a picture. */
const pictureOf = (
  bytes: Uint8Array,
  { columns, height, width }: Shape,
  options: { readonly scale: number; readonly group?: number },
): Picture =>
  grid(
    { height, width, channels: 1, values: Float32Array.from(bytes, (byte) => byte / 255) },
    columns,
    options,
  );

/** A step: x on the left, the prediction on the right. Of the last step the prediction alone, which is the images. */
export function stepPicture({ x, prediction }: Frame, shape: Shape, last: boolean): Picture {
  if (last) return pictureOf(prediction, shape, { scale: 4 });
  const { columns, height, width } = shape;
  const size = height * width;
  const rows = Math.ceil(x.length / size / columns);
  const both = new Uint8Array(2 * rows * columns * size);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * columns * size, (row + 1) * columns * size];
    both.set(x.subarray(from, to), 2 * from);
    both.set(prediction.subarray(from, to), 2 * from + columns * size);
  }
  return pictureOf(both, { ...shape, columns: 2 * columns }, { scale: 4, group: columns });
}

/** x before each step, and at last the images. */
const pictures = (frames: readonly Frame[]) => [
  ...frames.map(({ x }) => x),
  frames[frames.length - 1].prediction,
];

/** From noise to images, over and over. */
export async function trajectoryGif(
  frames: readonly Frame[],
  shape: Shape,
): Promise<Uint8Array<ArrayBuffer>> {
  return animation(
    pictures(frames).map((bytes) => ({ bytes, shape })),
    FRAME_MS,
  );
}

/** Images of bytes, one after the other. All must have the same size together. */
export async function animation(
  all: readonly { readonly bytes: Uint8Array; readonly shape: Shape }[],
  milliseconds: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { encodeGif } = await import('../cli/gif');
  return encodeGif(
    all.map(({ bytes, shape }) => pictureOf(bytes, shape, { scale: 3 })),
    milliseconds,
  );
}

/** The same as numbers: uint8, [frames + 1][images][height][width], 255 for ink. */
export function trajectoryNpy(frames: readonly Frame[], { height, width }: Shape): Uint8Array<ArrayBuffer> {
  const all = pictures(frames);
  const images = all[0].length / (height * width);
  return npy([all.length, images, height, width], all);
}

/** A file of NumPy, version 1.0: a head of text, padded to a multiple of 64 bytes, and the numbers. */
function npy(shape: readonly number[], parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const length = 64 * Math.ceil((10 + text.length + 1) / 64);
  const head = `\x93NUMPY\x01\x00  ${text.padEnd(length - 11)}\n`;
  const bytes = new Uint8Array(length + parts.reduce((sum, part) => sum + part.length, 0));
  bytes.set(Array.from(head, (letter) => letter.charCodeAt(0)));
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  let at = length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
