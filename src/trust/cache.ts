import { passes } from '../base/time';

/** Remembers between visits what the engine measured and checked. */
export interface TuningCache {
  /** Resolves to what `set` stored under the key, or to undefined. */
  get(key: string): Promise<string | undefined>;
  /** Stores a value; may forget old ones. */
  set(key: string, value: string): Promise<void>;
}

const DATABASE = 'webgpu-diffusion';
const STORE = 'tuning';
/** Maximum wait for a store. Some browsers' stores never answer; the engine then does without. */
const PATIENCE_MS = 1000;

/** A cache that holds something open. */
export interface OpenCache extends TuningCache {
  /** Closes the browser's database, which cannot be deleted before; the next `get` or `set` opens it again. */
  close(): void | Promise<void>;
}

/** A cache in the browser's IndexedDB, which pages and workers share; undefined if there is none (Node, some private modes). */
async function browserCache(): Promise<OpenCache | undefined> {
  const settle = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  let database: IDBDatabase | undefined;
  const close = () => {
    database?.close();
    database = undefined;
  };
  const open = async () => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const opened = await settle(opening);
    if (database) opened.close();
    database ??= opened;
    // Somebody deletes it, and would wait for as long as it is open; or the browser closes it, as when a site's data is cleared.
    opened.onversionchange = close;
    opened.onclose = close;
    return database;
  };
  const store = async (mode: IDBTransactionMode) =>
    (database ?? (await open())).transaction(STORE, mode).objectStore(STORE);
  try {
    const opening = open();
    if (await passes(PATIENCE_MS, opening)) {
      opening.then(close, () => {});
      return undefined;
    }
    await opening;
  } catch {
    return undefined;
  }
  return {
    get: async (key) => settle((await store('readonly')).get(key)),
    set: async (key, value) => {
      await settle((await store('readwrite')).put(value, key));
    },
    close,
  };
}

/** A cache that lasts as long as the process or page. */
export function memoryCache(): TuningCache {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => {
      values.set(key, value);
    },
  };
}

/**
 * The caller's cache, else the browser's, else one in memory; it is opened at the first request. It never fails: what a store cannot answer it
 * does not know, and a store that does not answer in time is not asked again.
 */
export function openCache(given?: TuningCache): OpenCache {
  let own: Promise<OpenCache | undefined> | undefined;
  const memory = memoryCache();
  let isSilent = false;
  const ask = async <T>(request: (store: TuningCache) => Promise<T>): Promise<T | undefined> => {
    if (!given) own ??= browserCache();
    const store = given ?? (await own) ?? memory;
    if (isSilent) return undefined;
    // In an async function, since a store may also throw at once.
    const answer = (async () => request(store))().catch(() => undefined);
    if (!(await passes(PATIENCE_MS, answer))) return answer;
    isSilent = true;
    return undefined;
  };
  return {
    async get(key) {
      const value: unknown = await ask((store) => store.get(key));
      return typeof value === 'string' ? value : undefined;
    },
    set: (key, value) => ask((store) => store.set(key, value)),
    close: async () => (await own)?.close(),
  };
}
