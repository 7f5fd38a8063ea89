/** For calls that take a while. */
export interface Abortable {
  /** Aborts the call, which then rejects with its reason at once. */
  readonly signal?: AbortSignal | undefined;
}

/** Settles as `work` does, or rejects with the signal's reason at once; `drop` gets what comes later. */
export function unlessAborted<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
  drop: (late: T) => void = () => {},
): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      work.then(drop, () => {});
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}
