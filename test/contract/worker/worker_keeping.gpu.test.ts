/** A worker whose browser keeps its runs: what is kept when a pause is over. */
import { afterEach, expect, test, vi } from 'vitest';
import { RunStore } from '../../../src/keeping/store';
import type { SessionClient, StoredRun } from '../../../src/worker';
import { holdTimers } from '../../lib/clock';
import { FakeStorage, stubBrowser } from '../../lib/fake_storage';
import { refused } from '../../lib/refused';
import { until } from '../../lib/until';
import { trained } from '../../lib/worker/alone';
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
/** Closes the run. Resolves to what is kept of it. */
async function closed(client: SessionClient): Promise<StoredRun> {
  await client.close();
  const [kept] = await client.runs();
  return kept;
}

test.each([1, 2, 3])(
  'after a pause, a copy of the run up to its step is kept, after %i steps',
  async (waits) => {
    const { options } = keeping({ waits });
    const { client, reached } = await servedRun(options);
    const stored: number[] = [];
    client.on('stored', ({ step }) => stored.push(step));
    const started = trained(client);
    await reached;
    const { step } = await client.pause();
    expect(stored.at(-1)).toBe(step);
    expect(await started).toMatchObject({ step });
  },
);

test('a run that is closed is kept for later; where nothing can be kept, the run stays', async () => {
  const { storage, options } = keeping();
  const { client } = await servedRun(options);
  const { loss } = await trained(client, { steps: 3 });
  const { id, step, held } = await closed(client);
  expect({ step, held }).toEqual({ step: 3, held: false });
  await expect(trained(client, { steps: 1 })).rejects.toThrow(/has no run/);
  expect((await client.resume({ from: id })).losses.at(-1)).toBe(loss);
  storage.quota = 0;
  await trained(client, { steps: 1 });
  await refused(client.close(), 'data', /does not keep the run/);
  expect(await trained(client, { steps: 1 })).toMatchObject({ step: 5 });
});

test('a run that has gone back is kept as it is then, also where it is closed at once', async () => {
  const { client } = await servedRun(keeping().options);
  await trained(client, { steps: 3 });
  const { loss } = await trained(client, { steps: 2 });
  expect(await client.goBack()).toMatchObject({ step: 3 });
  const { id, step } = await closed(client);
  expect(step).toBe(3);
  expect(await client.resume({ from: id })).toMatchObject({ step: 3 });
  expect(await trained(client, { steps: 2 })).toMatchObject({ step: 5, loss });
});

test('a pause does not wait for storage longer than its patience, and reports it', async () => {
  const { storage, options } = keeping();
  const { client } = await servedRun(options);
  const order: string[] = [];
  client.on('notStored', ({ message }) => order.push(message));
  storage.silent = true;
  holdTimers();
  for await (const _ of client.train({ steps: 2 }));
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
    const ended = trained(client).catch((error) => error);
    await reached;
    if (when === 'paused') await Promise.all([client.pause(), ended]);
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
