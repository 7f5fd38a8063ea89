import { describe, expect, test } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { greys, grid, type Picture, rgba, rowsOf } from '../../harness/pictures/pictures';
import { readPng } from '../lib/system';

const pixel = ({ width, channels, data }: Picture, x: number, y: number) => [
  ...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels),
];

describe('the picture of a grid of images', () => {
  const two = { height: 1, width: 2, channels: 1, values: [0, 1, 0.5, 2] };

  test('shows dark ink on white paper, pixels as squares, with gaps all around', () => {
    const picture = grid(two, 2, { scale: 3, gap: 1 });
    expect({ width: picture.width, height: picture.height }).toEqual({ width: 15, height: 5 });
    const row = Array.from({ length: 15 }, (_, x) => pixel(picture, x, 2)[0]);
    expect(row).toEqual([255, 255, 255, 255, 0, 0, 0, 255, 128, 128, 128, 0, 0, 0, 255]);
    for (let x = 0; x < 15; x++)
      expect([pixel(picture, x, 0)[0], pixel(picture, x, 4)[0]]).toEqual([255, 255]);
  });

  test('shows values below 0 as paper, and is not spoilt by NaN', () => {
    const { data } = grid({ ...two, values: [-3, Number.NaN, 1, 1] }, 1, { scale: 1, gap: 0 });
    expect([data[0], data[2], data[3]]).toEqual([255, 0, 0]);
  });

  test('arranges images in columns and groups, with an incomplete last row', () => {
    const three = { height: 1, width: 1, channels: 1, values: [1, 1, 1] };
    const picture = grid(three, 2, { scale: 1, gap: 1 });
    expect({ width: picture.width, height: picture.height }).toEqual({ width: 5, height: 5 });
    expect([pixel(picture, 1, 1), pixel(picture, 3, 1), pixel(picture, 1, 3), pixel(picture, 3, 3)]).toEqual([
      [0],
      [0],
      [0],
      [255],
    ]);
    const grouped = grid(three, 2, { scale: 1, gap: 1, group: 1 });
    expect(grouped.width).toBe(7);
    expect([pixel(grouped, 1, 1), pixel(grouped, 3, 1), pixel(grouped, 5, 1)]).toEqual([[0], [255], [0]]);
  });

  test('keeps the colours of RGB images', () => {
    const picture = grid({ height: 1, width: 1, channels: 3, values: [1, 0.5, 0] }, 1, { scale: 1, gap: 0 });
    expect(picture).toEqual({ width: 1, height: 1, channels: 3, data: new Uint8Array([255, 128, 0]) });
    expect([...rgba(picture)]).toEqual([255, 128, 0, 255]);
  });

  test('gives grey to a canvas as RGB', () => {
    const picture = grid({ height: 1, width: 1, channels: 1, values: [0.25] }, 1, { scale: 1, gap: 0 });
    expect([...rgba(picture)]).toEqual([191, 191, 191, 255]);
  });
});

test('rowsOf puts rows of images below each other', () => {
  const row = (value: number) => ({ height: 1, width: 1, channels: 1, values: [value, value] });
  expect(Array.from(rowsOf(row(0), row(1), row(0.5)).values)).toEqual([0, 0, 1, 1, 0.5, 0.5]);
});

test('greys of images are bytes / 255, not made black and white', () => {
  const set = { images: new Uint8Array([0, 51, 255, 9]), height: 1, width: 1, channels: 1 };
  expect([...greys(set, 3).values]).toEqual([0, Math.fround(0.2), 1]);
});

test.each([
  [1, 1, 1],
  [37, 5, 1],
  [6, 11, 3],
  [400, 300, 1],
] as const)(
  'a PNG of %i x %i pixels and %i channels is read by pngjs as it was written',
  (width, height, channels) => {
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7919) >> 3);
    const picture = { width, height, channels, data };
    const read = readPng(encodePng(picture));
    expect(read).toMatchObject({ width, height, depth: 8, colorType: channels === 1 ? 0 : 2 });
    expect(read.data.equals(new Uint8Array(rgba(picture)))).toBe(true);
  },
);
