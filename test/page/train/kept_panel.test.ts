import { expect, test } from 'vitest';
import { facts, goOnText, neededData, runOf } from '../../../harness/page/train/kept_panel';
import type { StoredRun } from '../../../src/keeping/store';
import { presets } from '../../../src/unet/config';

const at = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();
const run: StoredRun = {
  id: 'x',
  step: 1204,
  losses: new Float32Array(),
  loss: 0.06312,
  savedAt: at(2026, 10, 21, 14, 32),
  objective: 'flow',
  config: presets.digits,
  settings: { seed: 123, batchSize: 256, learningRate: 0.001, epochs: 5, source: 'mnist' },
  data: { count: 10_000, height: 28, width: 28, channels: 1, fnv1a: 'abc', labels: 'def' },
  held: false,
};

test('a kept run is named after its day', () => {
  const { savedAt } = run;
  expect(runOf(savedAt, at(2026, 10, 21, 23, 59))).toBe('today’s run');
  expect(runOf(savedAt, at(2026, 10, 22, 0, 1))).toBe('yesterday’s run');
  expect(runOf(savedAt, at(2026, 10, 23, 0, 1))).toBe('the run of 21 November');
  expect(runOf(savedAt, at(2027, 0, 1, 0, 1))).toBe('the run of 21 November 2026');
  // The day before the first of a month is the last of the one before.
  expect(runOf(at(2026, 9, 31, 12, 0), at(2026, 10, 1, 9, 0))).toBe('yesterday’s run');
  expect(goOnText(run, at(2026, 10, 22, 9, 0))).toBe('Go on with yesterday’s run (step 1,204)');
});

test('a kept run is described by time, loss, recipe, settings and images', () => {
  expect(facts(run)).toBe(
    'Kept at 14:32, loss 0.0631, recipe digits, batch 256, learning rate 0.001, seed 123, 10,000 of MNIST’s digits.',
  );
  expect(facts({ ...run, config: presets['digits-3x3'] })).toContain('recipe digits-3x3,');
  expect(facts({ ...run, loss: undefined, held: true })).toMatch(/^Kept at 14:32, recipe .* another tab\.$/);
});

test('a kept run on images of the user’s names the images and their classes', () => {
  const settings = { ...run.settings, source: '/home/me/garden' };
  const config = { ...presets.digits, conditioning: { noiseLevel: true, classes: 2 } };
  const data = { ...run.data, name: 'garden', classNames: ['poppy', 'x'.repeat(500)] };
  const named = { ...run, settings, config, data };
  const shown = `garden (poppy, ${'x'.repeat(23)}…)`;
  expect(facts(named)).toContain(`seed 123, ${shown}.`);
  expect(neededData(named)).toContain(`10,000 images of 28 × 28 from ${shown}, which`);
  expect(facts({ ...named, data: run.data })).toContain('seed 123, /home/me/garden.');
});

test('a kept run on chosen images asks for these images by name', () => {
  const own = { ...run, settings: { ...run.settings, source: 'my-images', limit: 12 } };
  expect(neededData(own)).toContain('the first 10,000 images of 28 × 28 from my-images');
  expect(neededData(own)).toContain('with their labels');
});
