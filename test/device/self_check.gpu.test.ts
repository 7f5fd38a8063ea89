/** The check of kernels before they are used says nothing of right ones. Wrong ones: test/device/wrong_kernels.gpu.test.ts. */
import { describe, expect, test } from 'vitest';
import { recipes, type UNetConfig } from '../../src/index';
import { check, type Network, tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

describe('the self-check finds nothing wrong in', () => {
  const odd = (config: Partial<UNetConfig>): Network => ({
    ...tutorial,
    config: { height: 8, width: 12, widths: [6, 10], kernelSize: 5, ...config },
  });
  test.each<[string, Network]>([
    ['tutorial', { config: recipes.tutorial.network, trainer: { batchSize: 16 }, methods: ['mix'] }],
    ...(['digits', 'digits-3x3'] as const).map((name): [string, Network] => [
      name,
      {
        config: recipes[name].network,
        trainer: { ...recipes[name].trainer, batchSize: 16 },
        methods: ['euler', 'heun'],
      },
    ]),
    [
      'pictures, of five classes',
      {
        config: { ...recipes.pictures.network, conditioning: { noiseLevel: true, classes: 5 } },
        trainer: { ...recipes.pictures.trainer, batchSize: 12 },
        methods: ['adams'],
      },
    ],
    ['a network of coloured images', odd({ channels: 3 })],
    ['a network of 1x1 kernels', odd({ kernelSize: 1 })],
    ['a network of 7x7 kernels', odd({ kernelSize: 7, convolutionsPerLevel: 2, residual: true })],
    ['a network of 3x3 kernels', odd({ kernelSize: 3 })],
  ])('%s', async (_, network) => {
    const { warnings, error } = await check(gpu.device, network);
    expect([warnings, error]).toEqual([[], undefined]);
  });
});
