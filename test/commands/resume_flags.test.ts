/** Which flags may stand beside --resume. */
import { expect, test } from 'vitest';
import { resumedSettings } from '../../harness/cli/train_plan';
import { checkConfig, presets } from '../../src/unet/config';
import type { Checkpoint } from '../../src/weights/checkpoint';

const settings = { seed: 1, batchSize: 4, learningRate: 0.001, epochs: 5, source: 'mnist' };
/** 10 images are 3 steps an epoch; 7 steps are done. */
const checkpoint = {
  settings,
  config: checkConfig({ widths: [8, 16] }),
  losses: new Float32Array(7),
  data: { count: 10, height: 28, width: 28, channels: 1, fnv1a: '' },
} as unknown as Checkpoint;

test('--resume takes the same flags, more epochs, another learning rate, or data in another place', () => {
  expect(resumedSettings({}, checkpoint)).toEqual(settings);
  const same = { seed: 1, batch: 4, lr: 1e-3, widths: [8, 16], 'kernel-size': 5 };
  expect(resumedSettings(same, checkpoint)).toEqual(settings);
  expect(resumedSettings({ epochs: 9 }, checkpoint).epochs).toBe(9);
  expect(resumedSettings({ epochs: 3 }, checkpoint).epochs).toBe(3);
  expect(resumedSettings({ lr: 0.1 }, checkpoint)).toEqual({ ...settings, learningRate: 0.1 });
  expect(resumedSettings({ data: ['x', 'y'] }, checkpoint).source).toBe('x, y');
});

test.each([
  [{ seed: 2 }, '--seed is 2', 'with 1'],
  [{ batch: 8 }, '--batch is 8', 'with 4'],
  [{ widths: [8, 8] }, '--widths is 8,8', 'with 8,16'],
  [{ 'kernel-size': 3 }, '--kernel-size is 3', 'with 5'],
  [{ convolutions: [1, 2] }, '--convolutions is 1,2', 'with 1,1'],
  [{ residual: true as const }, '--residual is true', 'with false'],
  [{ variants: 'conv2d/down.1=direct' }, '--variants cannot stand beside --resume'],
  [{ limit: 5 }, '--limit is 5', 'with all images'],
  [{ epochs: 2 }, '--epochs is 2', 'has completed 2'],
])('--resume refuses %j, which contradicts the checkpoint', (given, ...facts) => {
  for (const fact of facts) expect(() => resumedSettings(given, checkpoint)).toThrow(fact);
});

test('--resume refuses a recipe of the same objective with another network', () => {
  const flow = {
    ...checkpoint,
    config: checkConfig({ ...presets['digits-3x3'], widths: [8, 16], convolutionsPerLevel: [1, 2] }),
    training: { objective: 'flow' },
  } as unknown as Checkpoint;
  expect(resumedSettings({ recipe: 'digits-3x3' }, flow)).toEqual(settings);
  expect(resumedSettings({ convolutions: [1, 2], residual: true }, flow)).toEqual(settings);
  expect(() => resumedSettings({ recipe: 'digits' }, flow)).toThrow(
    "--recipe is digits, but the checkpoint's network is 28x28x1, widths 8 16, kernels 3x3, 1 2 convolutions a level, residual",
  );
});

test('--resume opens no data file that only the checkpoint names', () => {
  const from = (source?: string) => ({ ...checkpoint, settings: { ...settings, source } }) as Checkpoint;
  expect(() => resumedSettings({}, from('/etc/pass\x1b[2Jwd'))).toThrow(
    'trained on images from "/etc/pass\\u001b[2Jwd", which is not opened on a file\'s word. Say where they are with --data PATH.',
  );
  expect(resumedSettings({ data: ['mine'] }, from('/etc/passwd')).source).toBe('mine');
  // Digits and letters come along, and the first checkpoints said nothing.
  expect(resumedSettings({}, from('letters')).source).toBe('letters');
  expect(resumedSettings({}, from('mnist')).source).toBe('mnist');
  expect(resumedSettings({}, from(undefined)).source).toBe('mnist');
});
