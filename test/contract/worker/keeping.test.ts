/** What a browser keeps of runs: the copies of one, the runs of an origin, what writes them, and the wait for another device. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withTimeout } from '../../../src/base/time';
import { Recoverer } from '../../../src/keeping/recoverer';
import { Saver } from '../../../src/keeping/saver';
import { createSlotPair } from '../../../src/keeping/slots';
import { type HeldRun, LEAST_STEPS, MOST_RUNS, RUNS, RunStore } from '../../../src/keeping/store';
import { encodeSafetensors } from '../../../src/weights/encode';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { after } from '../../lib/clock';
import { damage, FakeLocks, FakeStorage, namesIn } from '../../lib/fake_storage';
import { checkpointAt, data, settings, stepOf } from '../../lib/small_files';

let storage: FakeStorage;
let locks: FakeLocks;
beforeEach(() => {
  storage = new FakeStorage();
  locks = new FakeLocks();
});
afterEach(() => {
  vi.useRealTimers();
});

/** As another tab has the runs, or a later visit. */
const tab = () => RunStore.open(storage.root, locks);
/** The steps of the runs that are kept, the newest first. */
const kept = async () => (await (await tab()).list()).map(({ step }) => step);
/** A run that its tab holds. */
async function hold(store: RunStore, step: number) {
  const run = await store.create();
  await run.write(await checkpointAt(step));
  return run;
}

describe('the copies of a run', () => {
  const slots = () => createSlotPair(storage.root);
  const write = async (step: number, run = slots()) => run.write(await checkpointAt(step));
  const newest = async () => (await slots().read())?.checkpoint.state.step;
  /** A write that ends after these bytes, as where the page is killed. */
  const tear = async (after: number, step: number, run = slots()) => {
    storage.tornAfter = after;
    await expect(write(step, run)).rejects.toMatchObject({ name: 'AbortError' });
  };

  test('go into two files by turns, and the newest comes back as it was; of one step the later one', async () => {
    const run = slots();
    expect(await run.read()).toBeUndefined();
    for (const [seed, step] of [1, 2, 3, 10, 10, 10].entries()) {
      const checkpoint = await checkpointAt(step, seed);
      await run.write(checkpoint);
      expect(await slots().read()).toMatchObject({ bytes: checkpoint, savedAt: storage.now - 1 });
    }
    expect(await namesIn(storage.root)).toHaveLength(2);
  });

  test('stay where the next one is cut off anywhere, and that is overwritten', async () => {
    const { length } = await checkpointAt(30);
    for (const cut of [0, 1, 50, length >> 1, length - 1]) {
      storage = new FakeStorage();
      for (const step of [10, 20]) await write(step);
      await tear(cut, 30);
      expect(await newest()).toBe(20);
      // By another page, and by the one that failed.
      const run = slots();
      await tear(cut, 40, run);
      expect(await newest()).toBe(20);
      await write(50, run);
      expect(await newest()).toBe(50);
    }
  });

  test('count from an earlier step once the copy of a run that went back is whole', async () => {
    for (const step of [10, 20]) await write(step);
    const run = slots();
    await tear(50, 5, run);
    expect(await newest()).toBe(20);
    await write(5, run);
    expect(await newest()).toBe(5);
    await write(6, run);
    await tear(50, 7, run);
    expect(await newest()).toBe(6);
  });

  test('are whole where they are shorter than what their file held', async () => {
    for (const step of [500, 600]) await write(step);
    await damage(storage.root, 'a.safetensors', (file) => file.write(new Uint8Array(10), { at: 100 }));
    await write(601);
    expect(stepOf((await slots().read())!.bytes)).toBe(601);
  });
});

