/** Pictures as arrays, for callers. */
import { checkNames, type Names, wrongArgument } from '../base/errors';
import { type Picture, readPixels } from './picture';

/** Options of `readPictures`. */
export interface ReadPicturesOptions {
  /** The required height of all pictures, in pixels. Default: the first one's. */
  readonly height?: number | undefined;
  /** The required width of all pictures, in pixels. Default: the first one's. */
  readonly width?: number | undefined;
  /** 1 (default) makes them grey, by luminance; 3: red, green, blue; 4: and alpha. */
  readonly channels?: number | undefined;
  /** The values for black and white. Default [0, 1]; a flow, such as the recipe `digits`, takes [-1, 1]. */
  readonly range?: readonly [black: number, white: number] | undefined;
}

const OPTIONS: Names<ReadPicturesOptions> = { height: true, width: true, channels: true, range: true };

/**
 * Converts pictures to images, [count][height][width][channels], for `trainer.step` or a buffer. Grey is 0.299 red + 0.587 green +
 * 0.114 blue, of the picture's stored values. With 1 or 3 channels, transparent pixels become white. Throws `argument` for pictures of
 * another size, and for a canvas that the browser protects from reading.
 */
export function readPictures(
  pictures: Picture | readonly Picture[],
  options: ReadPicturesOptions = {},
): Float32Array<ArrayBuffer> {
  checkNames('readPictures', options, OPTIONS);
  const { channels = 1, range = [0, 1] } = options;
  if (!Array.isArray(range) || range.length !== 2 || !range.every(Number.isFinite)) {
    throw wrongArgument('range', range, 'the values for black and white');
  }
  return readPixels(pictures, { ...options, channels, range });
}
