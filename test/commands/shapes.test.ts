import { expect, test, vi } from 'vitest';
import { loadImages } from '../../harness/cli/images';
import { classes, FEW, main, makeShapes } from '../../harness/studies/shapes';
import { temporaryFolder } from '../lib/system';

const BYTES = 32 * 32 * 3;

test('the same seed makes the same pictures of shapes, whatever their number', () => {
  const few = makeShapes(5, 3);
  const more = makeShapes(9, 3);
  expect(more.images.subarray(0, 5 * BYTES)).toEqual(few.images);
  expect(more.labels.subarray(0, 5)).toEqual(few.labels);
  expect(makeShapes(5, 4).images).not.toEqual(few.images);
});

test('a picture of a shape has the colour that its class names, inside and on grey', () => {
  const { images, labels } = makeShapes(64, 1);
  /** The channels that are low in the ink. */
  const low: Record<string, readonly number[]> = { red: [1, 2], green: [0], blue: [0], yellow: [2] };
  for (const [i, label] of labels.entries()) {
    const pixels = images.subarray(i * BYTES, (i + 1) * BYTES);
    const at = (k: number) => [...pixels.subarray(3 * k, 3 * k + 3)];
    const spread = (k: number) => Math.max(...at(k)) - Math.min(...at(k));
    const strongest = Array.from({ length: 32 * 32 }, (_, k) => k).sort((a, b) => spread(b) - spread(a))[0];
    const [colour] = classes[label].split(' ');
    for (const c of low[colour]) expect(at(strongest)[c], classes[label]).toBeLessThan(80);
    // Nothing reaches the corner.
    expect(spread(0)).toBe(0);
  }
  expect(new Set(labels).size).toBe(classes.length);
});

test('the files of shapes are read as images of three channels, with their labels', async () => {
  const folder = temporaryFolder();
  vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    expect(await main(['--out', folder, '--count', '20', '--seed', '7'])).toBe(0);
    const { images, labels, ...others } = (await loadImages([folder])).images;
    expect(others).toMatchObject({ count: 20, height: 32, width: 32, channels: 3, classNames: classes });
    const made = makeShapes(20, 7);
    expect(new Uint8Array(images)).toEqual(made.images);
    expect(new Uint8Array(labels!)).toEqual(made.labels);
  } finally {
    vi.restoreAllMocks();
  }
});

test('the pictures in test/lib/shapes are the ones that harness/studies/shapes makes', async () => {
  const { images: set } = await loadImages(['test/lib/shapes']);
  const made = makeShapes(FEW.count, 1, FEW.side, FEW.classes);
  expect(set).toMatchObject({ count: 600, height: 24, width: 24, channels: 3, classNames: FEW.classes });
  expect(new Uint8Array(set.images)).toEqual(made.images);
  expect(new Uint8Array(set.labels!)).toEqual(made.labels);
});

test('harness/studies/shapes answers a wrong flag, or a folder that cannot be, in one line', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(await main(['--out', 'x', '--count', '0'])).toBe(2);
  expect(error).toHaveBeenCalledWith('--count is "0"; it must be a whole number from 1 to 1000000.');
  expect(await main(['--out', 'x', '--few', '--count', '5'])).toBe(2);
  expect(error).toHaveBeenCalledWith(
    expect.stringMatching(/^--few makes 600 pictures, so --count says nothing; /),
  );
  expect(await main(['--out', 'package.json'])).toBe(1);
  expect(error).toHaveBeenCalledWith(
    expect.stringMatching(/^The output folder package.json cannot be written: /),
  );
  error.mockRestore();
});
