/** Stores that answer badly: they cost what they would have remembered, and no time. */
import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest';
import {
  type BrowserCache,
  browserCache,
  readCache,
  type TuningCache,
  writeCache,
} from '../../src/trust/cache';

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
])('a store that %s counts as empty, within two seconds', async (_, answer) => {
  const cache: TuningCache = { get: answer, set: answer };
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBeUndefined();
  expect(await inTwoSeconds(writeCache(cache, 'a', 'b'))).toBeUndefined();
});

test('a store that cannot be written to is still read', async () => {
  const cache: TuningCache = { get: async () => 'known', set: refused };
  expect(await inTwoSeconds(writeCache(cache, 'a', 'b'))).toBeUndefined();
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBe('known');
});

test('a store that kept the engine waiting is not asked again', async () => {
  const get = vi.fn(never);
  const cache: TuningCache = { get, set: never };
  for (let i = 0; i < 5; i++) await inTwoSeconds(readCache(cache, 'a'));
  expect(get).toHaveBeenCalledTimes(1);
});

/** A browser whose database opens, and whose requests are answered with `value`, or never. */
function browser(value?: string) {
  const request = (result: unknown) => {
    const made = { result, onsuccess: () => {}, onerror: () => {} };
    if (result !== undefined) queueMicrotask(() => made.onsuccess());
    return made;
  };
  const store = { get: () => request(value), put: () => request(value) };
  const opened: { close: Mock; onversionchange(): void; onclose(): void }[] = [];
  const open = () => {
    let isOpen = true;
    const close = vi.fn(() => {
      isOpen = false;
    });
    const transaction = () => {
      if (!isOpen) throw new Error('closed');
      return { objectStore: () => store };
    };
    const database = { transaction, close, onversionchange: () => {}, onclose: () => {} };
    opened.push(database);
    return request(database);
  };
  vi.stubGlobal('indexedDB', { open });
  /** The store of the browser. */
  const cache = async () => (await inTwoSeconds(browserCache())) as BrowserCache;
  const closed = () => opened.map(({ close }) => close.mock.calls.length > 0);
  return { opened, closed, cache };
}

test('the browser’s database closes when a page deletes it, or when asked, and opens at the next call', async () => {
  const { opened, closed, ...known } = browser('known');
  const cache = await known.cache();
  opened[0].onversionchange();
  expect(opened[0].close).toHaveBeenCalled();
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBe('known');
  cache.close();
  await inTwoSeconds(writeCache(cache, 'a', 'b'));
  expect(closed()).toEqual([true, true, false]);
});

test('a database that the browser has closed, as when a site’s data is cleared, opens at the next call', async () => {
  const { opened, ...known } = browser('known');
  const cache = await known.cache();
  // As the browser does.
  opened[0].close();
  opened[0].onclose();
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBe('known');
  expect(opened).toHaveLength(2);
});

test('a database that opens when it is given up is closed', async () => {
  const { opened } = browser();
  const { open } = indexedDB;
  const slow = { result: undefined as unknown, onsuccess: () => {}, onerror: () => {} };
  vi.stubGlobal('indexedDB', { open: () => slow });
  expect(await inTwoSeconds(browserCache())).toBeUndefined();
  slow.result = open('any').result;
  slow.onsuccess();
  await vi.advanceTimersByTimeAsync(0);
  expect(opened[0].close).toHaveBeenCalled();
});

test('two calls at the same time that find the database closed leave only one database open', async () => {
  const { closed, ...known } = browser('known');
  const cache = await known.cache();
  cache.close();
  await inTwoSeconds(Promise.all([readCache(cache, 'a'), readCache(cache, 'b')]));
  cache.close();
  expect(closed()).not.toContain(false);
});

test('a browser that forbids its database has no store', async () => {
  vi.stubGlobal('indexedDB', undefined);
  Object.defineProperty(globalThis, 'indexedDB', { get: refused, configurable: true });
  expect(await inTwoSeconds(browserCache())).toBeUndefined();
});

test('a database that opens and answers is the store of the browser', async () => {
  const cache = await browser('known').cache();
  expect(await inTwoSeconds(readCache(cache, 'a'))).toBe('known');
  expect(await inTwoSeconds(writeCache(cache, 'a', 'b'))).toBeUndefined();
});

test('a database that opens, and then answers nothing, counts as empty', async () => {
  const { cache } = browser();
  expect(await inTwoSeconds(readCache(await cache(), 'a'))).toBeUndefined();
  expect(await inTwoSeconds(writeCache(await cache(), 'a', 'b'))).toBeUndefined();
});

test('a database that does not open is no store', async () => {
  vi.stubGlobal('indexedDB', { open: () => ({}) });
  expect(await inTwoSeconds(browserCache())).toBeUndefined();
});
