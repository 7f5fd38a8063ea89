import { beforeEach, expect, test, vi } from 'vitest';
import { inTime } from '../../../src/base/time';
import { LEAST_STEPS, MOST_RUNS, RunStore } from '../../../src/keeping/store';
import { encodeSafetensors } from '../../../src/weights/encode';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { FakeLocks, FakeStorage } from '../../lib/fake_storage';
import { checkpointAt, data, settings, stepOf } from '../../lib/small_files';

let storage: FakeStorage;
let locks: FakeLocks;
/** As another tab has it. */
const tab = () => RunStore.open(storage.root, locks);
/** A run that no tab holds, with a copy of a step, or of these bytes, whatever they are. */
async function keep(store: RunStore, copy: number | Uint8Array<ArrayBuffer>): Promise<string> {
  const run = await store.create();
  await run.write(typeof copy === 'number' ? await checkpointAt(copy) : copy);
  run.release();
  return run.id;
}
/** A run that its tab holds. */
async function hold(store: RunStore, step: number) {
  const run = await store.create();
  await run.write(await checkpointAt(step));
  return run;
}
const steps = async (store: RunStore) => (await store.list()).map(({ step }) => step);

beforeEach(() => {
  storage = new FakeStorage();
  locks = new FakeLocks();
});

test('inTime leaves no timer where an answer comes in time', async () => {
  vi.useFakeTimers();
  try {
    expect(await inTime(Promise.resolve(7))).toBe(7);
    await expect(inTime(Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('kept runs are listed, the newest first, and come back with their settings', async () => {
  const store = await tab();
  expect(await store.list()).toEqual([]);
  for (const step of [7, 3]) await keep(store, step);
  const [newest, oldest] = await (await tab()).list();
  expect(newest).toMatchObject({
    step: 3,
    loss: Math.fround(1 / 3),
    settings,
    data,
    objective: 'flow',
    held: false,
  });
  expect(oldest.step).toBe(7);
  expect(newest.savedAt).toBeGreaterThan(oldest.savedAt);
  const run = (await (await tab()).claim(oldest.id))!;
  expect(stepOf((await run.read())!.bytes)).toBe(7);
});

test('a run has one writer, until its tab is gone', async () => {
  const run = await hold(await tab(), 1);
  const other = await tab();
  const [{ id, held }] = await other.list();
  expect(held).toBe(true);
  expect(await other.claim(id)).toBeUndefined();
  let free = false;
  const released = other.released(id).then(() => {
    free = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(free).toBe(false);
  run.release();
  await released;
  expect((await other.list())[0].held).toBe(false);
  const claims = await Promise.all([(await tab()).claim(id), other.claim(id)]);
  expect(claims.filter(Boolean)).toHaveLength(1);
});

test('two tabs that train keep two runs', async () => {
  const runs = [await (await tab()).create(), await (await tab()).create()];
  await Promise.all(runs.map(async (run, i) => run.write(await checkpointAt(i + 1))));
  expect((await steps(await tab())).toSorted()).toEqual([1, 2]);
});

test('a run can be discarded, and its lock is free after that', async () => {
  const store = await tab();
  const run = await hold(store, 1);
  await run.discard();
  expect(await steps(store)).toEqual([]);
  expect(await store.claim(run.id)).toBeUndefined();
  expect((await locks.query()).held).toEqual([]);
});

test('a run without a whole copy is not listed', async () => {
  const run = await (await tab()).create();
  storage.tornAfter = 100;
  await expect(run.write(await checkpointAt(1))).rejects.toThrow();
  expect(await steps(await tab())).toEqual([]);
});

test(`the ${MOST_RUNS} newest runs are kept, and all that a tab holds`, async () => {
  const store = await tab();
  const first = await hold(store, 100);
  for (let step = LEAST_STEPS + 1; step <= LEAST_STEPS + MOST_RUNS + 1; step++) await keep(store, step);
  // The first is the oldest, but held.
  const newest = Array.from({ length: MOST_RUNS }, (_, i) => LEAST_STEPS + MOST_RUNS + 1 - i);
  expect(await steps(store)).toEqual([...newest, 100]);
  first.release();
  await hold(store, 50);
  expect(await steps(store)).toEqual([50, ...newest.slice(0, -1)]);
});

test('of more runs than are kept, runs of a few steps go first', async () => {
  const store = await tab();
  for (const step of [LEAST_STEPS, 1, 2, 3, LEAST_STEPS - 1, 4, 5]) await keep(store, step);
  expect(await steps(store)).toEqual([5, 4, LEAST_STEPS - 1, 3, 2, LEAST_STEPS]);
});

const isThere = async (store: RunStore, id: string) => {
  const run = await store.claim(id);
  run?.release();
  return run !== undefined;
};

test('a run that cannot be read, now or by this version, is not thrown away', async () => {
  const store = await tab();
  const old = await keep(store, 1);
  const { tensors, metadata } = decodeSafetensors(await checkpointAt(2));
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const newer = await keep(store, encodeSafetensors(named, { ...metadata, version: '9' }));
  storage.unreadable = true;
  expect(await steps(store)).toEqual([]);
  (await store.create()).release();
  storage.unreadable = false;
  expect(await steps(store)).toEqual([1]);
  for (let step = 3; step <= MOST_RUNS + 3; step++) await keep(store, step);
  expect([await isThere(store, old), await isThere(store, newer)]).toEqual([false, true]);
});

test('a run without any copy is thrown away', async () => {
  const store = await tab();
  const ids = [await store.create(), await store.create()];
  await (
    await (await storage.root.getDirectoryHandle('webgpu-diffusion-runs')).getDirectoryHandle(ids[1].id)
  ).getFileHandle('a.safetensors', { create: true });
  for (const run of ids) run.release();
  (await store.create()).release();
  for (const { id } of ids) expect(await isThere(store, id)).toBe(false);
});

test('a run whose folder cannot be opened while another begins is not held afterwards', async () => {
  const store = await tab();
  const folder = await storage.root.getDirectoryHandle('webgpu-diffusion-runs');
  const open = folder.getDirectoryHandle.bind(folder);
  // To list it, to claim it, to look for its files, and to create the other.
  for (let failing = 1; failing <= 4; failing++) {
    (await store.create()).release();
    let opened = 0;
    const opening = vi.spyOn(folder, 'getDirectoryHandle').mockImplementation((...args) => {
      return ++opened === failing ? Promise.reject(new Error('a bad disk')) : open(...args);
    });
    await expect(store.create()).rejects.toThrow('a bad disk');
    expect((await locks.query()).held).toEqual([]);
    opening.mockRestore();
  }
});
