/** The Explain view without a browser: its arithmetic, its numbers against the documentation, and where its links lead. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { areAsSharp, isNoise, meanSquaredError } from '../../../harness/page/explain/noise';
import { fileAddress, toAnchor } from '../../../harness/page/sources/texts';
import { decodeRecording } from '../../../harness/page/welcome/recording';
import { threefry } from '../../../src/base/random';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

test('the error of a guess is the mean squared difference of pixels from 0 to 1', () => {
  expect(meanSquaredError(Uint8Array.of(0, 255, 51), Uint8Array.of(0, 0, 0))).toBeCloseTo((1 + 0.04) / 3, 12);
});

const file = readFileSync(new URL('harness/page/welcome/recording.gz', root));
const { samples, learning } = decodeRecording(new Uint8Array(gunzipSync(file)));
const digits = { height: 28, width: 28, channels: 1 };

test.each(learning.at.map((step, i) => [step, samples[i]] as const))(
  'of the recording, samples after %i steps look like noise up to 40 steps, and sharp from 200 on',
  (step, pictures) => {
    const seen = [isNoise(pictures, digits), areAsSharp(pictures, samples.at(-1)!, digits)];
    if (step <= 40) expect(seen[0]).toBe(true);
    else expect(seen).toEqual([false, step >= 200]);
  },
);

test('noise, blots and images in colour look different; paper is neither noise nor sharp', () => {
  const size = { height: 16, width: 16, channels: 3 };
  const of = (value: (x: number, y: number, channel: number) => number) =>
    Uint8Array.from({ length: 768 }, (_, i) => value(Math.floor(i / 3) % 16, Math.floor(i / 48), i % 3));
  const image = of((x, y, channel) => (x > 4 && x < 12 && y > 4 && y < 12 ? 80 * channel : 255));
  const depth = (x: number, y: number) => Math.exp(-((x - 8) ** 2 + (y - 8) ** 2) / 16);
  const blot = of((x, y, channel) => 255 - (255 - 80 * channel) * depth(x, y));
  const noise = of((x, y, channel) => threefry(1, channel, x, y)[0] >>> 24);
  const seen = [noise, blot, image, of(() => 255)].map((each) => [
    isNoise(each, size),
    areAsSharp(each, image, size),
  ]);
  expect(seen).toEqual([
    [true, false],
    [false, false],
    [false, true],
    [false, false],
  ]);
});

test('links of the scenes lead to files and headings of the project that exist', () => {
  const folder = new URL('harness/page/explain/', root);
  const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const paths = sources.flatMap((text) =>
    [...text.matchAll(/\['((?:docs|shaders|src)\/[^']+)', '/g)].map(([_, path]) => path),
  );
  expect(paths.length).toBeGreaterThan(9);
  for (const path of paths) {
    const [file, anchor] = path.split('#');
    expect(existsSync(new URL(file, root)), file).toBe(true);
    const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map(([_, heading]) => toAnchor(heading));
    if (anchor) expect(headings).toContain(anchor);
  }
  const url = (owner: string) => `git+https://github.com/${owner}/webgpu-diffusion.git`;
  expect(fileAddress('README.md', url('somebody'))).toBe(
    'https://github.com/somebody/webgpu-diffusion/blob/HEAD/README.md',
  );
  expect(fileAddress('README.md', undefined)).toBeUndefined();
});
