/** What a device refuses, and what is ended while it works: what comes after is as if that had not been. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { Gpu } from '../../../src/gpu/gpu';
import { Load } from '../../../src/gpu/pacer';
import { requestDevice } from '../../../src/gpu/request_device';
import { Staging } from '../../../src/gpu/staging';
import { installWebGPU } from '../../../src/node';
import { deeds, firstCheckpoint, hurry, restore, setUp } from '../../lib/call_failures';
import { FailingDevice } from '../../lib/failing_device';
import { testGpu } from '../../lib/gpu';
import { makeHostile, silence } from '../../lib/hostile/hostile_device';

await testGpu();

async function createGpu() {
  const { device } = await requestDevice();
  onTestFinished(() => device.destroy());
  const failing = new FailingDevice(device);
  const gpu = new Gpu(device);
  const [buffer] = await gpu.createBuffers([{ label: 'numbers', bytes: 16 }]);
  return { gpu, device, failing, buffer };
}

test('writes that a program does not wait for, and submits nothing after, are not kept', async () => {
  const { gpu, buffer } = await createGpu();
  const { writes } = gpu as unknown as { writes: Iterable<unknown> };
  for (let i = 0; i < 9; i++) gpu.writeSoon(buffer, 0, new Uint32Array(4));
  expect([...writes]).toHaveLength(9);
  await expect.poll(() => [...writes]).toEqual([]);
});

test('a write that is refused fails the next submission, and none after it', async () => {
  const { gpu, device, failing, buffer } = await createGpu();
  const submit = () => gpu.submit(device.createCommandEncoder());
  for (let i = 0; i < 2; i++) {
    failing.watch({ name: 'writeBuffer', nth: 0, failure: 'refused' });
    gpu.writeSoon(buffer, 0, new Uint32Array(4));
    await expect(submit()).rejects.toMatchObject({ code: 'shader' });
    failing.unwatch();
    await submit();
    gpu.writeSoon(buffer, 0, new Uint32Array(4));
    await submit();
  }
});

test('a fit whose steps take several submissions throws where the device refuses a write, and makes no step', async () => {
  const { device } = await requestDevice();
  onTestFinished(() => device.destroy());
  onTestFinished(hurry());
  const failing = new FailingDevice(device);
  const world = await setUp(device);
  const checkpoint = await firstCheckpoint(world);
  world.engine.gpu.pacer.maxMilliseconds = 1e-6;
  const train = () => deeds['a fit of a step'](world, checkpoint);
  const count = (name: string) => failing.calls.filter((call) => call === name).length;
  await restore(world, checkpoint);
  const losses = await train(); // compiles what draws the batches
  await restore(world, checkpoint);
  failing.watch();
  expect(await train()).toEqual(losses);
  failing.unwatch();
  expect(count('submit')).toBeGreaterThan(3);
  const writes = count('writeBuffer');
  expect(writes).toBeGreaterThan(3);
  for (let nth = 0; nth < writes; nth++) {
    await restore(world, checkpoint);
    failing.watch({ name: 'writeBuffer', nth, failure: 'refused' });
    await expect(train(), `write ${nth}`).rejects.toMatchObject({ code: 'shader' });
    expect(failing.unwatch()).toBe(true);
    expect((await world.trainer.getState()).step).toBe(1);
  }
  await restore(world, checkpoint);
  expect(await train()).toEqual(losses);
});

test('a read in flight completes after its buffers were destroyed, and leaves no buffer', async () => {
  const { gpu, device, failing, buffer } = await createGpu();
  const before = [...failing.buffers];
  for (let i = 0; i < 2; i++) {
    await gpu.write(buffer, 0, new Uint32Array(4).fill(7 + i));
    const staging = await Staging.create(gpu, 'read', 16, 2);
    const reading = staging.read(device.createCommandEncoder(), [{ buffer, bytes: 16 }]);
    staging.destroy();
    const [read] = await reading;
    expect(new Uint32Array(read)).toEqual(new Uint32Array(4).fill(7 + i));
    expect([...failing.buffers]).toEqual(before);
  }
});

test('an aborted program ends only when nothing of it is in flight any more', async () => {
  const { gpu, device } = await createGpu();
  const part = { shader: 'nothing', work: 1e15 };
  const load = new Load();
  for (let i = 0; i < 3; i++) load.add(part);
  const { begin, end: answer, until } = silence();
  using _ = makeHostile(device, { delaysWork: until });
  for (let i = 0; i < 2; i++) {
    begin();
    const controller = new AbortController();
    const { signal } = controller;
    let parts = 0;
    const program = {
      partCount: 3,
      part: () => part,
      load,
      encode() {
        // The first part is in flight.
        if (++parts === 2) controller.abort();
      },
    };
    const end = gpu.run([program], { signal }).catch((error) => error);
    const soon = new Promise((resolve) => setTimeout(() => resolve('in flight'), 200));
    expect(await Promise.race([end, soon])).toBe('in flight');
    expect(signal.aborted).toBe(true);
    answer();
    expect(await end).toBe(signal.reason);
    await gpu.run([{ ...program, encode() {} }]);
  }
});

test('installWebGPU, called twice at once, makes one GPU', async () => {
  vi.stubGlobal('navigator', {});
  const made = await Promise.all([installWebGPU(), installWebGPU()]);
  expect(made.map((gpu) => gpu === navigator.gpu)).toEqual([true, true]);
  vi.unstubAllGlobals();
});
