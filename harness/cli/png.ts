/**
 * Writes PNG files of 8 bits, grey or RGB, and reads any. https://www.w3.org/TR/png-3/ Node's zlib does the hard part. A library that reads
 * them, pngjs, is of the old kind of modules, which the package's build cannot bundle; the tests compare with it.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import type { Pixels } from '../../src/pictures/picture';
import type { Picture } from '../run/pictures';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const RGBA = 6;
const CHANNELS: Readonly<Record<number, number>> = {
  [GREY]: 1,
  [RGB]: 3,
  [PALETTE]: 1,
  [GREY_ALPHA]: 2,
  [RGBA]: 4,
};

/** The same picture gives the same bytes on the same runtime. */
export function encodePng({ width, height, channels, data }: Picture): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits per channel
  header[9] = channels === 1 ? GREY : RGB;

  // Every row begins with the number of its filter: 0, none.
  const row = width * channels;
  const raw = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) raw.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from(SIGNATURE), ...chunks]);
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

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a channel: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** Decodes any PNG file; of an animated one the default picture, of 16 bits the upper 8. Throws an Error that says what is wrong with it. */
export function decodePng(bytes: Uint8Array): Pixels {
  const { header, data, palette, clear } = readChunks(bytes);
  const { width, height } = header;
  const samples = CHANNELS[header.colour];
  const lines = new Lines(header, inflate(data, sizeOfPasses(header)));
  const out = new Uint8ClampedArray(4 * width * height);
  const most = 2 ** Math.min(header.depth, 8) - 1;
  for (const pass of passesOf(header)) {
    for (let y = pass.y; y < height; y += pass.dy) {
      const line = lines.next(Math.ceil((width - pass.x) / pass.dx));
      for (let x = pass.x, i = 0; x < width; x += pass.dx, i += samples) {
        const at = 4 * (y * width + x);
        if (header.colour === PALETTE) {
          const entry = line.at(i);
          if (3 * entry + 2 >= palette.length) throw new Error('has a pixel beyond its palette');
          out.set([...palette.subarray(3 * entry, 3 * entry + 3), clear[entry] ?? 255], at);
          continue;
        }
        const value = (c: number) => (255 * line.at(i + c, true)) / most;
        const grey = samples < 3;
        const isClear = clear.length > 0 && line.equals(i, clear);
        const alpha = samples % 2 === 0 ? value(samples - 1) : isClear ? 0 : 255;
        out.set([value(0), value(grey ? 0 : 1), value(grey ? 0 : 2), alpha], at);
      }
    }
    lines.endPass();
  }
  return { data: out, width, height };
}

/** The header, the packed pixels, the palette, and the transparent entries or colour (tRNS). */
function readChunks(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw new Error('is not a PNG file');
  let header: Header | undefined;
  const data: Uint8Array[] = [];
  let [palette, clear]: Uint8Array[] = [new Uint8Array(), new Uint8Array()];
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw new Error('is cut short');
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw new Error('is cut short');
    if (view.getUint32(end) !== crc32(bytes.subarray(at + 4, end))) throw new Error('is damaged');
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, end);
    if (name === 'IHDR' && length === 13) header = headerOf(content);
    if (name === 'IDAT') data.push(content);
    if (name === 'PLTE') palette = content;
    if (name === 'tRNS') clear = content;
    if (name === 'IEND') break;
    at = end + 4;
  }
  if (!header || data.length === 0) throw new Error('is a PNG file without a picture');
  return { header, data: Buffer.concat(data), palette, clear };
}

function headerOf(content: Uint8Array): Header {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlace] = content.subarray(8);
  const isLegal = CHANNELS[colour] && [1, 2, 4, 8, 16].includes(depth) && width * height > 0;
  if (!isLegal) throw new Error('has a header that no PNG file has');
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

function inflate(data: Uint8Array, size: number): Uint8Array {
  try {
    const raw = inflateSync(data, { maxOutputLength: size + 1 });
    if (raw.length >= size) return raw;
  } catch {
    // The sentence below says as much.
  }
  throw new Error('is damaged');
}

/** Adam7's seven passes, or one: the first pixel, and the distances to the next. */
const ADAM7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
] as const;
const passesOf = ({ width, height, interlaced }: Header) =>
  interlaced ? ADAM7.filter(({ x, y }) => x < width && y < height) : [{ x: 0, y: 0, dx: 1, dy: 1 }];

const bytesOfLine = ({ depth, colour }: Header, pixels: number) =>
  Math.ceil((pixels * CHANNELS[colour] * depth) / 8);

function sizeOfPasses(header: Header): number {
  const { width, height } = header;
  return passesOf(header).reduce(
    (sum, { x, y, dx, dy }) =>
      sum + Math.ceil((height - y) / dy) * (1 + bytesOfLine(header, Math.ceil((width - x) / dx))),
    0,
  );
}

/** Undoes the filters, line by line, and reads samples of a line. */
class Lines {
  private readonly header: Header;
  private readonly raw: Uint8Array;
  private offset = 0;
  private line = new Uint8Array();
  private above = new Uint8Array();

  constructor(header: Header, raw: Uint8Array) {
    this.header = header;
    this.raw = raw;
  }

  /** The next line, which has this number of pixels. */
  next(pixels: number): this {
    const { depth, colour } = this.header;
    const length = bytesOfLine(this.header, pixels);
    const back = Math.max(1, (CHANNELS[colour] * depth) >> 3);
    const filter = this.raw[this.offset];
    this.above = this.line;
    this.line = this.raw.slice(this.offset + 1, this.offset + 1 + length);
    this.offset += 1 + length;
    for (let i = 0; i < length; i++) {
      const left = i < back ? 0 : this.line[i - back];
      const corner = i < back ? 0 : (this.above[i - back] ?? 0);
      this.line[i] += predicted(filter, left, this.above[i] ?? 0, corner);
    }
    return this;
  }

  /** The lines of a pass know none of the pass before. */
  endPass(): void {
    this.line = new Uint8Array();
  }

  /** Sample `i` of the line; of 16 bits all, or with `upper` the upper 8. */
  at(i: number, upper = false): number {
    const { depth } = this.header;
    if (depth === 8) return this.line[i];
    if (depth === 16) return upper ? this.line[2 * i] : 256 * this.line[2 * i] + this.line[2 * i + 1];
    const bit = i * depth;
    return (this.line[bit >> 3] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }

  /** Whether the samples from `i` are the colour of a tRNS chunk, 16 bits each. */
  equals(i: number, colour: Uint8Array): boolean {
    for (let c = 0; 2 * c < colour.length; c++)
      if (this.at(i + c) !== 256 * colour[2 * c] + colour[2 * c + 1]) return false;
    return true;
  }
}

/** What a filter adds to a byte: from the one to the left, above, or between. */
function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) throw new Error('is damaged');
  // Paeth: the one that is nearest to left + above - corner.
  const [a, b, c] = [left, above, corner].map((value) => Math.abs(left + above - corner - value));
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
