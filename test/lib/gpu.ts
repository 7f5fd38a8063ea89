/** The device that the GPU tests share, the same way in every lane. */
import { afterAll, afterEach, expect, inject, test, vi } from 'vitest';
import { Waiter } from '../../src/base/time';
import { Gpu } from '../../src/gpu/gpu';
import { requestDevice } from '../../src/gpu/request_device';
import { readBuffer } from '../../src/gpu/staging';
import type { AdapterKind } from '../../src/plan/op';
import { gate } from './gate';

declare module 'vitest' {
  interface ProvidedContext {
    lane: 'node' | 'chrome' | 'firefox';
  }
}

export interface TestGpu {
  readonly gpu: Gpu;
  readonly adapterName: string;
  readonly lane: 'node' | 'chrome' | 'firefox';
  /** Forms that are made for one kind of adapter and run in this lane: those for GPUs on GPUs, and on a processor in one lane, since they take minutes there. */
  readonly kinds: readonly AdapterKind[];
  /** What `navigator.gpu` is, but its device is always the shared one, which `destroy` leaves alive. */
  readonly source: GPU;
}

interface Shared {
  readonly device: GPUDevice;
  readonly adapter: GPUAdapter;
  /** As in TestGpu. */
  readonly source: GPU;
  /** What no scope caught, and the loss of the device. */
  readonly errors: string[];
}

/** One device for all files of a page or process: a pipeline that is alive is not compiled again, which is most of what tests wait for. */
let shared: Promise<Shared> | undefined;

/**
 * Hides the clock of a device from the engine, which takes the time with it where word of a submission's end is late, as on a busy machine:
 * that makes buffers and submissions, which tests count, or let fail.
 */
export function withoutStopwatch(device: GPUDevice): void {
  const features = new Set(device.features);
  features.delete('timestamp-query');
  Object.defineProperty(device, 'features', { value: features });
}

async function share(): Promise<Shared> {
  const { device, adapter } = await requestDevice();
  withoutStopwatch(device);
  const alive: GPUComputePipeline[] = [];
  device.destroy = () => {};
  const create = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = async (descriptor) => {
    const pipeline = await create(descriptor);
    alive.push(pipeline);
    return pipeline;
  };
  const errors: string[] = [];
  device.addEventListener('uncapturederror', (event) => errors.push(event.error.message));
  void device.lost.then(({ reason, message }) => errors.push(`the device was lost (${reason}): ${message}`));
  const { gpu } = navigator;
  const requestAdapter = async () =>
    Object.defineProperty(await gpu.requestAdapter(), 'requestDevice', { value: async () => device });
  const getPreferredCanvasFormat = () => gpu.getPreferredCanvasFormat();
  return { device, adapter, source: { requestAdapter, getPreferredCanvasFormat } as GPU, errors };
}

/** What `navigator.gpu` is, but its device is always the shared one. */
export async function sharedSource(): Promise<GPU> {
  shared ??= share();
  return (await shared).source;
}

/**
 * Call once at the top of a file: `const { gpu } = await testGpu();`. No adapter is an error, never a skip; an error that no
 * scope caught, or the loss of the device, fails the test during which it came. Each test begins without mocks, and with the usual pacer.
 */
export async function testGpu(): Promise<TestGpu> {
  shared ??= share();
  const { device, adapter, source, errors } = await shared;
  const gpu = new Gpu(device);
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const named = [vendor, architecture, description].filter(Boolean).join(' ');
  // Firefox keeps all names to itself.
  const adapterName = named || `${isFallbackAdapter ? 'software' : 'an'} adapter, not named by the browser`;
  const lane = inject('lane');
  // Firefox looks every 100 ms whether the GPU is done, and at each submission: empty ones save the tests most of their time.
  const over = gate();
  if (lane === 'firefox') void new Waiter(() => device.queue.submit([])).wait(over.opened);
  const check = async () => {
    // Errors come after the work that they are about; a lost device may refuse to wait.
    await device.queue.onSubmittedWorkDone().catch(() => {});
    expect(errors.splice(0), 'GPU errors outside of any error scope').toEqual([]);
  };
  const { maxMilliseconds } = gpu.pacer;
  afterEach(async () => {
    vi.restoreAllMocks();
    gpu.pacer.maxMilliseconds = maxMilliseconds;
    await check();
  });
  afterAll(async () => {
    await check();
    over.open();
  });

  test(`adapter: ${adapterName}`, async () => {
    const [buffer] = await gpu.createBuffers([{ label: 'round trip', bytes: 8 }]);
    device.queue.writeBuffer(buffer, 0, new Uint32Array([7, 11]));
    expect([...new Uint32Array(await readBuffer(gpu, buffer, 2))]).toEqual([7, 11]);
    buffer.destroy();
  });
  const kinds =
    gpu.adapter.software && lane !== 'node' ? (['software'] as const) : (['software', 'gpu'] as const);
  return { gpu, adapterName, lane, kinds, source };
}

/** For a test that says the same on every device, and takes long on some: it runs in these lanes, and in the others with npm run test:all. */
export const mainlyIn = (...lanes: readonly TestGpu['lane'][]) => ({
  tags: lanes.includes(inject('lane')) ? [] : ['nightly'],
});
