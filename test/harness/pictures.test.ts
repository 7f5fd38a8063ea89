import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { greys, grid, type Picture, rgba, rowsOf } from '../../harness/pictures/pictures';

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

// A reader of its own: signature, chunks with checksums, zlib, rows without filters.
function decodePng(png: Uint8Array) {
  const view = new DataView(png.buffer, png.byteOffset);
  expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks: Record<string, Uint8Array> = {};
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    const name = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    chunks[name] = png.subarray(at + 8, at + 8 + length);
    let crc = -1;
    for (const byte of png.subarray(at + 4, at + 8 + length)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    expect(view.getUint32(at + 8 + length), name).toBe(~crc >>> 0);
    at += 12 + length;
  }
  expect(Object.keys(chunks)).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = new DataView(chunks.IHDR.buffer, chunks.IHDR.byteOffset);
  const [width, height, channels] = [header.getUint32(0), header.getUint32(4), chunks.IHDR[9] === 0 ? 1 : 3];
  expect([...chunks.IHDR.subarray(8)]).toEqual([8, channels === 1 ? 0 : 2, 0, 0, 0]);
  const rows = new Uint8Array(inflateSync(chunks.IDAT));
  const stride = width * channels + 1;
  expect(rows.length).toBe(stride * height);
  const data = new Uint8Array(width * channels * height);
  for (let y = 0; y < height; y++) {
    expect(rows[y * stride]).toBe(0);
    data.set(rows.subarray(y * stride + 1, (y + 1) * stride), y * width * channels);
  }
  return { width, height, channels, data };
}

test.each([
  [1, 1, 1],
  [37, 5, 1],
  [6, 11, 3],
  [400, 300, 1],
] as const)(
  'a PNG of %i x %i pixels and %i channels is read back as it was written',
  async (width, height, channels) => {
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7919) >> 3);
    const picture = { width, height, channels, data };
    expect(decodePng(await encodePng(picture))).toEqual(picture);
  },
);
