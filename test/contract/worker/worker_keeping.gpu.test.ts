/** A worker whose browser keeps its runs: what is kept when a pause is over. */
import { afterEach, expect, test, vi } from 'vitest';
import { RunStore } from '../../../src/keeping/store';
import { createWorkerClient, type StoredRun, serve, type WorkerClient } from '../../../src/worker';
import { FakeLocks, FakeStorage } from '../../lib/fake_storage';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { losableGpu } from '../../lib/worker/losable';
import { images, run } from '../../lib/worker/tiny';

const { source } = await testGpu();

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A worker, and what its browser keeps. */
function worker(storage: FakeStorage, gpuOfEngine = source) {
  const { gpu } = navigator;
  const folder = { getDirectory: async () => storage.root };
  vi.stubGlobal('navigator', { gpu, storage: folder, locks: new FakeLocks() });
  const { port1, port2 } = new MessageChannel();
  serve(port2, { engine: { gpu: gpuOfEngine, selfCheck: false } });
  const client = createWorkerClient(port1);
  const end = () => {
    client.destroy();
    port2.close();
  };
  return { client, end };
}

const runsOf = (client: WorkerClient) =>
  new Promise<readonly StoredRun[]>((resolve) => {
    client.on('runs', (all) => all.length > 0 && resolve(all));
  });

test('after a pause, a copy of the run up to its step is kept', async () => {
  for (const steps of [1, 2, 3]) {
    const storage = new FakeStorage();
    const { client, end } = worker(storage);
    const stored: number[] = [];
    client.on('stored', ({ step }) => stored.push(step));
    await client.begin({ ...run, images, fit: { epochs: 1000 } });
    const started = client.start();
    await new Promise<void>((resolve) => {
      client.on('loss', ({ first, losses }) => first + losses.length >= steps && resolve());
    });
    const { step } = await client.pause();
    expect(stored.at(-1)).toBe(step);
    expect(await started).toMatchObject({ step });
    end();
  }
});

test('putAside keeps the run for later; where nothing can be kept, the run stays', async () => {
  const storage = new FakeStorage();
  const { client, end } = worker(storage);
  await client.begin({ ...run, images });
  const { loss } = await client.step(3);
  const runs = runsOf(client);
  await client.putAside();
  const [{ id, step, held }] = await runs;
  expect({ step, held }).toEqual({ step: 3, held: false });
  await expect(client.step()).rejects.toThrow(/has no run/);
  expect((await client.resume({ from: id, images })).losses.at(-1)).toBe(loss);
  storage.quota = 0;
  await client.step();
  await refused(client.putAside(), 'data', /does not keep the run/);
  expect(await client.step()).toMatchObject({ step: 5 });
  end();
});

test('a run that has gone back is kept as it is then, also where it is put aside at once', async () => {
  const { client, end } = worker(new FakeStorage());
  await client.begin({ ...run, images });
  await client.step(3);
  const { loss } = await client.step(2);
  expect(await client.goBack()).toMatchObject({ step: 3 });
  const runs = runsOf(client);
  await client.putAside();
  const [{ id, step }] = await runs;
  expect(step).toBe(3);
  expect(await client.resume({ from: id, images })).toMatchObject({ step: 3 });
  expect(await client.step(2)).toMatchObject({ step: 5, loss });
  end();
});

test('a pause does not wait for storage longer than its patience, and reports it', async () => {
  const storage = new FakeStorage();
  const { client, end } = worker(storage);
  const told: string[] = [];
  client.on('notStored', ({ message }) => told.push(message));
  await client.begin({ ...run, images });
  storage.silent = true;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await client.step(2);
  const paused = client.pause();
  let over = false;
  void paused.then(() => {
    over = true;
  });
  while (told.length === 0) {
    expect(over).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(200);
  }
  expect(await paused).toMatchObject({ step: 2 });
  expect(told).toEqual([expect.stringContaining('has not answered for 10 s')]);
  storage.answer();
  end();
});

test.each(['compiling', 'training', 'paused'] as const)(
  'a worker whose page destroys its client of a port while it is %s frees the device and the lock of the run',
  async (when) => {
    const storage = new FakeStorage();
    const { gpu, devices, destroyed } = losableGpu();
    const { client, end } = worker(storage, gpu);
    const kept = async () => (await RunStore.open(storage.root, navigator.locks)).list();
    const reached = new Promise<void>((resolve) => {
      if (when === 'training') client.on('loss', () => resolve());
      else client.on('phase', ({ phase }) => phase === when && resolve());
    });
    const begun = client.begin({ ...run, images, fit: { epochs: 1000 } }).catch((error) => error);
    const done = when === 'paused' ? client.step(3) : client.start().catch((error) => error);
    await reached;
    if (when === 'paused') await done;
    client.destroy();
    if (when === 'compiling') expect(await begun).toMatchObject({ code: 'destroyed' });
    if (when !== 'paused') expect(await done).toMatchObject({ code: 'destroyed' });
    await vi.waitFor(() => expect(devices.map((device) => destroyed.has(device))).toEqual([true]), 10_000);
    const left = when === 'compiling' ? [] : [{ held: false, step: expect.any(Number) }];
    await vi.waitFor(async () => expect(await kept()).toMatchObject(left));
    end();
  },
);
