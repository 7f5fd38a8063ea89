/** Requests for a device, of browsers and drivers that reject them, or do not answer. */
import { afterEach, expect, test, vi } from 'vitest';
import '../../src/gpu/no_device'; // nothing loads while timers are fakes
import { requestDevice } from '../../src/gpu/request_device';
import { refused } from '../lib/refused';

afterEach(() => {
  vi.useRealTimers();
});

const gpuOf = (requestAdapter: () => Promise<unknown>) => ({ requestAdapter }) as unknown as GPU;
const has = (of: object | undefined) => Object.keys(of ?? {}).length > 0;
const asks = ({ requiredLimits, requiredFeatures }: GPUDeviceDescriptor) => [
  ...(has(requiredLimits) ? ['limits'] : []),
  ...(has(requiredFeatures as string[]) ? ['features'] : []),
];

/** A GPU that rejects requests for what it does not allow; `requests` are all that there were, each of an adapter of its own. */
function strict(allows: (asked: string[]) => boolean) {
  const requests: string[][] = [];
  const adapter = () => {
    let spent = false;
    return {
      features: new Set(['subgroups']),
      limits: { maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 30 },
      async requestDevice(descriptor: GPUDeviceDescriptor) {
        if (spent) throw new DOMException('the adapter is consumed', 'OperationError');
        spent = true;
        const asked = asks(descriptor);
        requests.push(asked);
        if (!allows(asked)) throw new DOMException('the driver is too old.', 'OperationError');
        return 'a device';
      },
    };
  };
  return { gpu: gpuOf(async () => adapter()), requests };
}

test.each([
  ['limits', ['features']],
  ['features', []],
])(
  'a request that is rejected for its %s is repeated with less, each time of a new adapter',
  async (what, last) => {
    const { gpu, requests } = strict((asked) => !asked.includes('limits') && !asked.includes(what));
    expect(await requestDevice(gpu)).toMatchObject({ device: 'a device' });
    expect(requests).toEqual([['limits', 'features'], ['features'], []].slice(0, requests.length));
    expect(requests.at(-1)).toEqual(last);
  },
);

test('a request that is always rejected ends in the error no-adapter, with the text of the browser', async () => {
  const { gpu, requests } = strict(() => false);
  const why = /not even with default limits and without features: the driver is too old\.+ Reload/;
  const { cause } = await refused(requestDevice(gpu), 'no-adapter', why);
  expect(cause).toMatchObject({ name: 'OperationError', message: 'the driver is too old.' });
  expect(requests).toHaveLength(3);
});

test.each(['requestAdapter', 'requestDevice'])(
  'a request that %s never answers is given up after 10 s',
  async (silent) => {
    vi.useFakeTimers();
    let arrive = (_: unknown) => {};
    const never = () =>
      new Promise((resolve) => {
        arrive = resolve;
      });
    const adapter = { features: new Set(), limits: {}, requestDevice: never };
    const ended = vi.fn();
    const asked = requestDevice(gpuOf(silent === 'requestAdapter' ? never : async () => adapter));
    asked.catch(ended);
    await vi.advanceTimersByTimeAsync(9_900);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(ended).toHaveBeenCalled();
    await refused(asked, 'no-adapter', new RegExp(`^${silent} did not answer within 10 s\\.`));
    // What comes after all is not left behind.
    const destroy = vi.fn();
    arrive({ destroy });
    await vi.advanceTimersByTimeAsync(0);
    expect(destroy).toHaveBeenCalledTimes(silent === 'requestDevice' ? 1 : 0);
  },
);
