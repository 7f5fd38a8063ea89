/** Where a tuner remembers its choices between visits. */
export interface TuningCache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

const DATABASE = 'webgpu-diffusion';
const STORE = 'tuning';

/** A cache in the browser's IndexedDB, which pages and workers share; undefined where there is none (Node, some private modes). */
export async function browserCache(): Promise<TuningCache | undefined> {
  if (typeof indexedDB === 'undefined') return undefined;
  const settle = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    const database = await settle(opening);
    const store = (mode: IDBTransactionMode) => database.transaction(STORE, mode).objectStore(STORE);
    return {
      get: (key) => settle(store('readonly').get(key)),
      set: async (key, value) => {
        await settle(store('readwrite').put(value, key));
      },
    };
  } catch {
    return undefined;
  }
}

/** A cache that lasts as long as the program. */
export function memoryCache(): TuningCache {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => {
      values.set(key, value);
    },
  };
}
