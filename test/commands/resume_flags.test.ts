/** Which flags may stand beside --resume. */
import { expect, test } from 'vitest';
import { resumedSettings } from '../../harness/cli/train_plan';
import { checkConfig, presets } from '../../src/unet/config';
import type { Checkpoint } from '../../src/weights/checkpoint';

type Flags = Parameters<typeof resumedSettings>[0];
const settings = { seed: 1, batchSize: 4, learningRate: 0.001, epochs: 5, source: 'mnist' };
/** 10 images are 3 steps an epoch; 7 steps are done. */
const checkpoint = {
  settings,
  config: checkConfig({ widths: [8, 16] }),
  losses: new Float32Array(7),
  data: { count: 10, height: 28, width: 28, channels: 1, fnv1a: '' },
} as unknown as Checkpoint;
const from = (source?: string) => ({ ...checkpoint, settings: { ...settings, source } }) as Checkpoint;
const flow = {
  ...checkpoint,
  config: checkConfig({
    ...presets.digits,
    widths: [8, 16],
    kernelSize: 3,
    convolutionsPerLevel: [1, 2],
    residual: true,
  }),
  training: { objective: 'flow' },
} as unknown as Checkpoint;

test.each<[Flags, object, Checkpoint?]>([
  [{}, settings],
  [{ seed: 1, batch: 4, lr: 1e-3, widths: [8, 16], 'kernel-size': 5 }, settings],
  [{ epochs: 3 }, { ...settings, epochs: 3 }],
  [{ lr: 0.1 }, { ...settings, learningRate: 0.1 }],
  [{ data: ['x', 'y'] }, { ...settings, source: 'x, y' }],
  // A run of the former recipe digits-3x3 goes on: its network is in the checkpoint.
  [{ convolutions: [1, 2], residual: true }, settings, flow],
  [{ data: ['mine'] }, { ...settings, source: 'mine' }, from('/etc/passwd')],
])('--resume takes %j: %j', (given, made, of = checkpoint) => {
  expect(resumedSettings(given, of)).toEqual(made);
});

test.each<[Flags, fact: string, Checkpoint?]>([
  [{ seed: 2 }, '--seed is 2, but the checkpoint was trained with 1'],
  [{ 'kernel-size': 3 }, '--kernel-size is 3, but the checkpoint was trained with 5'],
  [{ convolutions: [1, 2] }, '--convolutions is 1,2, but the checkpoint was trained with 1,1'],
  [{ variants: 'conv2d/down.1=direct' }, '--variants cannot stand beside --resume'],
  [{ limit: 5 }, '--limit is 5, but the checkpoint was trained with all images'],
  [{ epochs: 2 }, 'has completed 2'],
  [
    { recipe: 'digits' },
    "--recipe is digits, but the checkpoint's network is 28x28x1, widths 8 16, kernels 3x3, 1 2 convolutions a level, residual",
    flow,
  ],
  // No data file is opened that only the checkpoint names. Letters came along once.
  [{}, 'trained on images from "letters", which is not opened', from('letters')],
  [
    {},
    'trained on images from "/etc/pass\\u001b[2Jwd", which is not opened on a file\'s word. Say where they are with --data PATH.',
    from('/etc/pass\x1b[2Jwd'),
  ],
])('--resume refuses %j: %s', (given, fact, of = checkpoint) => {
  expect(() => resumedSettings(given, of)).toThrow(fact);
});
