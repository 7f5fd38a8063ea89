/** The runs that a browser keeps, where its storage does not do what it should. */
import { afterEach, expect, test, vi } from 'vitest';
import { RUNS, RunStore } from '../../../src/keeping/store';
import { StoredRuns } from '../../../src/worker/stored_runs';
import { FakeLocks, FakeStorage, namesIn, stubBrowser } from '../../lib/fake_storage';
import { checkpointAt } from '../../lib/small_files';
import { until } from '../../lib/until';

/** What a browser keeps and locks, a run in it at step 7, which another tab holds, and the runs as this tab has them. */
async function browser() {
  const storage = new FakeStorage();
  const locks = new FakeLocks();
  const send = vi.fn();
  stubBrowser(storage, locks);
  const run = await (await RunStore.open(storage.root, locks)).create();
  await run.write(await checkpointAt(7));
  const kept = new StoredRuns(send);
  const stepTaken = async () => (await kept.take(run.id)).checkpoint.state.step;
  return { storage, locks, send, run, kept, stepTaken };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('runs are listed, without an uncaught error, where waiting for another tab’s lock fails', async () => {
  const { locks, send, kept } = await browser();
  const uncaught = vi.fn();
  process.on('unhandledRejection', uncaught);
  const request = locks.request.bind(locks);
  const waiting = vi.spyOn(locks, 'request').mockImplementation((name, options, work) => {
    if ('ifAvailable' in options) return request(name, options, work);
    return Promise.reject(new Error('no locks'));
  });
  for (let times = 1; times <= 2; times++) {
    const runs = await kept.list();
    expect(runs).toMatchObject([{ step: 7, held: true }]);
    await until(() => waiting.mock.calls.length === times);
    expect(send).toHaveBeenLastCalledWith('runs', { runs });
  }
  process.off('unhandledRejection', uncaught);
  expect(uncaught).not.toHaveBeenCalled();
});

test('a damaged kept run is refused, and can be taken again later or discarded', async () => {
  const { storage, locks, run, kept, stepTaken } = await browser();
  run.release();
  const refused = () =>
    expect(stepTaken()).rejects.toMatchObject({ code: 'data', message: expect.stringContaining('damaged') });
  storage.unreadable = true;
  for (let times = 0; times < 2; times++) await refused();
  storage.unreadable = false;
  expect(await stepTaken()).toBe(7);
  await kept.end();
  storage.unreadable = true;
  await refused();
  await kept.discard(run.id);
  expect(locks.held).toEqual([]);
});

test.each(['new', 'resumed'])(
  'where no file can be written, a %s run is not kept, the message says why, and no folder is left',
  async (what) => {
    const { storage, locks, send, run: earlier, kept, stepTaken } = await browser();
    earlier.release();
    // As in a SharedWorker.
    vi.stubGlobal('FileSystemFileHandle', class {});
    if (what === 'resumed') expect(await stepTaken()).toBe(7);
    kept.save(await checkpointAt(9), 9);
    await kept.settled();
    const why =
      'the browser lets only a worker of new Worker() write files, not a SharedWorker, a service worker or a page';
    expect(send.mock.calls).toEqual([['notStored', { message: expect.stringContaining(why) }]]);
    await kept.end();
    expect(locks.held).toEqual([]);
    expect(await namesIn(await storage.root.getDirectoryHandle(RUNS))).toEqual([earlier.id]);
  },
);

test('a run in another tab is busy, and a run that is not stored is a wrong id, whatever its name', async () => {
  const { locks, run: other, kept } = await browser();
  await expect(kept.take(other.id)).rejects.toMatchObject({
    code: 'busy',
    message: 'This run is open in another tab.',
  });
  await other.discard();
  for (const id of [other.id, 'three', '', 'a/b'])
    for (const asked of [kept.take(id), kept.discard(id)])
      await expect(asked).rejects.toMatchObject({
        code: 'argument',
        message: expect.stringContaining(`No run with the id "${id}" is stored`),
      });
  expect(locks.held).toEqual([]);
});

test.each(['take', 'discard'] as const)(
  'a stored run whose storage answers %s after its limit can be taken once the storage has answered',
  async (call) => {
    vi.useFakeTimers();
    const { storage, locks, run, kept, stepTaken } = await browser();
    run.release();
    await kept.list();
    storage.silent = true;
    const refused = expect(kept[call](run.id)).rejects.toThrow('The storage has not answered for 10 s.');
    await vi.advanceTimersByTimeAsync(10_000);
    await refused;
    storage.answer();
    await until(() => locks.held.length === 0);
    expect(await stepTaken()).toBe(7);
  },
);
