import { dataError, EngineError } from './errors';

/** Resolves to a part of the library that is loaded when it is needed. Throws `data` if it does not load. */
export async function loaded<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const why = (cause as Error | undefined)?.message?.replace(/\.$/, '');
    const text = `A part of the library could not be loaded: ${why}. Call again; if that fails, too, reload the page. A service worker cannot load parts: bundle everything to one file.`;
    throw dataError(text, { cause });
  }
}

/** Calls `make` at the first call, and again only if that failed: nothing stays wrong after one mishap. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | undefined;
  const again = (error: unknown) => {
    promise = undefined;
    throw error;
  };
  return () => {
    promise ??= make().catch(again);
    return promise;
  };
}
