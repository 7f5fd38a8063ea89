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
const [half, none] = [
  [0, 100, 200, 51],
  [7, 8, 9, 0],
];
const four = picture(2, 2, ...red, ...dark, ...half, ...none);

const close = (values: Iterable<number>, expected: number[]) => {
  const all = [...values];
  expect(all).toHaveLength(expected.length);
  for (const [i, v] of all.entries()) expect(v, `value ${i}`).toBeCloseTo(expected[i], 4);
};

describe('readPictures', () => {
  const grey = (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b;
  // A fifth of the colour and four of the white below.
  const halfOnWhite = [204, 224, 244];

  test('makes grey by luminance, and transparent pixels white', () => {
    const expected = [grey(255, 0, 0), grey(30, 60, 90), grey(204, 224, 244), 255].map((v) => v / 255);
    close(readPictures(four), expected);
    close(
      readPictures([four, four], { range: [1, -1] }),
      [...expected, ...expected].map((v) => 1 - 2 * v),
    );
  });

  test('keeps colours, and alpha where four channels are asked for', () => {
    const onWhite = [...red.slice(0, 3), ...dark.slice(0, 3), ...halfOnWhite, 255, 255, 255];
    close(readPictures(four, { channels: 3, range: [0, 255] }), onWhite);
    close(readPictures(four, { channels: 4, range: [0, 255] }), [...red, ...dark, ...half, ...none]);
  });

  test('reads pixels row by row', () => {
    const two = picture(3, 1, ...[1, 2, 3].flatMap((v) => [v, v, v, 255]));
    close(readPictures(two, { range: [0, 255] }), [1, 2, 3]);
  });

  test.each<[string, () => unknown, string[]]>([
    ['an empty list', () => readPictures([]), ['empty']],
    [
      'two sizes',
      () => readPictures([four, picture(1, 1, ...red)]),
      ['Picture 1 is 1 x 1', '2 x 2', 'resizeWidth: 2'],
    ],
    [
      'another size than asked',
      () => readPictures(four, { width: 28, height: 28 }),
      ['Picture 0 is 2 x 2', '28 x 28'],
    ],
    ['no picture', () => readPictures(null as never), ['Picture 0 is of type Null', 'ImageData']],
    ['numbers', () => readPictures([1, 2] as never), ['Picture 0 is of type Number']],
    ['too few bytes', () => readPictures(picture(2, 1, ...red)), ['4 values', '2 x 1', '8 bytes']],
    [
      'floats',
      () => readPictures({ data: new Float32Array(4), width: 1, height: 1 } as never),
      ['Float32Array'],
    ],
    ['a size of 0', () => readPictures(picture(0, 1)), ['width of picture 0', 'until it has loaded', 'is 0']],
    ['two channels', () => readPictures(four, { channels: 2 }), ['channels is 2', '1 (grey)']],
    ['half a range', () => readPictures(four, { range: [1] as never }), ['range is [1]']],
    ['an unknown setting', () => readPictures(four, { size: 2 } as never), ['size', 'height, width']],
  ])('refuses %s', async (_, make, facts) => void (await refused(make, 'argument', ...facts)));
});

test('picturesFor repeats one picture, and refuses a list of another length than the count', async () => {
  const size = { height: 2, width: 2, channels: 1 };
  const options = { count: 3, range: [0, 1] as const };
  const one = [...readPictures(four)];
  close(picturesFor('start', four, size, options), [...one, ...one, ...one]);
  await refused(
    () => picturesFor('start', [four], size, options),
    'argument',
    'start has 1 pictures',
    'must be 3',
  );
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
