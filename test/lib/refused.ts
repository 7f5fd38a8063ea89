import { expect, vi } from 'vitest';
import { EngineError, type ErrorCode } from '../../src/base/errors';

/** Expects `work` to fail with an EngineError of this code whose message has every one of `facts`, and returns the error. */
export async function refused(
  work: PromiseLike<unknown> | (() => unknown),
  code: ErrorCode,
  ...facts: (string | number | RegExp)[]
): Promise<EngineError> {
  let error: unknown;
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(EngineError);
  const { code: given, message } = error as EngineError;
  expect(given).toBe(code);
  for (const fact of facts) expect(message).toMatch(typeof fact === 'number' ? `${fact}` : fact);
  // A message is for people: a sentence or two (a list has more), no matter what the file says.
  expect(message.length).toBeLessThan(1500);
  expect(message).toMatch(/[.)]$/);
  return error as EngineError;
}

/** The same, before anything is made on the device. */
export async function refusedAtOnce(
  device: GPUDevice,
  work: () => unknown,
  code: ErrorCode,
  ...facts: string[]
): Promise<void> {
  const spies = [
    vi.spyOn(device, 'createBuffer'),
    vi.spyOn(device, 'createComputePipelineAsync'),
    vi.spyOn(device.queue, 'submit'),
    vi.spyOn(device.queue, 'writeBuffer'),
  ];
  await refused(work, code, ...facts);
  for (const spy of spies) {
    expect(spy, facts[0]).not.toHaveBeenCalled();
    spy.mockRestore();
  }
}
