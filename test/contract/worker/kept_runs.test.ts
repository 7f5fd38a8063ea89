/** The runs that a browser keeps, where its storage does not do what it should. */
import { afterEach, expect, test, vi } from 'vitest';
import { RunStore } from '../../../src/keeping/store';
import { StoredRuns } from '../../../src/worker/stored_runs';
import { FakeLocks, FakeStorage } from '../../lib/fake_storage';
import { checkpointAt } from '../../lib/small_files';

/** What the browser keeps and locks, which is empty at first, and a run in it at step 7, which this tab holds. */
async function browser() {
  const storage = new FakeStorage();
  const locks = new FakeLocks();
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => storage.root }, locks });
  const store = await RunStore.open(storage.root, locks);
  const run = await store.create();
  await run.write(await checkpointAt(7));
  return { storage, locks, store, run };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('runs are listed, without an uncaught error, where waiting for another tab’s lock fails', async () => {
  const { locks } = await browser();
  const request = locks.request.bind(locks);
  const waiting = vi.spyOn(locks, 'request').mockImplementation((name, options, work) => {
    if ('ifAvailable' in options) return request(name, options, work);
    return Promise.reject(new Error('no locks'));
  });
  const send = vi.fn();
  const kept = new StoredRuns(send);
  for (let times = 1; times <= 2; times++) {
    kept.list();
    await vi.waitFor(() => expect(waiting).toHaveBeenCalledTimes(times));
    expect(send).toHaveBeenLastCalledWith('runs', [expect.objectContaining({ step: 7, held: true })]);
    // Vitest fails for an uncaught error.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test('a damaged kept run is refused, and can be taken again later or discarded', async () => {
  const { storage, locks, run } = await browser();
  run.release();
  const kept = new StoredRuns(vi.fn());
  storage.unreadable = true;
  for (let times = 0; times < 2; times++)
    await expect(kept.take(run.id)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('damaged'),
    });
  storage.unreadable = false;
  expect((await kept.take(run.id)).checkpoint.state.step).toBe(7);
  await kept.end();
  storage.unreadable = true;
  await expect(kept.take(run.id)).rejects.toThrow(/damaged/);
  await kept.discard(run.id);
  expect((await locks.query()).held).toEqual([]);
});

test('where no file can be written, a run is not kept, the message says why, and no folder is left', async () => {
  const { storage, locks, store, run: earlier } = await browser();
  earlier.release();
  // As in a SharedWorker.
  vi.stubGlobal('FileSystemFileHandle', class {});
  const why =
    'the browser lets only a worker of new Worker() write files, not a SharedWorker, a service worker or a page';
  for (const run of ['new', 'resumed']) {
    const send = vi.fn();
    const kept = new StoredRuns(send);
    if (run === 'resumed') expect((await kept.take(earlier.id)).checkpoint.state.step).toBe(7);
    kept.save(await checkpointAt(9), 9);
    await kept.settled();
    const message = expect.stringContaining(why);
    expect(send.mock.calls).toEqual([['notStored', { message }]]);
    await kept.end();
  }
  expect((await store.list()).map(({ id }) => id)).toEqual([earlier.id]);
  expect((await locks.query()).held).toEqual([]);
  const folders = [];
  for await (const name of (await storage.root.getDirectoryHandle('webgpu-diffusion-runs')).keys())
    folders.push(name);
  expect(folders).toEqual([earlier.id]);
});

test('a run in another tab is busy, and a run that is not stored is a wrong id, whatever its name', async () => {
  const { locks, run: other } = await browser();
  const runs = new StoredRuns(vi.fn());
  await expect(runs.take(other.id)).rejects.toMatchObject({
    code: 'busy',
    message: 'This run is open in another tab.',
  });
  await other.discard();
  for (const id of [other.id, 'three', '', 'a/b'])
    for (const asked of [runs.take(id), runs.discard(id)])
      await expect(asked).rejects.toMatchObject({
        code: 'argument',
        message: expect.stringContaining(`No run with the id "${id}" is stored`),
      });
  expect((await locks.query()).held).toEqual([]);
});

test.each(['take', 'discard'] as const)(
  'a stored run whose storage answers %s after its limit can be taken once the storage has answered',
  async (call) => {
    vi.useFakeTimers();
    const { storage, locks, run } = await browser();
    run.release();
    const send = vi.fn();
    const kept = new StoredRuns(send);
    kept.list();
    await vi.waitFor(() => expect(send).toHaveBeenCalled());
    storage.silent = true;
    const refused = expect(kept[call](run.id)).rejects.toThrow('The storage has not answered for 10 s.');
    await vi.advanceTimersByTimeAsync(10_000);
    await refused;
    storage.answer();
    await vi.waitFor(async () => expect((await locks.query()).held).toEqual([]));
    expect((await kept.take(run.id)).checkpoint.state.step).toBe(7);
  },
);
