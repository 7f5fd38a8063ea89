import { expect, test } from 'vitest';
import { runFileName } from '../../harness/page/shell/run_file_name';

test('a file of a run is named after recipe, step and seed', () => {
  expect(runFileName({ recipe: 'digits-3x3', seed: 7 }, 'model-step-20', 'safetensors')).toBe(
    'digits-3x3-model-step-20-seed-7.safetensors',
  );
});
