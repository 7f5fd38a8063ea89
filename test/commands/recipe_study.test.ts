import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { verdicts } from '../../harness/studies/recipe/samplers';
import { measure } from '../../harness/studies/recipe/study';
import { temporaryFolder } from '../lib/system';

const measured = [
  { name: 'race 256', batch: 256, seed: 1, step: 100, accepted: 0.25 },
  { name: 'race 256', batch: 256, seed: 2, step: 100, accepted: 0.75 },
  { name: 'race 256', batch: 256, seed: 1, step: 200, accepted: 1 },
  { name: 'race 64', batch: 64, seed: 1, step: 400, accepted: 0.5 },
  { name: 'digits', batch: 256, seed: 3, step: 900, accepted: 0.1 },
];

test('the study draws the race from its results, and lists its arguments where they are wrong', async () => {
  const folder = temporaryFolder();
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
  writeFileSync(join(folder, 'results.jsonl'), measured.map((of) => `${JSON.stringify(of)}\n`).join(''));

  const runners = ['race 256=350=as it was', 'race 64=88.5=digits'];
  expect(await measure(['--out', folder, '--plot-race', ...runners])).toBe(0);
  expect(readFileSync(join(folder, 'race.svg'), 'utf8')).toContain('digits: 64 images a step, 88.5 ms');

  const plot = (...runners: string[]) => measure(['--out', folder, '--plot-race', ...runners]);
  expect(await plot('race 64=88=digits', 'race 3x3 64=88=digits-3x3')).toBe(2);
  expect(error.mock.lastCall?.[0]).toContain('no measurement of race 3x3 64');
  for (const args of [[], ['--out', folder], ['--out', folder, 'no such study'], ['digits']]) {
    expect(await measure(args), args.join(' ')).toBe(2);
  }
  expect(await plot('race 64=fast=digits')).toBe(2);
  expect(await plot()).toBe(2);
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
  expect(three).toContain('3 steps of adams, 6 calls, do not hold');
  expect(three).toContain('fails  a: +0.0 points accepted (+0.0 at worst), +15.0% distance, 0.000 recall');
  expect(four).toContain('fails  a: +0.0 points accepted (-3.0 at worst)');
  expect(six).toContain('do not hold');
  expect(six).toContain('holds  a: +0.0 points');
  expect(six).toContain('fails  b: -1.5 points');
  expect(ten).toContain('10 steps of adams, 20 calls, hold on all networks');
});
