/** Stores that answer badly: they cost what they would have remembered, and no time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { browserCache, readCache, type TuningCache, writeCache } from '../../src/gpu/cache';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What `work` comes to within two seconds. */
async function inTwoSeconds<T>(work: Promise<T>): Promise<T | 'nothing'> {
  const late = new Promise<'nothing'>((resolve) => setTimeout(() => resolve('nothing'), 2000));
  const first = Promise.race([work, late]);
  await vi.advanceTimersByTimeAsync(2000);
  return first;
}

const never = () => new Promise<never>(() => {});
const refused = () => {
  throw new Error('no access');
};
const rejected = () => Promise.reject(new Error('no access'));

test.each([
  ['never answers', never],
  ['throws at once', refused],
  ['rejects', rejected],
  ['gives something else', async () => 3 as never],
])('a store that %s', async (_, answer) => {
  const cache: TuningCache = { get: answer, set: answer };
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBeUndefined();
  expect(await inTwoSeconds(writeCache(cache, 'a', 'b'))).toBeUndefined();
});

test('one that only cannot be written to is read', async () => {
  const cache: TuningCache = { get: async () => 'known', set: refused };
  expect(await inTwoSeconds(writeCache(cache, 'a', 'b'))).toBeUndefined();
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBe('known');
});

test('one that kept the engine waiting is not asked again', async () => {
  const get = vi.fn(never);
  const cache: TuningCache = { get, set: never };
  for (let i = 0; i < 5; i++) await inTwoSeconds(readCache(cache, 'a'));
  expect(get).toHaveBeenCalledTimes(1);
});

/** A browser whose database opens, and whose requests are answered with `value`, or never. */
function browser(value?: string): void {
  const request = (result: unknown) => {
    const made = { result, onsuccess: () => {}, onerror: () => {} };
    if (result !== undefined) queueMicrotask(() => made.onsuccess());
    return made;
  };
  const store = { get: () => request(value), put: () => request(value) };
  const database = { transaction: () => ({ objectStore: () => store }) };
  vi.stubGlobal('indexedDB', { open: () => request(database) });
}

test('a database that opens and answers', async () => {
  browser('known');
  const cache = (await inTwoSeconds(browserCache())) as TuningCache;
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBe('known');
  expect(await inTwoSeconds(writeCache(cache, 'a', 'b'))).toBeUndefined();
});

test('a database that opens, and then answers nothing', async () => {
  browser();
  const read = (await inTwoSeconds(browserCache())) as TuningCache;
  expect(await inTwoSeconds(readCache(read, 'a'))).toBeUndefined();
  const written = (await inTwoSeconds(browserCache())) as TuningCache;
  expect(await inTwoSeconds(writeCache(written, 'a', 'b'))).toBeUndefined();
});

test('a database that does not open', async () => {
  vi.stubGlobal('indexedDB', { open: () => ({}) });
  expect(await inTwoSeconds(browserCache())).toBeUndefined();
});
