/** What pictures become, from bytes as a decoder of PNG files has them, and the texture that shows images in three.js. */
import { describe, expect, test, vi } from 'vitest';
import { type Pixels, picturesFor, readPictureSet } from '../../../src/pictures/picture';
import { readPictures } from '../../../src/pictures/read_pictures';
import { createPictureTexture } from '../../../src/three';
import { refused } from '../../lib/refused';

const picture = (width: number, height: number, ...bytes: number[]): Pixels => ({
  data: Uint8ClampedArray.from(bytes),
  width,
  height,
});

const red = [255, 0, 0, 255];
const dark = [30, 60, 90, 255];
/** Half through, and through. */
const half = [0, 100, 200, 51];
const none = [7, 8, 9, 0];
const four = picture(2, 2, ...red, ...dark, ...half, ...none);

describe('readPictures', () => {
  const grey = (r: number, g: number, b: number) => (0.299 * r + 0.587 * g + 0.114 * b) / 255;
  const expected = [grey(255, 0, 0), grey(30, 60, 90), grey(204, 224, 244), 1];
  // A fifth of the colour and four of the white below.
  const onWhite = [255, 0, 0, 30, 60, 90, 204, 224, 244, 255, 255, 255];
  const colours = { channels: 3, range: [0, 255] } as const;

  test.each<[what: string, values: Float32Array, expected: number[]]>([
    ['grey by luminance, and transparent pixels white', readPictures(four), expected],
    [
      'another range, of several',
      readPictures([four, four], { range: [1, -1] }),
      [...expected, ...expected].map((v) => 1 - 2 * v),
    ],
    ['colours', readPictures(four, colours), onWhite],
    [
      'colours and alpha',
      readPictures(four, { ...colours, channels: 4 }),
      [...red, ...dark, ...half, ...none],
    ],
    [
      'one for each place of a list',
      picturesFor('start', four, { ...colours, height: 2, width: 2 }, { count: 2, range: [0, 255] }),
      [...onWhite, ...onWhite],
    ],
  ])('makes %s', (_, values, expected) => {
    expect(values).toHaveLength(expected.length);
    for (const [i, v] of values.entries()) expect(v, `value ${i}`).toBeCloseTo(expected[i], 4);
  });

  test.each<[what: string, make: () => unknown, facts: string[]]>([
    ['an empty list', () => readPictures([]), ['empty']],
    [
      'two sizes',
      () => readPictures([four, picture(1, 1, ...red)]),
      ['Picture 1 is 1 x 1', '2 x 2', 'resizeWidth: 2'],
    ],
    ['another size than asked', () => readPictures(four, { width: 28, height: 28 }), ['2 x 2', '28 x 28']],
    ['no picture', () => readPictures(null as never), ['Picture 0 is of type Null', 'ImageData']],
    ['numbers', () => readPictures([1, 2] as never), ['Picture 0 is of type Number']],
    ['too few bytes', () => readPictures(picture(2, 1, ...red)), ['4 values', '2 x 1', '8 bytes']],
    ['floats', () => readPictures({ ...four, data: new Float32Array(4) } as never), ['Float32Array']],
    ['a size of 0', () => readPictures(picture(0, 1)), ['width of picture 0', 'until it has loaded', 'is 0']],
    ['two channels', () => readPictures(four, { channels: 2 }), ['channels is 2', '1 (grey)']],
    ['half a range', () => readPictures(four, { range: [1] as never }), ['range is [1]']],
    ['an unknown setting', () => readPictures(four, { size: 2 } as never), ['size', 'height, width']],
    [
      'another number than images',
      () => picturesFor('start', [four], { ...colours, height: 2, width: 2 }, { count: 3, range: [0, 1] }),
      ['start has 1 pictures', 'must be 3'],
    ],
  ])('refuses %s', async (_, make, facts) => void (await refused(make, 'argument', ...facts)));
});

test('readPictureSet makes a data set of bytes, grey or in colour, with labels', () => {
  const labels = Uint8Array.of(3);
  const set = readPictureSet({ pictures: [four], channels: 3, labels });
  expect(set).toMatchObject({ count: 1, height: 2, width: 2, channels: 3, labels });
  expect([...set.images]).toEqual([255, 0, 0, 30, 60, 90, 204, 224, 244, 255, 255, 255]);
  expect([...readPictureSet({ pictures: [four] }).images]).toEqual([76, 54, 220, 255]);
});

test('a class of three’s that throws leaves neither painter nor texture behind', async () => {
  vi.stubGlobal('GPUTextureUsage', { TEXTURE_BINDING: 4, COPY_DST: 2, COPY_SRC: 1 });
  const destroyed: string[] = [];
  const made = (name: string) => ({ width: 8, height: 8, destroy: () => destroyed.push(name) });
  const engine = {
    device: { createTexture: () => made('texture') },
    createPainter: async () => made('painter'),
  } as never;
  class Throws {
    constructor() {
      throw new Error('no three');
    }
  }
  const picture = { height: 8, width: 8, channels: 1 };
  await expect(createPictureTexture(engine, Throws as never, picture)).rejects.toThrow('no three');
  expect(destroyed.sort()).toEqual(['painter', 'texture']);
  vi.unstubAllGlobals();
});
