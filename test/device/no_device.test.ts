/** What an error says where the first words are not the last. */
import { expect, test } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import { crossed } from '../../src/worker/transfer';
import { refused } from '../lib/refused';

test('where a device is refused and then no adapter is found, the error says both', async () => {
  const adapter = {
    features: new Set(),
    limits: {},
    requestDevice: () => Promise.reject(new Error('the driver is too old.')),
  };
  let calls = 0;
  const gpu = { requestAdapter: async () => (calls++ === 0 ? adapter : null) } as unknown as GPU;
  await refused(requestDevice(gpu), 'no-adapter', /no adapter was found.*the driver is too old/);
});

test('the error of a rejected requestAdapter does not blame the adapter', async () => {
  const gpu = { requestAdapter: () => Promise.reject(new Error('blocked')) } as unknown as GPU;
  const error = await requestDevice(gpu).catch((error) => error);
  expect(error.message).toContain('blocked');
  expect(error.message).not.toContain('its adapter');
});

test('a value that is thrown in the worker and is no Error arrives as an error with its text', () => {
  expect(crossed({ weird: 1 })).toEqual({ name: 'Error', message: '{"weird":1}' });
  expect(crossed(undefined).message).toBe('undefined');
  expect(crossed(3).message).toBe('3');
});
