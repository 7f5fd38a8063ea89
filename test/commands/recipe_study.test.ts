import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { verdicts } from '../../harness/studies/recipe/samplers';
import { measure } from '../../harness/studies/recipe/study';
import { temporaryFolder } from '../lib/system';

test('the study lists its arguments where they are wrong', async () => {
  const folder = temporaryFolder();
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
  writeFileSync(join(folder, 'results.jsonl'), '');
  const plot = ['--out', folder, '--plot-race'];
  for (const args of [[], ['--out', folder], ['digits'], plot, [...plot, 'race 64=fast=digits']])
    expect(await measure(args), args.join(' ')).toBe(2);
  expect(error.mock.lastCall?.[0]).toContain('of tutorial, greys');
});

test('fewer network calls hold only if the mean over seeds holds for every network', () => {
  const row = (model: string, seed: number, method: 'euler' | 'adams', steps: number, accepted: number) => ({
    ...{ model, seed, method, steps, accepted, digitDistance: 10, recall: 0.8, precision: 0.9 },
    ...{ classAccuracy: 0.97, entropy: 1 },
  });
  const rows = ['a', 'b'].flatMap((model) =>
    [1, 2].flatMap((seed) => [
      row(model, seed, 'euler', 20, 0.93),
      // Fine on both; a point and a half less on one; fine on the mean, but not on one seed; another distance.
      row(model, seed, 'adams', 10, 0.925),
      row(model, seed, 'adams', 6, model === 'a' ? 0.93 : 0.915),
      row(model, seed, 'adams', 4, seed === 1 ? 0.96 : 0.9),
      { ...row(model, seed, 'adams', 3, 0.93), digitDistance: 11.5 },
    ]),
  );
  const [three, four, six, ten] = verdicts(rows, ['a', 'b']);
  expect(three).toContain('fails  a: +0.0 points accepted (+0.0 at worst), +15.0% distance, 0.000 recall');
  expect(four).toContain('fails  a: +0.0 points accepted (-3.0 at worst)');
  expect(six).toContain('fails  b: -1.5 points');
  expect(ten).toContain('10 steps of adams, 20 calls, hold on all networks');
});
