/** What the enlarger is given, and what becomes of its answer; the network is a stand-in. */
import { expect, test } from 'vitest';
import { normal, STREAM, threefry } from '../../../src/base/random';
import { enlarge } from '../../../src/pretrained/index';
import type { UNet } from '../../../src/unet/unet';

const COUNT = 3;
const HEIGHT = 4;
const WIDTH = 6;
const config = {
  height: 2 * HEIGHT,
  width: 2 * WIDTH,
  channels: 3,
  conditioning: { noiseLevel: true, classes: 0 },
};
/** With values on the borders of 0 and 1, beyond which a bicubic curve goes. */
const images = Float32Array.from({ length: COUNT * HEIGHT * WIDTH * 3 }, (_, i) =>
  i % 3 ? ((i * 7919) % 101) / 100 : (i >> 2) % 2,
);

type Call = { images: Float32Array; levels: Float32Array };
/** A network that answers `of` each value of its input, and keeps it. */
function networkOf(of: (value: number, i: number) => number, calls: Call[] = []): UNet {
  const predict = async (images: Float32Array, { levels }: Omit<Call, 'images'>) => {
    calls.push({ images, levels });
    return images.map(of);
  };
  return { config, predict } as unknown as UNet;
}

/** Keys' cubic kernel, as PyTorch has it. */
function cubic(x: number, a = -0.75): number {
  const d = Math.abs(x);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
}

/** PyTorch's bicubic of twice the size, `align_corners` false, at one place, by its definition. */
function bicubicAt(image: number, y: number, x: number, c: number): number {
  const row = (y + 0.5) / 2 - 0.5;
  const column = (x + 0.5) / 2 - 0.5;
  const inside = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);
  let sum = 0;
  for (let i = Math.floor(row) - 1; i < Math.floor(row) + 3; i++)
    for (let j = Math.floor(column) - 1; j < Math.floor(column) + 3; j++) {
      const at = ((image * HEIGHT + inside(i, HEIGHT)) * WIDTH + inside(j, WIDTH)) * 3 + c;
      sum += cubic(row - i) * cubic(column - j) * images[at];
    }
  return inside(sum, 2);
}

test('the enlarger sees a bicubic enlargement with 12% noise, at that level', async () => {
  const calls: Call[] = [];
  await enlarge(
    networkOf(() => 0, calls),
    images,
    { seed: 5 },
  );
  const [{ images: seen, levels }] = calls;
  expect(calls.length).toBe(1);
  expect([...levels]).toEqual(Array(COUNT).fill(Math.fround(0.12)));
  const size = 12 * HEIGHT * WIDTH;
  let beyond = 0;
  for (let i = 0; i < seen.length; i++) {
    const image = Math.floor(i / size);
    const at = i % size;
    const place = [Math.floor(at / (6 * WIDTH)), Math.floor(at / 3) % (2 * WIDTH), at % 3] as const;
    const value = bicubicAt(image, ...place);
    const noise = normal(threefry(5, STREAM.enlarge, image, at >> 1))[at % 2];
    expect(Math.abs(seen[i] - (0.88 * (2 * value - 1) + 0.12 * noise)), `${image}: ${place}`).toBeLessThan(
      1e-6,
    );
    if (value === 0 || value === 1) beyond++;
  }
  expect(beyond).toBeGreaterThan(0);
});

test('the picture is what its answer, the noise, leaves, from 0 to 1', async () => {
  const wanted = (i: number) => (i % 7) / 4 - 0.25;
  const made = await enlarge(
    networkOf((value, i) => (value - (2 * wanted(i) - 1)) / 0.12),
    images,
  );
  expect(made.length).toBe(4 * images.length);
  for (const [i, value] of made.entries()) expect(value).toBeCloseTo(Math.min(Math.max(wanted(i), 0), 1), 5);
});

test('the noise follows from the seed and the place of an image', async () => {
  const seenFor = async (given: Float32Array, options?: { seed?: number }) => {
    const calls: Call[] = [];
    await enlarge(
      networkOf(() => 0, calls),
      given,
      options,
    );
    return calls[0].images;
  };
  const first = images.slice(0, images.length / COUNT);
  const one = { seed: 1 };
  const zero = { seed: 0 };
  const all = await seenFor(images);
  expect(await seenFor(first)).toEqual(all.subarray(0, all.length / COUNT));
  expect(await seenFor(images, zero)).toEqual(all);
  expect(await seenFor(images, one)).not.toEqual(all);
});

const classes = { ...config, conditioning: { noiseLevel: true, classes: 2 } };
test.each<[string, unknown, unknown, object?]>([
  ['enlarge was given 215 values; with a network of 8x12 images are 4x6x3.', config, images.slice(1)],
  ['enlarge was given 0 values', config, new Float32Array(0)],
  ['images is of type Array; it must be a Float32Array', config, [...images]],
  ['enlarge needs the network of loadPretrained("enlarger").', { ...config, channels: 1 }, images],
  ['enlarge needs the network', { ...config, conditioning: undefined }, images],
  ['enlarge needs the network', classes, images],
  ['seed is -1; it must be a whole number', config, images, { seed: -1 }],
  ['enlarge has no setting sead; it has seed.', config, images, { sead: 1 }],
])('refuses with %j', async (message, config, given, options) => {
  const unet = { ...networkOf(() => 0), config } as unknown as UNet;
  const error = await enlarge(unet, given as Float32Array, options).catch((error) => error);
  expect(error).toMatchObject({ name: 'EngineError', code: 'argument' });
  expect(error.message).toContain(message);
});
