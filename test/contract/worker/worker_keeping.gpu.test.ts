/** A worker whose browser keeps its runs: what is kept when a pause is over. */
import { afterEach, expect, test, vi } from 'vitest';
import { RunStore } from '../../../src/keeping/store';
import type { StoredRun } from '../../../src/worker';
import { holdTimers } from '../../lib/clock';
import { FakeStorage, stubBrowser } from '../../lib/fake_storage';
import { refused } from '../../lib/refused';
import { until } from '../../lib/until';
import { run } from '../../lib/worker/tiny';
import { served, servedRun, type WorldOptions } from '../../lib/worker/world';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The options of a worker that keeps its run, and what its browser keeps. */
function keeping(options?: WorldOptions) {
  const storage = new FakeStorage();
  stubBrowser(storage);
  return { storage, options: { store: true, ...options } };
}
/** Puts the run aside. Resolves to what is kept of it. */
async function putAside({ client }: Awaited<ReturnType<typeof servedRun>>): Promise<StoredRun> {
  const told = new Promise<StoredRun>((resolve) => client.on('runs', ([kept]) => kept && resolve(kept)));
  await client.putAside();
  return told;
}

test.each([1, 2, 3])(
  'after a pause, a copy of the run up to its step is kept, after %i steps',
  async (waits) => {
    const { options } = keeping({ waits });
    const { client, reached } = await servedRun(options);
    const stored: number[] = [];
    client.on('stored', ({ step }) => stored.push(step));
    const started = client.start();
    await reached;
    const { step } = await client.pause();
    expect(stored.at(-1)).toBe(step);
    expect(await started).toMatchObject({ step });
  },
);

test('putAside keeps the run for later; where nothing can be kept, the run stays', async () => {
  const { storage, options } = keeping();
  const world = await servedRun(options);
  const { client } = world;
  const { loss } = await client.step(3);
  const { id, step, held } = await putAside(world);
  expect({ step, held }).toEqual({ step: 3, held: false });
  await expect(client.step()).rejects.toThrow(/has no run/);
  expect((await client.resume({ from: id })).losses.at(-1)).toBe(loss);
  storage.quota = 0;
  await client.step();
  await refused(client.putAside(), 'data', /does not keep the run/);
  expect(await client.step()).toMatchObject({ step: 5 });
});

test('a run that has gone back is kept as it is then, also where it is put aside at once', async () => {
  const world = await servedRun(keeping().options);
  const { client } = world;
  await client.step(3);
  const { loss } = await client.step(2);
  expect(await client.goBack()).toMatchObject({ step: 3 });
  const { id, step } = await putAside(world);
  expect(step).toBe(3);
  expect(await client.resume({ from: id })).toMatchObject({ step: 3 });
  expect(await client.step(2)).toMatchObject({ step: 5, loss });
});

test('a pause does not wait for storage longer than its patience, and reports it', async () => {
  const { storage, options } = keeping();
  const { client } = await servedRun(options);
  const order: string[] = [];
  client.on('notStored', ({ message }) => order.push(message));
  storage.silent = true;
  holdTimers();
  await client.step(2);
  const paused = client.pause().finally(() => order.push('paused'));
  // The limits of the write and of the pause.
  await until(() => order.length > 0 || vi.getTimerCount() > 1);
  expect(order).toEqual([]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await paused).toMatchObject({ step: 2 });
  expect(order).toEqual([expect.stringContaining('has not answered for 10 s'), 'paused']);
  storage.answer();
});

test.each(['compiling', 'training', 'paused'] as const)(
  'a worker whose page destroys its client of a port while it is %s frees the device and the lock of the run',
  async (when) => {
    const { storage, options } = keeping({
      losable: true,
      waits: when === 'compiling' ? 'building' : 2,
    });
    const { client, devices, destroyed, reached, goOn } = served(options);
    const begun = client.begin(run).catch((error) => error);
    const ended = client.start().catch((error) => error);
    await reached;
    if (when === 'paused') await client.pause();
    client.destroy();
    goOn();
    if (when === 'compiling') expect(await begun).toMatchObject({ code: 'destroyed' });
    expect(await ended).toMatchObject(when === 'paused' ? { complete: false } : { code: 'destroyed' });
    await until(() => devices.length === 1 && destroyed.has(devices[0]));
    const kept = await RunStore.open(storage.root, navigator.locks);
    const left = when === 'compiling' ? [] : [{ held: false, step: expect.any(Number) }];
    await until(async () => !(await kept.list()).some(({ held }) => held));
    expect(await kept.list()).toMatchObject(left);
  },
);
