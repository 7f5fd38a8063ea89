import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodePng } from '../../../harness/cli/png';
import { Random } from '../../../harness/specs/lib/spec';
import type { Pixels } from '../../../src/pictures/picture';
import { readPng } from '../../lib/system';

const chunk = (name: string, content: Uint8Array) => {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const words = [content.length, crc32(named)].map((n) => Buffer.from(Uint32Array.of(n).buffer).swap32());
  return Buffer.concat([words[0], named, words[1]]);
};
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * A file of random lines, each with another filter. The colour of its first pixel is transparent, or two of its palette of `colours`.
 * `surplus`: bytes of pixels beyond what the header says.
 */
function fileOf({
  width = 13,
  height = 11,
  depth = 8,
  colour = 2,
  interlace = 0,
  colours = 256,
  more = [] as readonly Buffer[],
  surplus = 0,
} = {}): Buffer {
  const samples = [1, 0, 3, 1, 2, 0, 4][colour];
  const passes = interlace ? PASSES.filter(([x, y]) => x < width && y < height) : [[0, 0, 1, 1]];
  const random = new Random(7 * width + depth + colour);
  const lines = passes.flatMap(([x, y, dx, dy]) =>
    Array.from({ length: Math.ceil((height - y) / dy) }, (_, row) => {
      const bytes = Math.ceil((Math.ceil((width - x) / dx) * samples * depth) / 8);
      return Buffer.from([row % 5, ...random.floats(bytes, 0, 255.99)]);
    }),
  );
  const first = [...lines[0].subarray(1, 1 + Math.ceil((samples * depth) / 8))];
  const key = depth === 16 ? first : first.flatMap((byte) => [0, byte >> Math.max(0, 8 - depth)]);
  const clear = { 0: key, 2: key, 3: [0, 128] }[colour];
  const palette = Uint8Array.from({ length: 3 * colours }, (_, i) => (i * 37) & 255);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
  const all = Buffer.concat([...lines, Buffer.alloc(9)]);
  const data = deflateSync(all.subarray(0, all.length - 9 + surplus));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...[chunk('IHDR', header), ...(colour === 3 ? [chunk('PLTE', palette)] : []), ...more],
    ...(clear ? [chunk('tRNS', Uint8Array.from(clear))] : []),
    ...[chunk('IDAT', data.subarray(0, 9)), chunk('IDAT', data.subarray(9)), chunk('IEND', Buffer.alloc(0))],
  ]);
}

/** The pixels; transparent ones, whose colours pngjs may drop, are all alike. */
const shown = ({ data }: Pixels) => data.map((value, i) => (data[i | 3] === 0 ? 0 : value)).join();

describe('a PNG file', () => {
  test.each([
    ...[1, 2, 4, 8, 16].map((depth) => [depth, 0]),
    ...[1, 2, 4, 8].map((depth) => [depth, 3]),
    ...[8, 16].flatMap((depth) => [2, 4, 6].map((colour) => [depth, colour])),
  ])('of %i bits, colour type %i, is decoded as pngjs decodes it', (depth, colour) => {
    for (const interlace of [0, 1]) {
      for (const [width, height] of [
        [13, 11],
        [3, 9],
      ]) {
        const bytes = fileOf({ width, height, depth, colour, interlace });
        const [ours, theirs] = [decodePng(bytes), readPng(bytes)];
        expect({ ...ours, data: shown(ours) }).toEqual({ width, height, data: shown(theirs) });
      }
    }
  });

  test('may have a second header and a profile, which are not read', () => {
    const header = Buffer.alloc(13, 255);
    const profile = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(1e6)).subarray(0, 99)]);
    const bytes = fileOf({ more: [chunk('IHDR', header), chunk('iCCP', profile)] });
    expect(decodePng(bytes)).toEqual(decodePng(fileOf()));
  });

  const bytes = fileOf();
  test.each<[string, Uint8Array]>([
    ['is cut short', bytes.subarray(0, -20)],
    ['is not a PNG file', Buffer.from('GIF89a and more')],
    // Other colours are beyond the palette.
    ['is damaged', fileOf({ depth: 4, colour: 3, colours: 1 })],
    ['is damaged', Buffer.concat([bytes.subarray(0, 33), chunk('IEND', Buffer.alloc(0))])],
    // A checksum is wrong.
    ['is damaged', fileOf({ colour: 3 }).map((byte, i) => (i === 60 ? byte ^ 1 : byte))],
    ['is damaged', fileOf({ surplus: 1 })],
    ['is damaged', fileOf({ surplus: -1 })],
  ])('that is broken is refused with the reason, %s, row %#', (why, given) => {
    expect(() => decodePng(given)).toThrow(why);
  });
});
