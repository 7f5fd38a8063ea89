/** @module-tag nightly */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const unpacked = async (name: string) => gunzipSync(await readFile(new URL(`src/data/${name}`, root)));

test('make_digits.mjs still makes every byte of the shipped digit files', async () => {
  const script = new URL('harness/studies/make_digits.mjs', root).href;
  const { makeDigits } = (await import(/* @vite-ignore */ script)) as {
    makeDigits(): { images: Uint8Array; labels: Uint8Array };
  };
  const made = makeDigits();
  expect(Buffer.compare(made.images, await unpacked('mnist-digits.idx3-ubyte.gz'))).toBe(0);
  expect(Buffer.compare(made.labels, await unpacked('mnist-digits.idx1-ubyte.gz'))).toBe(0);
});
