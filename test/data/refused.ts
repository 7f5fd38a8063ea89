import { expect } from 'vitest';
import { EngineError, type ErrorCode } from '../../src/base/errors';

/** Expects `run` to fail with an EngineError of this code whose message holds every one of `facts`. */
export async function refused(
  run: () => unknown,
  code: ErrorCode,
  ...facts: (string | number)[]
): Promise<void> {
  let error: unknown;
  try {
    await run();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(EngineError);
  const { code: given, message } = error as EngineError;
  expect(given).toBe(code);
  for (const fact of facts) expect(message).toContain(String(fact));
  // A message is for people: a sentence or two (a list has more), no matter what the file says.
  expect(message.length).toBeLessThan(1500);
  expect(message).toMatch(/[.)]$/);
}
