import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { moved, readLetters } from '../../harness/letters/letters';
import { idxFile } from '../lib/system';

const folder = new URL('../../harness/letters/', import.meta.url);
const packed = readFileSync(new URL('letters.idx3-ubyte.gz', folder));
const described = readFileSync(new URL('letters.md', folder), 'utf8');
const rows = described
  .split('\n')
  .filter((line) => /^\| .*\.[ot]tf \|/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));

const SIZE = 28 * 28;
const FONTS = 182;
const HELD_OUT_FONTS = 15;

test('the file of letters is small, has a row for each font, and is the one that letters.md describes', () => {
  expect(packed.length).toBeLessThan(800_000);
  const bytes = gunzipSync(packed);
  expect(described).toContain(createHash('sha256').update(bytes).digest('hex'));
  expect(rows).toHaveLength(FONTS);
  expect(bytes.length).toBe(16 + FONTS * 26 * SIZE);
  expect(described).toContain(`The last ${HELD_OUT_FONTS} fonts are of held-out families`);
  for (const [, , pack, version, licence, copyright, , sha256] of rows) {
    expect(pack).toMatch(/^fonts-\S+ \S+$/);
    expect(version).not.toBe('');
    expect(['OFL 1.1', 'Apache 2.0']).toContain(licence);
    expect(copyright.length).toBeGreaterThan(8);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }
});

test('the letters are a data set of 26 named classes, the same at each loading', async () => {
  const set = await readLetters(packed);
  const { count, height, width, channels, classNames, labels, images } = set;
  expect({ count, height, width, channels }).toEqual({ count: 20_000, height: 28, width: 28, channels: 1 });
  expect(classNames?.join('')).toBe('ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  // Any part has all letters, about as often.
  for (const [from, to] of [
    [0, 2000],
    [19_000, 20_000],
  ]) {
    const counts = new Array<number>(26).fill(0);
    for (const label of labels!.subarray(from, to)) counts[label]++;
    for (const each of counts) expect(Math.abs(each / ((to - from) / 26) - 1)).toBeLessThan(0.5);
  }
  expect(createHash('sha256').update(images).digest('hex').slice(0, 16)).toBe('aeef99d872f4a9c7');
});

/** An IDX file of one grey shade a picture. */
const shades = (values: readonly number[]) =>
  idxFile(
    [values.length, 28, 28],
    values.flatMap((value) => Array(SIZE).fill(value)),
  );

test('held-out fonts are only in the last thousand letters, and pictures without ink are left out', async () => {
  const training = Array.from({ length: 52 }, (_, i) => (i === 27 ? 0 : 100));
  const held = new Array<number>(HELD_OUT_FONTS * 26).fill(200);
  const { images, labels } = await readLetters(shades([...training, ...held]));
  const middles = Array.from(labels!, (_, i) => images[i * SIZE + 14 * 28 + 14]);
  expect(new Set(middles.slice(0, 19_000))).toEqual(new Set([100]));
  expect(new Set(middles.slice(19_000))).toEqual(new Set([200]));
  // Letter B of the second font is left out, so that there are half as many.
  const share = labels!.subarray(0, 19_000).filter((label) => label === 1).length / 19_000;
  expect(share).toBeCloseTo(1 / 51, 3);
});

test('a letter is moved a little, as seed and index say, and loses no ink', () => {
  const letter = new Uint8Array(SIZE);
  for (let y = 5; y < 23; y++) for (let x = 9; x < 19; x++) letter[y * 28 + x] = 255;
  const before = letter.slice();
  const sum = (bytes: Uint8Array) => bytes.reduce((a, b) => a + b, 0);
  const variants = Array.from({ length: 50 }, (_, i) => moved(letter, 28, 28, 7, i));
  expect(letter).toEqual(before);
  expect(moved(letter, 28, 28, 7, 3)).toEqual(variants[3]);
  expect(moved(letter, 28, 28, 8, 3)).not.toEqual(variants[3]);
  expect(new Set(variants.map(String)).size).toBe(50);
  for (const variant of variants) {
    const scale = Math.sqrt(sum(variant) / sum(letter));
    expect(scale).toBeGreaterThan(0.83);
    expect(scale).toBeLessThan(1.07);
    const centre = (along: (i: number) => number) =>
      variant.reduce((total, v, i) => total + v * along(i), 0) / sum(variant);
    expect(Math.abs(centre((i) => i % 28) - 13.5)).toBeLessThan(1.1);
    expect(Math.abs(centre((i) => Math.floor(i / 28)) - 13.5)).toBeLessThan(1.1);
  }
});
