/** A time limit for promises that cannot be cancelled and may never settle: some browsers' storage, a request without an answer. */
import { EngineError } from '../base/errors';

/** Storage: more than the largest checkpoint takes on a slow disk. */
export const PATIENCE_MS = 10_000;

/** Resolves or rejects as `work` does; rejects with a `data` error with `text` after `ms`. `work` itself goes on. */
export async function inTime<T>(
  work: Promise<T>,
  ms = PATIENCE_MS,
  text = `The storage has not answered for ${ms / 1000} s.`,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EngineError('data', text)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
