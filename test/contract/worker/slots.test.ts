import { beforeEach, expect, test } from 'vitest';
import { Slots } from '../../../src/keeping/slots';
import { FakeStorage } from '../../lib/fake_storage';
import { checkpointAt, stepOf } from '../../lib/small_files';

let storage: FakeStorage;
/** As a page finds them after a reload. */
const slots = () => new Slots(storage.root);
const write = async (step: number, run = slots()) => run.write(await checkpointAt(step));
const kept = async () => (await slots().read())?.checkpoint.state.step;

beforeEach(() => {
  storage = new FakeStorage();
});

test('copies of a run go into two files by turns, and the newest comes back as it was', async () => {
  const run = slots();
  expect(await run.read()).toBeUndefined();
  for (let step = 1; step <= 5; step++) {
    const checkpoint = await checkpointAt(step);
    await run.write(checkpoint);
    const copy = (await slots().read())!;
    expect(copy.bytes).toEqual(checkpoint);
    expect(copy.savedAt).toBe(storage.now - 1);
  }
  const files = [];
  for await (const file of storage.root.keys()) files.push(file);
  expect(files).toHaveLength(2);
});

test('of two copies of one step the later one counts, in either file', async () => {
  const writes = slots();
  const others = [1, 2, 3].map((seed) => checkpointAt(10, seed));
  for (const checkpoint of await Promise.all(others)) {
    await writes.write(checkpoint);
    expect((await slots().read())!.bytes).toEqual(checkpoint);
  }
});

test('a write that is cut off anywhere leaves the copy before, and is overwritten next', async () => {
  const { length } = await checkpointAt(30);
  for (const cut of [0, 1, 50, length >> 1, length - 1]) {
    storage = new FakeStorage();
    await write(10);
    await write(20);
    storage.tornAfter = cut;
    await expect(write(30)).rejects.toThrow();
    expect(await kept()).toBe(20);
    // By another page, and by the one that failed.
    storage.tornAfter = cut;
    const run = slots();
    await expect(write(40, run)).rejects.toThrow();
    expect(await kept()).toBe(20);
    await write(50, run);
    expect(await kept()).toBe(50);
  }
});

test('a run that went back to an earlier step counts from there, once that copy is whole', async () => {
  for (const step of [10, 20]) await write(step);
  storage.tornAfter = 50;
  const run = slots();
  await expect(write(5, run)).rejects.toThrow();
  expect(await kept()).toBe(20);
  await write(5, run);
  expect(await kept()).toBe(5);
  await write(6, run);
  storage.tornAfter = 50;
  await expect(write(7, run)).rejects.toThrow();
  expect(await kept()).toBe(6);
});

test('where there is no room for another copy, the last one stays', async () => {
  await write(10);
  storage.quota = 1.5 * (await checkpointAt(10)).length;
  await expect(write(20)).rejects.toMatchObject({ name: 'QuotaExceededError' });
  expect(await kept()).toBe(10);
});

test('a copy that is shorter than what its file held is whole', async () => {
  for (const step of [500, 600]) await write(step);
  const handle = await storage.root.getFileHandle('a.safetensors');
  const access = await handle.createSyncAccessHandle();
  access.write(new Uint8Array(10), { at: 100 }); // 500 is damaged
  access.close();
  const run = slots();
  await write(601, run);
  expect(await kept()).toBe(601);
  expect(stepOf((await run.read())!.bytes)).toBe(601);
});
