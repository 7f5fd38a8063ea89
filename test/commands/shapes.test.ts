/** Pictures of shapes, in colour and by class, for trying pictures of one's own. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadImages } from '../../harness/cli/images';
import { classes, FEW, main, makeShapes } from '../../harness/studies/shapes';
import { temporaryFolder } from '../lib/system';

test.each([
  ['what the command writes', 20, 7, undefined, { count: 20, height: 32, width: 32, classNames: classes }],
  ['test/lib/shapes', FEW.count, 1, FEW, { count: 600, height: 24, width: 24, classNames: FEW.classes }],
])('%s is read as the pictures that are made, with their labels', async (place, count, seed, few, others) => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
  const folder = few ? place : temporaryFolder();
  if (!few) expect(await main(['--out', folder, '--count', `${count}`, '--seed', `${seed}`])).toBe(0);
  const { images: set } = await loadImages([folder]);
  const made = makeShapes(count, seed, few?.side, few?.classes);
  expect(set).toMatchObject({ ...others, channels: 3 });
  expect(new Uint8Array(set.images)).toEqual(made.images);
  expect(new Uint8Array(set.labels!)).toEqual(made.labels);
});
