/** Where is remembered between visits what was measured and checked. */
export interface TuningCache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

const DATABASE = 'webgpu-diffusion';
const STORE = 'tuning';
/** A database that does not answer for so long, as some browsers' do not, is done without. */
const PATIENCE_MS = 1000;

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
    const late = new Promise<never>((_, reject) => setTimeout(reject, PATIENCE_MS));
    const database = await Promise.race([settle(opening), late]);
    const store = (mode: IDBTransactionMode) => database.transaction(STORE, mode).objectStore(STORE);
    return {
      get: async (key) => settle(store('readonly').get(key)),
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

/** The caller's own, else the browser's, else one for the time being. */
export const openCache = async (given?: TuningCache): Promise<TuningCache> =>
  given ?? (await browserCache()) ?? memoryCache();

/** Adapter and driver, and browser: what is remembered of one is not true of another. */
export function adapterKey({ adapterInfo }: GPUDevice): readonly (string | undefined)[] {
  const { vendor, architecture, device, description } = (adapterInfo ?? {}) as Partial<GPUAdapterInfo>;
  const runtime = (globalThis.navigator as Navigator | undefined)?.userAgent ?? '';
  return [vendor, architecture, device, description, runtime];
}
