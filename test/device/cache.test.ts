/** Stores that answer badly: they cost what they would have remembered, and no time. */
import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest';
import { type OpenCache, openCache, type TuningCache } from '../../src/trust/cache';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What `work` comes to within two seconds. */
async function inTwoSeconds<T>(work: Promise<T>): Promise<T | 'nothing'> {
  let result: T | 'nothing' = 'nothing';
  void work.then((value) => {
    result = value;
  });
  await vi.advanceTimersByTimeAsync(2000);
  return result;
}
const read = (cache: TuningCache) => inTwoSeconds(cache.get('a'));
const write = (cache: TuningCache) => inTwoSeconds(cache.set('a', 'b'));

const never = () => new Promise<never>(() => {});
const refused = () => {
  throw new Error('no access');
};
const rejected = () => Promise.reject(new Error('no access'));
const known = async () => 'known';

test.each<[string, TuningCache['get'], TuningCache['set'], string | undefined]>([
  ['never answers', never, never, undefined],
  ['throws at once', refused, refused, undefined],
  ['gives something else', async () => 3 as never, rejected, undefined],
  ['cannot be written to', known, refused, 'known'],
])(
  'a store that %s costs no more than two seconds, and what it would remember',
  async (_, get, set, value) => {
    expect(await write(openCache({ get, set }))).toBeUndefined();
    expect(await read(openCache({ get, set }))).toBe(value);
  },
);

test('a store that kept the engine waiting is not asked again', async () => {
  const get = vi.fn(never);
  const cache = openCache({ get, set: never });
  for (let i = 0; i < 5; i++) await read(cache);
  expect(get).toHaveBeenCalledTimes(1);
});

interface Database {
  close: Mock;
  onversionchange(): void;
  onclose(): void;
}

/** A browser whose database opens, and whose requests are answered with `value`, or never. */
function browser(value?: string) {
  const request = (result: unknown) => {
    const made = { result, onsuccess: () => {}, onerror: () => {} };
    if (result !== undefined) queueMicrotask(() => made.onsuccess());
    return made;
  };
  const store = { get: () => request(value), put: () => request(value) };
  const opened: Database[] = [];
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
  const cache = async () => {
    const made = openCache();
    await read(made);
    return made;
  };
  const closed = () => opened.map(({ close }) => close.mock.calls.length > 0);
  return { opened, closed, cache };
}

test.each<[string, (database: Database, cache: OpenCache) => void | Promise<void>]>([
  ['a page deletes it', (database) => database.onversionchange()],
  ['it is asked to', (_, cache) => cache.close()],
  [
    'the browser closes it, as where a site’s data is cleared',
    (database) => {
      database.close();
      database.onclose();
    },
  ],
])('the browser’s database closes when %s, and opens once at the next calls', async (_, end) => {
  const { opened, closed, ...known } = browser('known');
  const cache = await known.cache();
  await end(opened[0], cache);
  expect(closed()).toEqual([true]);
  const calls = Promise.all([cache.get('a'), cache.set('a', 'b')]);
  expect(await inTwoSeconds(calls)).toEqual(['known', undefined]);
  await cache.close();
  expect(closed()).not.toContain(false);
});

test.each<[string, PropertyDescriptor]>([
  ['a browser forbids', { get: refused }],
  ['does not open', { value: { open: () => ({}) } }],
])('where a database %s, the memory is the store', async (_, indexedDB) => {
  vi.stubGlobal('indexedDB', undefined);
  Object.defineProperty(globalThis, 'indexedDB', { ...indexedDB, configurable: true });
  const cache = openCache();
  await write(cache);
  expect(await read(cache)).toBe('b');
});

test('a database that opens when it is given up is closed', async () => {
  const { opened } = browser();
  const { open } = indexedDB;
  const slow = { result: undefined as unknown, onsuccess: () => {}, onerror: () => {} };
  vi.stubGlobal('indexedDB', { open: () => slow });
  await read(openCache());
  slow.result = open('any').result;
  slow.onsuccess();
  await vi.advanceTimersByTimeAsync(0);
  expect(opened[0].close).toHaveBeenCalled();
});
