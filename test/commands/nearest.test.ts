/** How near samples come to training pictures. */
import { expect, test } from 'vitest';
import { nearness, smoothed } from '../../harness/pictures/nearest';
import { threefry, uniform } from '../../src/base/random';

const height = 8;
const width = 8;
const channels = 3;
const size = height * width * channels;
const random = (seed: number, a: number, b: number) => uniform(threefry(seed, 0, a, b)[0]);

/** Pictures of one colour each, with a little noise. */
function pictures(count: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count * size }, (_, i) => {
    const colour = 40 + 150 * random(seed, Math.floor(i / size), i % channels);
    return colour + 20 * random(seed + 1, Math.floor(i / size), i % size);
  });
}
const of = (count: number) => ({ images: pictures(count, 1), count, height, width, channels });
const picture = (images: Uint8Array, i: number) => images.subarray(i * size, (i + 1) * size);

test('smoothed averages each channel over the pixels around, over fewer at an edge', () => {
  const images = new Uint8Array(2 * 9 * 2);
  // The middle of the second picture, second channel.
  images[9 * 2 + 4 * 2 + 1] = 90;
  const all = smoothed(images, { height: 3, width: 3, channels: 2 });
  expect(all.subarray(0, 18).every((value) => value === 0)).toBe(true);
  const second = Array.from({ length: 9 }, (_, i) => all[18 + 2 * i + 1]);
  expect(second).toEqual([22.5, 15, 22.5, 15, 10, 15, 22.5, 15, 22.5]);
  expect(Array.from({ length: 9 }, (_, i) => all[18 + 2 * i])).toEqual(Array(9).fill(0));
});

test('nearness finds a planted copy, also with fine noise, and reports no fresh noise or pictures of the same kind', async () => {
  const set = of(60);
  const samples = new Uint8Array(4 * size);
  samples.set(picture(set.images, 7), 0);
  samples.set(
    picture(set.images, 20).map((value, i) => value + (i % 2 ? 3 : -3)),
    size,
  );
  samples.set(pictures(1, 99), 2 * size);
  for (let i = 0; i < size; i++) samples[3 * size + i] = 255 * random(5, 0, i);
  const { neighbours, near } = await nearness(samples, set, 1);
  expect(neighbours.map(({ at }) => at).slice(0, 2)).toEqual([7, 20]);
  expect(neighbours[0].distance).toBe(0);
  expect(neighbours[1].distance).toBeLessThan(3);
  expect(neighbours[3].distance).toBeGreaterThan(20);
  expect(near).toBe(2);
});

test('identical training pictures do not count as neighbours of each other', async () => {
  const once = of(40);
  const images = new Uint8Array(2 * once.images.length);
  images.set(once.images);
  images.set(once.images, once.images.length);
  const samples = pictures(3, 50);
  samples.set(picture(once.images, 3));
  const all = await nearness(samples, { ...once, images, count: 80 }, 1);
  expect(all.near).toBe(1);
  expect((await nearness(samples, once, 1)).near).toBe(1);
  // A set of one picture, many times, has no distances: nothing is near.
  const same = { ...once, images: Uint8Array.from(images, (_, i) => images[i % size]), count: 80 };
  expect((await nearness(samples, same, 1)).near).toBe(0);
});

test('nearness looks at 500 pictures of a large set, and gives no number for fewer than 20', async () => {
  let pauses = 0;
  const count = (set: ReturnType<typeof of>) =>
    nearness(pictures(2, 9), set, 1, () => {
      pauses++;
    });
  await count(of(700));
  expect(pauses).toBe(502);
  expect((await count(of(19))).near).toBeUndefined();
  expect((await count(of(20))).near).toBeDefined();
  const stop = nearness(pictures(2, 9), of(30), 1, () => {
    throw new Error('stop');
  });
  await expect(stop).rejects.toThrow('stop');
});
