/** The device that the GPU tests of one file share, the same way in every lane. */
import { afterAll, afterEach, expect, inject, test } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { requestDevice } from '../../src/gpu/request_device';
import { readBuffer } from '../../src/gpu/staging';
import type { AdapterKind } from '../../src/plan/op';

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
}

/**
 * Call once at the top of a file: `const { gpu } = await testGpu();`. No adapter is an error, never a skip; an error that no
 * scope caught, or the loss of the device, fails the test during which it came.
 */
export async function testGpu(): Promise<TestGpu> {
  const { device, adapter } = await requestDevice();
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const named = [vendor, architecture, description].filter(Boolean).join(' ');
  // Firefox keeps all names to itself.
  const adapterName = named || `${isFallbackAdapter ? 'software' : 'an'} adapter, not named by the browser`;
  const errors: string[] = [];
  let closing = false;
  device.addEventListener('uncapturederror', (event) => errors.push(event.error.message));
  void device.lost.then((info) => {
    if (!closing) errors.push(`the device was lost (${info.reason}): ${info.message}`);
  });
  const lane = inject('lane');
  // Firefox looks every 100 ms whether the GPU is done, and at each submission: empty ones save the tests most of their time.
  const pump = lane === 'firefox' ? setInterval(() => device.queue.submit([]), 4) : undefined;
  const check = async () => {
    // Errors come after the work that they are about; a lost device may refuse to wait.
    await device.queue.onSubmittedWorkDone().catch(() => {});
    expect(errors.splice(0), 'GPU errors outside of any error scope').toEqual([]);
  };
  afterEach(check);
  afterAll(async () => {
    await check();
    clearInterval(pump);
    closing = true;
    device.destroy();
  });

  const gpu = new Gpu(device);
  test(`adapter: ${adapterName}`, async () => {
    const [buffer] = await gpu.createBuffers([{ label: 'round trip', bytes: 8 }]);
    device.queue.writeBuffer(buffer, 0, new Uint32Array([7, 11]));
    expect([...new Uint32Array(await readBuffer(gpu, buffer, 2))]).toEqual([7, 11]);
    buffer.destroy();
  });
  const kinds =
    gpu.adapter.software && lane !== 'node' ? (['software'] as const) : (['software', 'gpu'] as const);
  return { gpu, adapterName, lane, kinds };
}
