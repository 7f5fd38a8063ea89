/** The check of kernels before they are used says nothing of right ones. Wrong ones: test/device/wrong_kernels.gpu.test.ts. */
import { describe, expect, test } from 'vitest';
import { recipes, requestDevice, type UNetConfig } from '../../src/index';
import { check, digits3x3, type Network, tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

describe('the self-check finds nothing wrong in', () => {
  const odd = (config: Partial<UNetConfig>): Network => ({
    ...tutorial,
    config: { height: 8, width: 12, widths: [6, 10], kernelSize: 5, ...config },
  });
  const recipe = (name: keyof typeof recipes, methods: Network['methods'], changes = {}): Network => ({
    config: { ...recipes[name].network, ...changes },
    trainer: { ...recipes[name].trainer, batchSize: 16 },
    methods,
  });
  test.each<[string, Network]>([
    ['tutorial', recipe('tutorial', ['mix'])],
    ['digits', recipe('digits', ['euler', 'heun'])],
    ['digits-3x3', recipe('digits-3x3', ['euler', 'heun'])],
    [
      'pictures, of five classes',
      recipe('pictures', ['adams'], { conditioning: { noiseLevel: true, classes: 5 } }),
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

test('a device with default limits and without features trains the same network', async () => {
  const { device: least } = await requestDevice({
    async requestAdapter() {
      const adapter = (await navigator.gpu.requestAdapter())!;
      const requestDevice = adapter.requestDevice.bind(adapter);
      return Object.defineProperty(adapter, 'requestDevice', { value: () => requestDevice() });
    },
  } as GPU);
  expect([least.features.has('subgroups'), least.limits.maxBufferSize]).toEqual([false, 2 ** 28]);
  const { losses } = await check(gpu.device, digits3x3);
  const outcome = await check(least, digits3x3);
  least.destroy();
  expect(outcome).toMatchObject({ warnings: [], error: undefined });
  expect(Math.abs(outcome.losses[1] / losses[1] - 1)).toBeLessThan(1e-5);
});
