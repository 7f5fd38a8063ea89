/** Reads PNG files of all kinds, and writes them of 8 bits, grey or RGB. https://www.w3.org/TR/png-3/ */
import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import type { Pixels } from '../../src/pictures/picture';
import type { BytePicture } from '../pictures/pictures';

/** What every file begins with: the signature, and the length and name of the header's chunk. */
const START = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
/** Samples of a pixel by the header's type of colour. */
const SAMPLES = [1, 0, 3, 1, 2, 0, 4];

/** Decodes any PNG file; of an animated one the default picture. Throws an Error that says what is wrong with it. */
export function decodePng(bytes: Uint8Array): Pixels {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!file.subarray(0, START.length).equals(START)) throw new Error('is not a PNG file');
  const chunks: { readonly name: string; readonly content: Buffer }[] = [];
  let at = 8;
  while (chunks.at(-1)?.name !== 'IEND') {
    const end = at + 12 + (at + 4 > file.length ? 0 : file.readUInt32BE(at));
    if (end > file.length) throw new Error('is cut short');
    chunks.push({ name: file.toString('latin1', at + 4, at + 8), content: file.subarray(at + 8, end - 4) });
    at = end;
  }
  try {
    const contentOf = (name: string) =>
      Buffer.concat(chunks.flatMap((chunk) => (chunk.name === name ? chunk.content : [])));
    checkPixelCount(contentOf('IHDR'), contentOf('IDAT'));
    const { width, height, data } = PNG.sync.read(file.subarray(0, at));
    return { width, height, data };
  } catch {
    throw new Error('is damaged');
  }
}

/** Throws unless there are as many pixels as the one header says: pngjs takes memory for more, and makes up what is missing. */
function checkPixelCount(header: Buffer, packed: Buffer): void {
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const [depth, colour, _compression, _filter, interlaced, ...second] = header.subarray(8);
  const size = height * (1 + Math.ceil((width * SAMPLES[colour] * depth) / 8));
  // Interlaced lines are up to twice as many, and have bits to spare. pngjs counts them.
  const most = interlaced ? size + 4 * height + 14 : size;
  const isWhole = inflateSync(packed, { maxOutputLength: most }).length === size;
  if (second.length > 0 || !(interlaced || isWhole)) throw new Error('The header says otherwise.');
}

/** Encodes a picture. The same one gives the same bytes on the same runtime. */
export function encodePng({ width, height, channels, data }: BytePicture): Uint8Array {
  const colorType = channels === 1 ? 0 : 2;
  // Small pixels that are drawn large: whole lines repeat, which neither filters nor runs of bytes tell.
  const options = { colorType, inputColorType: colorType, filterType: 0, deflateStrategy: 0 };
  return PNG.sync.write({ width, height, data }, options);
}