describe('the runs that a browser keeps', () => {
  /** A run that no tab holds, with a copy of a step, or of these bytes, whatever they are. */
  async function keep(store: RunStore, copy: number | Uint8Array<ArrayBuffer>): Promise<string> {
    const run = await store.create();
    await run.write(typeof copy === 'number' ? await checkpointAt(copy) : copy);
    run.release();
    return run.id;
  }
  const isThere = async (store: RunStore, id: string) => {
    const run = await store.claim(id);
    run?.release();
    return run !== undefined;
  };

  test('are listed, the newest first, and come back with their settings', async () => {
    expect(await kept()).toEqual([]);
    for (const step of [7, 3]) await keep(await tab(), step);
    const store = await tab();
    const [newest, oldest] = await store.list();
    const given = { settings, data, objective: 'flow' };
    expect(newest).toMatchObject({ ...given, step: 3, loss: Math.fround(1 / 3), held: false });
    expect(newest.savedAt).toBeGreaterThan(oldest.savedAt);
    expect(stepOf((await (await store.claim(oldest.id))!.read())!.bytes)).toBe(7);
  });

  test('have one writer each, until its tab is gone', async () => {
    const run = await hold(await tab(), 1);
    const other = await tab();
    expect(await other.list()).toMatchObject([{ id: run.id, held: true }]);
    expect(await other.claim(run.id)).toBeUndefined();
    const order: string[] = [];
    const released = other.released(run.id).then(() => order.push('released'));
    await other.list();
    order.push('release');
    run.release();
    await released;
    expect(order).toEqual(['release', 'released']);
    expect(await other.list()).toMatchObject([{ held: false }]);
    const claims = await Promise.all([(await tab()).claim(run.id), other.claim(run.id)]);
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  test(`are the ${MOST_RUNS} newest, and all that a tab holds`, async () => {
    const store = await tab();
    const first = await hold(store, 100);
    for (let step = LEAST_STEPS + 1; step <= LEAST_STEPS + MOST_RUNS + 1; step++) await keep(store, step);
    // The first is the oldest, but held.
    const newest = Array.from({ length: MOST_RUNS }, (_, i) => LEAST_STEPS + MOST_RUNS + 1 - i);
    expect(await kept()).toEqual([...newest, 100]);
    first.release();
    await hold(store, 50);
    expect(await kept()).toEqual([50, ...newest.slice(0, -1)]);
  });

  test('give way to others with few steps first', async () => {
    const store = await tab();
    for (const step of [LEAST_STEPS, 1, 2, 3, LEAST_STEPS - 1, 4, 5]) await keep(store, step);
    expect(await kept()).toEqual([5, 4, LEAST_STEPS - 1, 3, 2, LEAST_STEPS]);
  });

  test('are not thrown away where they cannot be read, now or by this version', async () => {
    const store = await tab();
    const old = await keep(store, 1);
    const { tensors, metadata } = decodeSafetensors(await checkpointAt(2));
    const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
    const newer = await keep(store, encodeSafetensors(named, { ...metadata, version: '9' }));
    storage.unreadable = true;
    expect(await kept()).toEqual([]);
    (await store.create()).release();
    storage.unreadable = false;
    expect(await kept()).toEqual([1]);
    for (let step = 3; step <= MOST_RUNS + 3; step++) await keep(store, step);
    expect([await isThere(store, old), await isThere(store, newer)]).toEqual([false, true]);
  });

  // To list it, and to create the other.
  test.each([1, 2])(
    'are not held where their folder cannot be opened, at try %i, while another begins',
    async (failing) => {
      const store = await tab();
      (await store.create()).release();
      const folder = await storage.root.getDirectoryHandle(RUNS);
      const open = folder.getDirectoryHandle.bind(folder);
      let opened = 0;
      folder.getDirectoryHandle = async (...args) => {
        if (++opened === failing) throw new Error('a bad disk');
        return open(...args);
      };
      await expect(store.create()).rejects.toThrow('a bad disk');
      expect(locks.held).toEqual([]);
    },
  );
});

test('withTimeout leaves no timer where an answer comes in time', async () => {
  vi.useFakeTimers();
  expect(await withTimeout(Promise.resolve(7))).toBe(7);
  await expect(withTimeout(Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(vi.getTimerCount()).toBe(0);
});

describe('the saver', () => {
  const PATIENCE_MS = 1000;
  const SILENT = expect.stringContaining('has not answered for 1 s');
  let saved: number[];
  let troubles: string[];
  beforeEach(() => {
    vi.useFakeTimers();
    saved = [];
    troubles = [];
  });

  const saver = (open: () => Promise<HeldRun> = async () => (await tab()).create()) =>
    new Saver({
      open,
      onSaved: (step) => saved.push(step),
      onTrouble: ({ name, message }) => troubles.push(`${name}: ${message}`),
      patienceMs: PATIENCE_MS,
    });
  /** Gives a saver the copies of these steps. */
  async function save(keeping: Saver, ...steps: number[]) {
    const copies = await Promise.all(steps.map((step) => checkpointAt(step)));
    for (const [i, copy] of copies.entries()) keeping.save(copy, steps[i]);
  }
  /** Its patience is over, or what it does is done. */
  const passes = (ms = 2 * PATIENCE_MS) => vi.advanceTimersByTimeAsync(ms);

  test('writes copies into one run, and of copies that wait only the newest', async () => {
    const keeping = saver();
    for (const steps of [
      [1, 2, 3],
      [4, 5, 6],
    ]) {
      await save(keeping, ...steps);
      await keeping.settled();
      expect(await kept()).toEqual([steps[2]]);
    }
    expect({ saved, troubles }).toEqual({ saved: [1, 3, 4, 6], troubles: [] });
  });

  test('keeps the copy of before on a full disk, reports it once, and again after there was room', async () => {
    const keeping = saver();
    const states: unknown[] = [];
    for (const [step, quota] of [Infinity, 1000, 1000, Infinity, 1000].entries()) {
      storage.quota = quota;
      await save(keeping, step);
      await keeping.settled();
      states.push([...(await kept()), troubles.length]);
    }
    expect(states).toEqual([
      [0, 0],
      [0, 1],
      [0, 1],
      [3, 1],
      [3, 2],
    ]);
    expect(troubles[0]).toContain('QuotaExceededError');
  });

  test.each([
    [[], [2, 3]],
    [[1], [2, 3]],
    [[1], [2]],
  ])(
    'reports storage that is silent after the copies %j once, writes nothing beside, and keeps %j once it answers, though no other follows',
    async (before, late) => {
      const keeping = saver();
      await save(keeping, ...before);
      await keeping.settled();
      storage.silent = true;
      for (const step of late) {
        await save(keeping, step);
        await passes();
      }
      expect(saved).toEqual(before);
      storage.answer();
      await passes();
      expect({ saved, kept: await kept() }).toEqual({ saved: [...before, ...late], kept: late.slice(-1) });
      await save(keeping, 4);
      await keeping.settled();
      expect({ saved, kept: await kept() }).toEqual({ saved: [...before, ...late, 4], kept: [4] });
      expect(troubles).toEqual([SILENT]);
    },
  );

  test('is settled without the limit of one answer after the other', async () => {
    const slow: HeldRun = {
      id: 'slow',
      read: async () => undefined,
      release() {},
      discard: async () => {},
      write: () => new Promise(() => {}),
    };
    const keeping = saver(() => after(0.9 * PATIENCE_MS, slow));
    await save(keeping, 1);
    const settled = vi.fn();
    void keeping.settled().then(settled);
    await passes(0.95 * PATIENCE_MS);
    expect(settled).not.toHaveBeenCalled();
    await passes(0.1 * PATIENCE_MS);
    expect(settled).toHaveBeenCalled();
    await passes();
    expect(troubles).toEqual([SILENT]);
  });

  test.each([false, true])(
    'ends with the newest copy, frees the run or discards it (%s), and writes no later copy',
    async (discard) => {
      const keeping = saver();
      await save(keeping, 1, 2);
      await keeping.end({ discard });
      await save(keeping, 3);
      const runs = await (await tab()).list();
      expect(runs.map(({ step, held }) => [step, held])).toEqual(discard ? [] : [[2, false]]);
    },
  );

  test('ends without waiting for storage that does not answer, and keeps no lock', async () => {
    storage.silent = true;
    const keeping = saver();
    await save(keeping, 1);
    await Promise.all([keeping.end({ discard: true }), passes()]);
    storage.answer();
    await passes();
    expect({ kept: await kept(), held: locks.held }).toEqual({ kept: [], held: [] });
  });
});

describe('after the loss of a device', () => {
  const MINUTE = 60_000;

  test('another one is requested at once, then ever more slowly, without end', () => {
    const recoverer = new Recoverer();
    const waits = [recoverer.lost(0).wait];
    for (let i = 0; i < 12; i++) waits.push(recoverer.failed(i).wait);
    expect(waits.slice(0, 9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(waits.at(-1)).toBe(30_000);
    // A device came, and was lost, too.
    expect(recoverer.lost(MINUTE).wait).toBe(250);
    expect(recoverer.failed(MINUTE).wait).toBe(500);
  });

  test.each([
    [[0], 'reload'],
    [[0, 1], 'reload'],
    [[0, 1, 2], 'restart'],
    [[0, 1, 90], 'reload'],
  ])('losses in the minutes %j have the advice %s, which comes after three tries', (minutes, advice) => {
    const losses = minutes.map((minute) => minute * MINUTE);
    const now = losses.pop()!;
    const recoverer = new Recoverer(losses);
    const given = [recoverer.lost(now), ...[1, 2, 3].map(() => recoverer.failed(now))];
    expect(given.map((attempt) => attempt.advice)).toEqual([undefined, undefined, undefined, advice]);
  });
});
