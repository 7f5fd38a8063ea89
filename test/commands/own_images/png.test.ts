import { syncBuiltinESMExports } from 'node:module';
import zlib, { crc32, deflateSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodePng } from '../../../harness/cli/png';
import { TestRandom } from '../../../harness/specs/lib/spec';

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

const PALETTE = Uint8Array.from({ length: 768 }, (_, i) => (i * 37) & 255);
const OPACITIES = [0, 128];

/**
 * A file of random pixels, and what they are. The colour of the first one is transparent, or two of the `colours` of a palette. `surplus`:
 * bytes of pixels beyond what the header says.
 */
function made({
  width = 13,
  height = 11,
  depth = 8,
  colour = 2,
  interlace = 0,
  colours = 256,
  more = [] as readonly Buffer[],
  surplus = 0,
} = {}) {
  const samples = [1, 0, 3, 1, 2, 0, 4][colour];
  const pixels = new TestRandom(7 * width + depth + colour).integers(width * height * samples, 2 ** depth);
  const pixelAt = (x: number, y: number) => [...pixels.subarray(samples * (y * width + x))].slice(0, samples);
  const passes = interlace ? PASSES.filter(([x, y]) => x < width && y < height) : [[0, 0, 1, 1]];
  const lines = passes.flatMap(([left, top, dx, dy]) =>
    Array.from({ length: Math.ceil((height - top) / dy) }, (_, row) => {
      const across = Array.from({ length: Math.ceil((width - left) / dx) }, (_, i) => left + i * dx);
      const values = across.flatMap((x) => pixelAt(x, top + row * dy));
      const bits = values.map((value) => value.toString(2).padStart(depth, '0')).join('');
      const line = bits.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
      return Buffer.from([0, ...line]);
    }),
  );
  const key = pixelAt(0, 0);
  const clear = { 0: key, 2: key }[colour]?.flatMap((value) => [value >> 8, value & 255]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
  const all = Buffer.concat([...lines, Buffer.alloc(Math.max(0, surplus))]);
  const data = deflateSync(all.subarray(0, all.length + Math.min(0, surplus)));
  const bytes = Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...(colour === 3 ? [chunk('PLTE', PALETTE.subarray(0, 3 * colours))] : []),
    ...more,
    ...(colour < 4 ? [chunk('tRNS', Uint8Array.from(clear ?? OPACITIES))] : []),
    chunk('IDAT', data.subarray(0, 9)),
    chunk('IDAT', data.subarray(9)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  const rgba = Array.from({ length: width * height }, (_, i) => {
    const pixel = pixelAt(i % width, Math.floor(i / width));
    const [entry] = pixel;
    if (colour === 3) return [...PALETTE.subarray(3 * entry, 3 * entry + 3), OPACITIES[entry] ?? 255];
    const scaled = pixel.map((value) => Math.round((255 * value) / (2 ** depth - 1)));
    const opacity = samples % 2 === 0 ? scaled[samples - 1] : pixel.join() === key.join() ? 0 : 255;
    return [...(samples < 3 ? Array(3).fill(scaled[0]) : scaled.slice(0, 3)), opacity];
  });
  return { bytes, pixels: { width, height, data: shown(rgba.flat()) } };
}

/** The pixels; transparent ones, whose colours count for nothing, are all alike. */
const shown = (data: ArrayLike<number>) =>
  Array.from(data, (value, i) => (data[i | 3] === 0 ? 0 : value)).join();
const decoded = (bytes: Uint8Array) => {
  const found = decodePng(bytes);
  return { ...found, data: shown(found.data) };
};

describe('a PNG file', () => {
  test.each([
    ...[1, 2, 4, 8, 16].map((depth) => [depth, 0]),
    ...[1, 2, 4, 8].map((depth) => [depth, 3]),
    ...[8, 16].flatMap((depth) => [2, 4, 6].map((colour) => [depth, colour])),
  ])('of %i bits, colour type %i, is decoded', (depth, colour) => {
    for (const interlace of [0, 1]) {
      for (const [width, height] of [
        [13, 11],
        [3, 9],
        [1, 1],
      ]) {
        const { bytes, pixels } = made({ width, height, depth, colour, interlace });
        expect(decoded(bytes)).toEqual(pixels);
      }
    }
  });

  test('may have a profile, which is not read, and more bytes behind it', () => {
    const profile = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(1e6)).subarray(0, 99)]);
    const { bytes, pixels } = made({ more: [chunk('iCCP', profile)] });
    expect(decoded(Buffer.concat([bytes, Buffer.alloc(9)]))).toEqual(pixels);
  });

  const { bytes } = made();
  test.each<[string, Uint8Array]>([
    ['is cut short', bytes.subarray(0, -20)],
    ['is not a PNG file', Buffer.from('GIF89a and more')],
    // Other colours are beyond the palette.
    ['is damaged', made({ depth: 4, colour: 3, colours: 2 }).bytes],
    ['is damaged', Buffer.concat([bytes.subarray(0, 33), chunk('IEND', Buffer.alloc(0))])],
    // A checksum is wrong.
    ['is damaged', made({ colour: 3 }).bytes.map((byte, i) => (i === 60 ? byte ^ 1 : byte))],
    // The header again.
    ['is damaged', made({ more: [bytes.subarray(8, 33)] }).bytes],
    ...[0, 1].flatMap((interlace) =>
      [-1, 1].map((surplus): [string, Uint8Array] => ['is damaged', made({ interlace, surplus }).bytes]),
    ),
  ])('that is broken is refused with the reason, %s, row %#', (why, given) => {
    expect(() => decodePng(given)).toThrow(why);
  });

  test('is not unpacked beyond what its header says', () => {
    const { bytes } = made({ interlace: 1, surplus: 1e6 });
    const unpacked = vi.spyOn(zlib, 'inflateSync');
    onTestFinished(() => {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    });
    syncBuiltinESMExports();
    expect(() => decodePng(bytes)).toThrow('is damaged');
    expect(unpacked.mock.results.map(({ type }) => type)).toEqual(['throw']);
  });
});
