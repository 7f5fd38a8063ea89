import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodePng } from '../../../harness/pictures/png';
import { Random } from '../../../harness/specs/lib/spec';
import { readPng } from '../../lib/system';

describe('a PNG file', () => {
  const chunk = (name: string, content: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
    const words = [content.length, crc32(named)].map((n) => Buffer.from(Uint32Array.of(n).buffer).swap32());
    return Buffer.concat([words[0], named, words[1]]);
  };
  /** A file of random lines, each with another filter. `more`: chunks before the pixels. */
  const fileOf = (
    width: number,
    height: number,
    depth: number,
    colour: number,
    interlace: 0 | 1,
    ...more: Buffer[]
  ) => {
    const samples = [1, 0, 3, 1, 2, 0, 4][colour];
    const starts = [
      [0, 0, 8, 8],
      [4, 0, 8, 8],
      [0, 4, 4, 8],
      [2, 0, 4, 4],
      [0, 2, 2, 4],
      [1, 0, 2, 2],
      [0, 1, 1, 2],
    ];
    const passes = interlace ? starts.filter(([x, y]) => x < width && y < height) : [[0, 0, 1, 1]];
    const random = new Random(7 * width + depth + colour);
    const lines = passes.flatMap(([x, y, dx, dy]) =>
      Array.from({ length: Math.ceil((height - y) / dy) }, (_, row) => {
        const bytes = Math.ceil((Math.ceil((width - x) / dx) * samples * depth) / 8);
        return Buffer.from([row % 5, ...random.floats(bytes, 0, 255.99)]);
      }),
    );
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([depth, colour, 0, 0, interlace], 8);
    const data = deflateSync(Buffer.concat(lines));
    return Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
      ...[
        chunk('IHDR', header),
        ...more,
        chunk('IDAT', data.subarray(0, 9)),
        chunk('IDAT', data.subarray(9)),
      ],
      chunk('IEND', Buffer.alloc(0)),
    ]);
  };
  const palette = chunk(
    'PLTE',
    Uint8Array.from({ length: 768 }, (_, i) => (i * 37) & 255),
  );
  const opacities = chunk('tRNS', Uint8Array.of(0, 128));
  const kinds: readonly (readonly [number, number, ...Buffer[]])[] = [
    ...[1, 2, 4, 8, 16].map((depth) => [depth, 0] as const),
    ...[1, 2, 4, 8].map((depth) => [depth, 3, palette, opacities] as const),
    ...[8, 16].flatMap((depth) => [2, 4, 6].map((colour) => [depth, colour] as const)),
  ];

  test.each(kinds)('of %i bits, colour type %i, is decoded as pngjs decodes it', async (...kind) => {
    const [depth, colour, ...more] = kind as unknown as readonly [number, number, ...Buffer[]];
    for (const interlace of [0, 1] as const) {
      for (const [width, height] of [
        [13, 11],
        [3, 9],
      ]) {
        const bytes = fileOf(width, height, depth, colour, interlace, ...more);
        const [ours, theirs] = [await decodePng(bytes), readPng(bytes)];
        expect([ours.width, ours.height]).toEqual([width, height]);
        // pngjs rounds the upper half of 16 bits up, where they are near.
        const far = [...ours.data].filter(
          (value, i) => Math.abs(value - theirs.data[i]) > (depth === 16 ? 1 : 0),
        );
        expect(far).toEqual([]);
      }
    }
  });

  test('may name one transparent colour', async () => {
    const bytes = fileOf(8, 2, 1, 0, 0, chunk('tRNS', Uint8Array.of(0, 1)));
    const { data } = await decodePng(bytes);
    for (let at = 0; at < data.length; at += 4) expect(data[at + 3]).toBe(data[at] === 255 ? 0 : 255);
  });

  test('that is broken is refused with the reason', async () => {
    const bytes = fileOf(13, 11, 8, 2, 0);
    const refuses = (given: Uint8Array, why: string) => expect(decodePng(given)).rejects.toThrow(why);
    await refuses(bytes.subarray(0, -20), 'is cut short');
    await refuses(Buffer.from('GIF89a and more'), 'is not a PNG file');
    const flipped = Buffer.from(bytes);
    flipped[60] ^= 1;
    await refuses(flipped, 'is damaged');
    await refuses(
      fileOf(13, 11, 4, 3, 0, chunk('PLTE', Uint8Array.of(1, 2, 3))),
      'has a pixel beyond its palette',
    );
    await refuses(
      Buffer.concat([bytes.subarray(0, 33), chunk('IEND', Buffer.alloc(0))]),
      'is a PNG file without a picture',
    );
  });
});
