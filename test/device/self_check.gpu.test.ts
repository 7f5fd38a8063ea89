/** The least device that a browser may give. */
import { expect, test } from 'vitest';
import { requestDevice } from '../../src/index';
import { check, digits3x3 } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

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
