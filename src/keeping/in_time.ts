/** A time limit for storage: some browsers' storage never answers, and its promises cannot be cancelled. */
import { EngineError } from '../base/errors';

/** More than the largest checkpoint takes on a slow disk. */
export const PATIENCE_MS = 10_000;

/** Resolves or rejects as `work` does; rejects with a `data` error after `ms`. `work` itself goes on. */
export async function inTime<T>(work: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new EngineError('data', `The storage has not answered for ${ms / 1000} s.`);
    timer = setTimeout(() => reject(error), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
