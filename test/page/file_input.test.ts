import { expect, test } from 'vitest';
import { sortFiles } from '../../harness/page/shell/file_input';

const names = (files: readonly File[]) => files.map(({ name }) => name);

test('images and their labels are told apart, and come in the same order', () => {
  const given = [
    't10k-labels-idx1-ubyte.gz',
    'train-images-idx3-ubyte',
    'train-labels.idx1-ubyte',
    't10k-images-idx3-ubyte.gz',
    'model.safetensors',
    'bench.json',
  ].map((name) => new File([], name));
  const { images, labels, models, results } = sortFiles(given);
  expect(names(images)).toEqual(['train-images-idx3-ubyte', 't10k-images-idx3-ubyte.gz']);
  expect(names(labels)).toEqual(['train-labels.idx1-ubyte', 't10k-labels-idx1-ubyte.gz']);
  expect([names(models), names(results)]).toEqual([['model.safetensors'], ['bench.json']]);
});
