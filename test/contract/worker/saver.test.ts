import { beforeEach, expect, test, vi } from 'vitest';
import { Saver } from '../../../src/keeping/saver';
import { type HeldRun, RunStore } from '../../../src/keeping/store';
import { FakeLocks, FakeStorage } from '../../lib/fake_storage';
import { checkpointAt } from '../../lib/small_files';

const PATIENCE_MS = 20;

let storage: FakeStorage;
let locks: FakeLocks;
let saved: number[];
let troubles: string[];

beforeEach(() => {
  storage = new FakeStorage();
  locks = new FakeLocks();
  saved = [];
  troubles = [];
});

const tab = () => RunStore.open(storage.root, locks);
const saver = () =>
  new Saver({
    open: async () => (await tab()).create(),
    onSaved: (step) => saved.push(step),
    onTrouble: ({ name, message }) => troubles.push(name === 'Error' ? message : `${name}: ${message}`),
    patienceMs: PATIENCE_MS,
  });
/** Gives a saver the copies of these steps. */
async function save(keeping: Saver, ...steps: number[]) {
  for (const step of steps) keeping.save(await checkpointAt(step), step);
}
const patience = () => new Promise((resolve) => setTimeout(resolve, 2 * PATIENCE_MS));
const kept = async () => (await (await tab()).list()).map(({ step }) => step);

test('the saver writes copies into one run, and of copies that wait only the newest', async () => {
  const keeping = saver();
  await save(keeping, 1, 2, 3);
  await keeping.settled();
  expect(saved.at(-1)).toBe(3);
  expect(await kept()).toEqual([3]);
  const all = await Promise.all([4, 5, 6].map(checkpointAt));
  for (const [i, checkpoint] of all.entries()) keeping.save(checkpoint, i + 4);
  await keeping.settled();
  expect(saved.slice(-2)).toEqual([4, 6]);
  expect(await kept()).toEqual([6]);
  expect(troubles).toEqual([]);
});

test('a full disk is reported once, and again after there was room', async () => {
  const keeping = saver();
  const saveAll = async (...steps: number[]) => {
    for (const step of steps) {
      await save(keeping, step);
      await keeping.settled();
    }
  };
  await saveAll(1);
  storage.quota = 1000;
  await saveAll(2, 3, 4);
  expect(troubles).toEqual([expect.stringContaining('QuotaExceededError')]);
  expect(await kept()).toEqual([1]);
  storage.quota = Infinity;
  await saveAll(5);
  expect(saved).toEqual([1, 5]);
  storage.quota = 1000;
  await saveAll(6);
  expect(troubles).toHaveLength(2);
  expect(await kept()).toEqual([5]);
});

test('storage that does not answer is reported once; when it answers, the run is kept after all', async () => {
  storage.silent = true;
  const keeping = saver();
  for (const step of [1, 2, 3]) {
    await save(keeping, step);
    await patience();
  }
  expect(saved).toEqual([]);
  expect(troubles).toEqual([expect.stringContaining('has not answered for')]);
  storage.answer();
  await patience();
  expect(saved).toEqual([3]);
  expect(await kept()).toEqual([3]);
  await save(keeping, 4);
  await keeping.settled();
  expect(saved).toEqual([3, 4]);
  expect(await kept()).toEqual([4]);
  expect(troubles).toHaveLength(1);
});

test('beside a write that hangs no other is made; after it, the newest copy is written', async () => {
  const keeping = saver();
  await save(keeping, 1);
  await keeping.settled();
  storage.silent = true;
  for (const step of [2, 3]) {
    await save(keeping, step);
    await patience();
  }
  expect(saved).toEqual([1]);
  storage.answer();
  await patience();
  expect(troubles).toHaveLength(1);
  expect(saved).toEqual([1, 3]);
  expect(await kept()).toEqual([3]);
  await save(keeping, 4);
  await keeping.settled();
  expect(await kept()).toEqual([4]);
});

test('a copy that storage did not take in time is written once it answers, though no other follows', async () => {
  const keeping = saver();
  for (const step of [1, 2]) {
    storage.silent = true;
    await save(keeping, step);
    await patience();
    expect(troubles).toHaveLength(step);
    storage.answer();
    await patience();
    expect(saved.at(-1)).toBe(step);
    expect(await kept()).toEqual([step]);
  }
});

test('settled() waits until the copy is written, or for a limited time, which is reported once', async () => {
  const keeping = saver();
  await save(keeping, 1, 2);
  await keeping.settled();
  expect(saved.at(-1)).toBe(2);
  storage.silent = true;
  await save(keeping, 3);
  for (let i = 0; i < 3; i++) await keeping.settled();
  expect(troubles).toEqual([expect.stringContaining('has not answered for')]);
  storage.answer();
  await patience();
  expect(await kept()).toEqual([3]);
});

test('settled() does not wait for the limit of one answer after the other', async () => {
  vi.useFakeTimers();
  try {
    const run: HeldRun = {
      ...{ id: 'slow', read: async () => undefined, release() {}, discard: async () => {} },
      write: () => new Promise(() => {}),
    };
    const keeping = new Saver({
      open: () => new Promise((resolve) => setTimeout(resolve, 900, run)),
      onSaved: (step) => saved.push(step),
      onTrouble: ({ message }) => troubles.push(message),
      patienceMs: 1000,
    });
    await save(keeping, 1);
    const settled = keeping.settled().then(() => 'settled');
    await vi.advanceTimersByTimeAsync(950);
    expect(await Promise.race([settled, 'waits'])).toBe('waits');
    await vi.advanceTimersByTimeAsync(100);
    expect(await Promise.race([settled, 'waits'])).toBe('settled');
    await vi.advanceTimersByTimeAsync(2000);
    expect(troubles).toEqual([expect.stringContaining('has not answered for 1 s')]);
  } finally {
    vi.useRealTimers();
  }
});

test('end() waits for the newest copy', async () => {
  const keeping = saver();
  await save(keeping, 1, 2);
  await keeping.end();
  expect(await kept()).toEqual([2]);
});

test('end() frees the run, or discards it, and writes no copy that comes after it', async () => {
  for (const discard of [false, true]) {
    const keeping = saver();
    await save(keeping, 1);
    await keeping.end({ discard });
    await save(keeping, 2);
    const runs = await (await tab()).list();
    expect(runs.map(({ step, held }) => [step, held])).toEqual([[1, false]]);
  }
});

test('end() does not wait for storage that does not answer, and keeps no lock', async () => {
  storage.silent = true;
  const keeping = saver();
  await save(keeping, 1);
  await keeping.end({ discard: true });
  storage.answer();
  await patience();
  expect(await kept()).toEqual([]);
  expect((await locks.query()).held).toEqual([]);
});
