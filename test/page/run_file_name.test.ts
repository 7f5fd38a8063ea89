import { expect, test } from 'vitest';
import { runFileName } from '../../harness/page/shell/run_file_name';
import { DIGITS } from '../../src/data/digits';

test('a file of a run is named after recipe, step and seed, of other images than the digits after these', () => {
  const named = (data?: string) =>
    runFileName({ recipe: 'digits-3x3', seed: 7 }, data, 'model-step-20', 'safetensors');
  for (const data of [undefined, DIGITS, '', '…'])
    expect(named(data)).toBe('digits-3x3-model-step-20-seed-7.safetensors');
  expect(named('Letters A to Z')).toBe('letters-a-to-z-model-step-20-seed-7.safetensors');
  expect(named('../My: “cats” & dogs, all of the pictures')).toBe(
    'my-cats-dogs-all-of-the-model-step-20-seed-7.safetensors',
  );
});
