import { vi } from 'vitest';

/** The longest that a timer takes. */
const FOREVER = 2 ** 31 - 1;

/** Resolves to what `condition` gives, once it is neither false nor missing; what never comes is ended by the limit of the test. */
export const until = <T>(condition: () => T | Promise<T>): Promise<NonNullable<T>> =>
  vi.waitUntil(condition, { interval: 5, timeout: FOREVER }) as Promise<NonNullable<T>>;
