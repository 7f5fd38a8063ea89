/** What the device refuses, and what is ended while it works: what comes after is as if that had not been. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { EngineError } from '../../../src/base/errors';
import { Gpu } from '../../../src/gpu/gpu';
import { Load } from '../../../src/gpu/pacer';
import { requestDevice } from '../../../src/gpu/request_device';
import { Staging } from '../../../src/gpu/staging';
import { hurry } from '../../lib/clock';
import { FailingDevice } from '../../lib/failing_device';
import { testGpu } from '../../lib/gpu';
import { makeHostile, silence } from '../../lib/hostile/hostile_device';
import { createWorld } from '../../lib/subjects';
import { until } from '../../lib/until';

await testGpu();

beforeEach(() => void hurry());
afterEach(() => void vi.useRealTimers());

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
  const { writes } = gpu as unknown as { writes: ReadonlySet<unknown> };
  for (let i = 0; i < 9; i++) gpu.writeSoon(buffer, 0, new Uint32Array(4));
  expect(writes.size).toBe(9);
  await until(() => writes.size === 0);
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

test('a trainer is not made if one of its writes is refused: a table would hold zeros', async () => {
  const { failing, engine, unet } = await createWorld({ selfCheck: false });
  const make = () => engine.createTrainer(unet, { batchSize: 3, objective: 'flow' });
  failing.watch();
  (await make()).destroy();
  failing.unwatch();
  const { length } = failing.calls.filter((call) => call === 'writeBuffer');
  expect(length).toBeGreaterThan(5);
  for (let nth = 0; nth < length; nth++) {
    failing.watch({ name: 'writeBuffer', nth, failure: 'refused' });
    await expect(make(), `write ${nth}`).rejects.toThrow(EngineError);
    failing.unwatch();
  }
});

test('a fit whose steps take several submissions throws where the device refuses a write, and makes no half step', async () => {
  const { failing, engine, unet, dataset } = await createWorld();
  const trainer = await engine.createTrainer(unet, { batchSize: 3, objective: 'flow' });
  engine.gpu.pacer.maxMilliseconds = 1e-6;
  const { state, parameters } = await trainer.snapshot();
  const restore = async () => {
    trainer.setState(state);
    await unet.setParameters(parameters);
  };
  const train = async () => {
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(dataset, { epochs: 1, maxSteps: 1 })) losses.push(loss);
    return losses;
  };
  const losses = await train(); // compiles what draws the batches
  await restore();
  failing.watch();
  expect(await train()).toEqual(losses);
  const count = (name: string) => failing.calls.filter((call) => call === name).length;
  expect(count('submit')).toBeGreaterThan(3);
  const writes = count('writeBuffer');
  expect(writes).toBeGreaterThan(3);
  for (let nth = 0; nth < writes; nth++) {
    await restore();
    failing.watch({ name: 'writeBuffer', nth, failure: 'refused' });
    await expect(train(), `write ${nth}`).rejects.toMatchObject({ code: 'shader' });
    expect(failing.unwatch()).toBe(true);
    expect(await trainer.snapshot()).toMatchObject({ state, parameters });
  }
  await restore();
  expect(await train()).toEqual(losses);
});

test.each([
  ['throws', 'shader'],
  ['refused', 'shader'],
  ['memory', 'limit'],
] as const)(
  'what a recorded run writes, where %s, fails a later one, and is written again',
  async (failure, code) => {
    const { failing, engine, unet } = await createWorld();
    const { device } = failing;
    const sampler = await engine.createSampler(unet, { count: 3 });
    const images = device.createBuffer({ size: 3 * 64 * 4, usage: GPUBufferUsage.COPY_DST });
    const order = { steps: 2, labels: [0, 1, 1], seed: 3 };
    const record = () => sampler.encodeRun(device.createCommandEncoder(), images, order);
    for (let twice = 0; twice < 2; twice++) {
      failing.watch({ name: 'writeBuffer', nth: 0, failure });
      record();
      expect(failing.unwatch()).toBe(true);
      // The device says it later.
      const later = async () => {
        for (let times = 0; times < 100; times++) {
          record();
          await device.queue.onSubmittedWorkDone();
        }
      };
      await expect(later()).rejects.toMatchObject({ code });
    }
    failing.watch();
    record();
    record();
    expect(failing.calls.filter((name) => name === 'writeBuffer')).toHaveLength(1);
    expect(failing.uncaught).toEqual([]);
  },
);

test('a prediction of several submissions, of which the last but one is refused, ends with no read under way', async () => {
  /** Predicts with one submission refused, before the device has read; the submissions until the end, with which the engine ends. */
  const submissionsOf = async (refused: number) => {
    const { failing, engine, unet } = await createWorld();
    const predict = () =>
      unet.predict(new Float32Array(64), { count: 1, levels: Float32Array.of(0.5), labels: [1] });
    await predict();
    const { gpu } = engine;
    gpu.pacer.maxMilliseconds = 1e-6;
    const scoped = gpu.scoped.bind(gpu);
    let submissions = 0;
    vi.spyOn(gpu, 'scoped').mockImplementation(((what: string, work: () => unknown) =>
      what === 'a submission' && submissions++ === refused
        ? Promise.reject(new EngineError('limit', 'no more'))
        : scoped(what, work)) as never);
    const [{ status }] = await Promise.allSettled([predict()]);
    engine.destroy();
    expect(failing.labels).toEqual([]);
    return { submissions, status };
  };
  const { submissions, status } = await submissionsOf(-1);
  expect(status).toBe('fulfilled');
  expect(submissions).toBeGreaterThan(2);
  expect((await submissionsOf(submissions - 2)).status).toBe('rejected');
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
  const workDone = device.queue.onSubmittedWorkDone.bind(device.queue);
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
    let hasEnded = false;
    const end = gpu
      .run([program], { signal })
      .catch((error) => error)
      .finally(() => {
        hasEnded = true;
      });
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await workDone();
    expect(hasEnded).toBe(false);
    answer();
    expect(await end).toBe(signal.reason);
    await gpu.run([{ ...program, encode() {} }]);
  }
});
