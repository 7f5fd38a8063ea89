/** The letters A to Z of free fonts (letters.md): a data set of the page and the repository, not of the package. Pure. */
import { permutation, threefry, uniform } from '../../src/base/random';
import { type ImageSet, loadIdxBytes, readIdx } from '../../src/data/idx';
import type { FileSource } from '../../src/data/source';

const NAMES = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Fonts at the end of the file whose families are held out. */
const HELD_OUT_FONTS = 15;
/** Images of the set, and how many at its end show held-out fonts: the number that a run holds out by default. */
const COUNT = 20_000;
const HELD_OUT = 1_000;
const SEED = 1;

/**
 * The data set from letters.idx3-ubyte.gz: each letter in several variants, shuffled; the last images are of held-out fonts.
 * Throws `data` for another file.
 */
export async function readLetters(file: FileSource): Promise<ImageSet> {
  const name = 'letters.idx3-ubyte.gz';
  const idx = readIdx(await loadIdxBytes(file, name), name);
  if (idx.kind !== 'images') throw new Error('unreachable: the file is of images');
  const size = idx.height * idx.width;
  const pixelsOf = (letter: number) => idx.images.subarray(letter * size, (letter + 1) * size);
  const letters = Array.from({ length: idx.count }, (_, i) => i).filter((i) =>
    pixelsOf(i).some((v) => v > 0),
  );
  const edge = idx.count - HELD_OUT_FONTS * NAMES.length;
  const parts = [
    { from: letters.filter((letter) => letter < edge), count: COUNT - HELD_OUT },
    { from: letters.filter((letter) => letter >= edge), count: HELD_OUT },
  ];
  const shown = parts.flatMap(({ from, count }) => inTurns(from, count));
  const images = new Uint8Array(COUNT * size);
  for (const [i, letter] of shown.entries()) {
    images.set(moved(pixelsOf(letter), idx.height, idx.width, SEED, i), i * size);
  }
  return {
    ...{ images, count: COUNT, height: idx.height, width: idx.width, channels: 1 },
    labels: Uint8Array.from(shown, (letter) => letter % NAMES.length),
    ...{ classNames: NAMES, name: 'Letters A to Z' },
  };
}

/** `count` of the values: all of them in an order of their own, again and again. */
function inTurns(values: readonly number[], count: number): number[] {
  const turns = Math.ceil(count / values.length);
  const orders = Array.from({ length: turns }, (_, turn) => [...permutation(values.length, SEED, turn)]);
  return orders
    .flat()
    .slice(0, count)
    .map((at) => values[at]);
}

/**
 * A grey picture, [height][width], turned by up to 6 degrees, slanted by up to 0.15, scaled by 0.85 to 1.05 and shifted by up to a pixel, as seed
 * and index determine. Outside the picture all is 0.
 */
export function moved(
  pixels: Uint8Array,
  height: number,
  width: number,
  seed: number,
  index: number,
): Uint8Array {
  const draws = [0, 1, 2].flatMap((k) => threefry(seed, k, index, 0).map(uniform));
  const between = (k: number, least: number, most: number) => least + draws[k] * (most - least);
  // Only operations that give the same bits everywhere: a run goes on with the same images in another browser.
  const sine = between(0, -0.1, 0.1);
  const slant = between(1, -0.15, 0.15);
  const scale = between(2, 0.85, 1.05);
  const [right, down] = [between(3, -1, 1), between(4, -1, 1)];
  const [cos, sin] = [Math.sqrt(1 - sine * sine) / scale, sine / scale];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const at = (y: number, x: number) =>
    y < 0 || y >= height || x < 0 || x >= width ? 0 : pixels[y * width + x];
  const result = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - right - middleX, y - down - middleY];
      const fromY = cos * dy - sin * dx + middleY;
      const fromX = cos * dx + sin * dy + slant * (fromY - middleY) + middleX;
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
      const [v, u] = [fromY - top, fromX - left];
      const upper = (1 - u) * at(top, left) + u * at(top, left + 1);
      const lower = (1 - u) * at(top + 1, left) + u * at(top + 1, left + 1);
      result[y * width + x] = Math.round((1 - v) * upper + v * lower);
    }
  }
  return result;
}
