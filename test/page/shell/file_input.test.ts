import { expect, test } from 'vitest';
import { sortFiles } from '../../../harness/page/shell/file_input';

const sorted = (...paths: string[]) => {
  const { images, models, results } = sortFiles(paths.map((path) => ({ path, source: new Blob() })));
  return [images, models, results].map((files) => files.map(({ path }) => path));
};

test('chosen files are sorted into images, models and bench results', () => {
  expect(sorted('train-images-idx3-ubyte', 'a.safetensors', 'bench.json')).toEqual([
    ['train-images-idx3-ubyte'],
    ['a.safetensors'],
    ['bench.json'],
  ]);
  // The content decides about a file of any other name; a folder holds many.
  expect(sorted('digits.bin')[0]).toEqual(['digits.bin']);
  expect(sorted('mine/a.png', 'mine/about.json', 'mine/')).toEqual([
    ['mine/a.png', 'mine/about.json', 'mine/'],
    [],
    [],
  ]);
});
