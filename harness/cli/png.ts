/** Reads PNG files of all kinds, and writes them of 8 bits, grey or RGB. https://www.w3.org/TR/png-3/ */
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { decode } from 'fast-png';
import type { Pixels } from '../../src/pictures/picture';
import type { Picture } from '../pictures/pictures';

/** What every file begins with: the signature, and the length and name of the header's chunk. */
const START = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
const [GREY, RGB, PALETTE] = [0, 2, 3];
/** Samples of a pixel by the header's type of colour. */
const SAMPLES = [1, 0, 3, 1, 2, 0, 4];
/** Adam7's seven passes: the first pixel, and the distances to the next. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** Decodes any PNG file; of an animated one the default picture. Throws an Error that says what is wrong with it. */
export function decodePng(bytes: Uint8Array): Pixels {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!file.subarray(0, START.length).equals(START)) throw new Error('is not a PNG file');
  const chunks = chunksOf(file);
  try {
    return pixelsOf(file, chunks);
  } catch {
    throw new Error('is damaged');
  }
}

/** Returns a function that joins the contents of all chunks of a name. */
function chunksOf(file: Buffer): (name: string) => Buffer {
  const found: { readonly name: string; readonly content: Buffer }[] = [];
  for (let at = 8; found.at(-1)?.name !== 'IEND'; ) {
    const end = at + 8 + (at + 4 > file.length ? 0 : file.readUInt32BE(at));
    if (end + 4 > file.length) throw new Error('is cut short');
    if (file.readUInt32BE(end) !== crc32(file.subarray(at + 4, end))) throw new Error('is damaged');
    found.push({ name: file.toString('latin1', at + 4, at + 8), content: file.subarray(at + 8, end) });
    at = end + 4;
  }
  return (name) => Buffer.concat(found.flatMap((chunk) => (chunk.name === name ? chunk.content : [])));
}

/**
 * fast-png unpacks pixels and profiles without a limit, and takes interlaced pixels of less than a byte for whole ones. So it gets each pass as
 * a file of its own, with as many bytes as the header says, and undoes the filters.
 */
function pixelsOf(file: Buffer, contentOf: (name: string) => Buffer): Pixels {
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const [depth, colour, , , interlaced] = file.subarray(24);
  if (![1, 2, 4, 8, 16].includes(depth)) throw new Error('No file has this depth.');
  const samples = SAMPLES[colour];
  let size = 0;
  const passes = (interlaced ? ADAM7 : [[0, 0, 1, 1]]).flatMap(([x, y, dx, dy]) => {
    const [across, down] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    if (across <= 0 || down <= 0) return [];
    const line = Math.ceil((across * samples * depth) / 8);
    const start = size;
    size += down * (1 + line);
    return { x, y, dx, dy, across, down, line, start, end: size };
  });
  const lines = inflateSync(contentOf('IDAT'), { maxOutputLength: size });
  if (lines.length < size) throw new Error('Pixels are missing.');
  const data = new Uint8ClampedArray(4 * width * height);
  const paint = painter(data, depth, colour, contentOf('PLTE'), contentOf('tRNS'));
  const values = new Uint16Array(samples);
  for (const { x, y, dx, dy, across, down, line, start, end } of passes) {
    const file = fileOf(across, down, depth, colour, lines.subarray(start, end), 0);
    const pass = decode(file).data;
    for (let i = 0; i < across * down; i++) {
      const [row, column] = [Math.floor(i / across), i % across];
      for (let c = 0; c < samples; c++) {
        const bit = (column * samples + c) * depth;
        values[c] =
          depth < 8
            ? (pass[row * line + (bit >> 3)] >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
            : pass[i * samples + c];
      }
      paint(4 * ((y + dy * row) * width + x + dx * column), values);
    }
  }
  return { data, width, height };
}

/**
 * Returns a function that writes the samples of a pixel as bytes of RGBA. `clear`: the opacities of a palette's colours, or the one colour
 * that is transparent, 16 bits a sample.
 */
function painter(out: Uint8ClampedArray, depth: number, colour: number, palette: Buffer, clear: Buffer) {
  if (colour === PALETTE) {
    return (at: number, [entry]: Uint16Array) => {
      if (3 * entry + 3 > palette.length) throw new Error('The pixel is beyond the palette.');
      out.set(palette.subarray(3 * entry, 3 * entry + 3), at);
      out[at + 3] = clear[entry] ?? 255;
    };
  }
  const scale = 255 / (2 ** depth - 1);
  const key = Array.from({ length: clear.length >> 1 }, (_, c) => clear.readUInt16BE(2 * c));
  return (at: number, values: Uint16Array) => {
    const isGrey = values.length < 3;
    for (let c = 0; c < 3; c++) out[at + c] = scale * values[isGrey ? 0 : c];
    const isClear = key.length > 0 && key.every((value, c) => value === values[c]);
    out[at + 3] = values.length % 2 === 0 ? scale * values[values.length - 1] : isClear ? 0 : 255;
  };
}

/** Encodes a picture. The same one gives the same bytes on the same runtime. */
export function encodePng({ width, height, channels, data }: Picture): Uint8Array {
  // Every row begins with the number of its filter: 0, none.
  const row = width * channels;
  const lines = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) lines.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return fileOf(width, height, 8, channels === 1 ? GREY : RGB, lines);
}

/** A file of these lines, not interlaced. `level`: how hard zlib tries to pack them. */
function fileOf(
  width: number,
  height: number,
  depth: number,
  colour: number,
  lines: Uint8Array,
  level?: number,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour], 8);
  const chunks = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([START.subarray(0, 8), ...chunks]);
}

/** Writes a chunk: content length, name, content, checksum of name and content. */
function chunk(name: string, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(name, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}
