/** Pictures of images: grids, rows, greys, and PNG files. */
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { type BytePicture, grid, rgba } from '../../harness/pictures/pictures';

/** The first channel of a row of a picture. */
const row = ({ width, channels, data }: BytePicture, y: number) =>
  Array.from({ length: width }, (_, x) => data[(y * width + x) * channels]);
const dot = (values: number[], channels = 1) => ({ height: 1, width: 1, channels, values });
const tight = { scale: 1, gap: 0 };

test('a grid shows dark ink on white paper, pixels as squares, with gaps all around', () => {
  const picture = grid({ height: 1, width: 2, channels: 1, values: [0, 1, 0.5, 2] }, 2, { scale: 3, gap: 1 });
  expect({ width: picture.width, height: picture.height }).toEqual({ width: 15, height: 5 });
  expect(row(picture, 2)).toEqual([255, 255, 255, 255, 0, 0, 0, 255, 128, 128, 128, 0, 0, 0, 255]);
  for (const y of [0, 4]) expect(row(picture, y)).toEqual(Array(15).fill(255));
});

test('a grid shows values below 0 as paper, and is not spoilt by NaN', () => {
  const values = [-3, Number.NaN, 1, 1];
  const { data } = grid({ height: 1, width: 2, channels: 1, values }, 1, tight);
  expect([data[0], data[2], data[3]]).toEqual([255, 0, 0]);
});

test('a grid arranges images in columns and groups, with an incomplete last row', () => {
  const picture = grid(dot([1, 1, 1]), 2, { scale: 1, gap: 1 });
  expect({ width: picture.width, height: picture.height }).toEqual({ width: 5, height: 5 });
  expect([row(picture, 1), row(picture, 3)]).toEqual([
    [255, 0, 255, 0, 255],
    [255, 0, 255, 255, 255],
  ]);
  const grouped = grid(dot([1, 1, 1]), 2, { scale: 1, gap: 1, group: 1 });
  expect(row(grouped, 1)).toEqual([255, 0, 255, 255, 255, 0, 255]);
});

test('a grid keeps the colours of RGB images, and gives grey to a canvas as RGB', () => {
  const picture = grid(dot([1, 0.5, 0], 3), 1, tight);
  expect(picture).toEqual({ width: 1, height: 1, channels: 3, data: new Uint8Array([255, 128, 0]) });
  expect([...rgba(picture)]).toEqual([255, 128, 0, 255]);
  expect([...rgba(grid(dot([0.25]), 1, tight))]).toEqual([191, 191, 191, 255]);
});

test.each([
  [37, 5, 1],
  [6, 11, 3],
] as const)(
  'a PNG of %i x %i pixels and %i channels holds the lines of the picture, without filters',
  (width, height, channels) => {
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7919) >> 3);
    const bytes = Buffer.from(encodePng({ width, height, channels, data }));
    expect([...bytes.subarray(16, 26)]).toEqual([0, 0, 0, width, 0, 0, 0, height, 8, channels === 1 ? 0 : 2]);
    const at = bytes.indexOf('IDAT');
    const lines = inflateSync(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at - 4)));
    const row = width * channels;
    const expected = Array.from({ length: height }, (_, y) => [0, ...data.subarray(y * row, (y + 1) * row)]);
    expect([...lines]).toEqual(expected.flat());
  },
);
