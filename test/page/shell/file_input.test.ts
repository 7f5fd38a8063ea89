import { expect, test } from 'vitest';
import { sortFiles } from '../../../harness/page/shell/file_input';

const sorted = (...paths: string[]) => {
  const { images, models } = sortFiles(paths.map((path) => ({ path, source: new Blob() })));
  return [images, models].map((files) => files.map(({ path }) => path));
};

test('chosen files are sorted into images and models', () => {
  expect(sorted('train-images-idx3-ubyte', 'a.safetensors')).toEqual([
    ['train-images-idx3-ubyte'],
    ['a.safetensors'],
  ]);
  // The content decides about a file of any other name; a folder holds many.
  expect(sorted('digits.bin')[0]).toEqual(['digits.bin']);
  expect(sorted('mine/a.png', 'mine/about.json', 'mine/')[0]).toHaveLength(3);
});
