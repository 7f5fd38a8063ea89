/**
 * Reads any PNG file: the same bytes in a browser and in Node, where a browser's canvas multiplies colours by their opacity and applies
 * profiles. https://www.w3.org/TR/png-3/ A library that does, pngjs, is of the old kind of modules, which the package's build cannot bundle;
 * the tests compare with it.
 */
import { inSlices } from '../../src/data/gzip';
import type { Pixels } from '../../src/pictures/picture';
import { crc32 } from '../../src/weights/checksum';

export const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;
export const GREY = 0;
export const RGB = 2;
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

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a channel: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** Decodes any PNG file; of an animated one the default picture, of 16 bits the upper 8. Rejects with an Error that says what is wrong with it. */
export async function decodePng(bytes: Uint8Array): Promise<Pixels> {
  const { header, data, palette, clear } = readChunks(bytes);
  const { width, height } = header;
  const samples = CHANNELS[header.colour];
  const lines = new Lines(header, await inflate(data, sizeOfPasses(header)));
  const out = new Uint8ClampedArray(4 * width * height);
  const most = 2 ** Math.min(header.depth, 8) - 1;
  const value = (line: Lines, i: number) => (255 * line.at(i, true)) / most;
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
        const isClear = clear.length > 0 && line.equals(i, clear);
        for (let c = 0; c < 3; c++) out[at + c] = value(line, samples < 3 ? i : i + c);
        out[at + 3] = samples % 2 === 0 ? value(line, i + samples - 1) : isClear ? 0 : 255;
      }
    }
    lines.endPass();
  }
  return { data: out, width, height };
}

/** Whether a file begins as PNG files do. */
export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

/** The header, the packed pixels, the palette, and the transparent entries or colour (tRNS). */
function readChunks(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isPng(bytes)) throw new Error('is not a PNG file');
  let header: Header | undefined;
  const data: Uint8Array[] = [];
  let [palette, clear]: Uint8Array[] = [new Uint8Array(), new Uint8Array()];
  for (let at = 8; ; ) {
    if (at + 12 > bytes.length) throw new Error('is cut short');
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw new Error('is cut short');
    if (view.getUint32(end) !== Number(`0x${crc32(bytes.subarray(at + 4, end))}`))
      throw new Error('is damaged');
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
  return { header, data: joined(data), palette, clear };
}

function headerOf(content: Uint8Array): Header {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlace] = content.subarray(8);
  const isLegal = CHANNELS[colour] && [1, 2, 4, 8, 16].includes(depth) && width * height > 0;
  if (!isLegal) throw new Error('has a header that no PNG file has');
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Unpacks `size` bytes; of more than that nothing is kept. */
async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array> {
  const reader = inSlices(packed).pipeThrough(new DecompressionStream('deflate')).getReader();
  const parts: Uint8Array[] = [];
  let missing = size;
  try {
    while (missing > 0) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      missing -= value.length;
    }
  } catch {
    // The sentence below says as much.
  }
  reader.cancel().catch(() => {});
  if (missing > 0) throw new Error('is damaged');
  return joined(parts);
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
  const a = Math.abs(above - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}
