/** Converts errors for messages between threads, and finds the memory to transfer. */
import { EngineError, show, typeOf } from '../base/errors';
import type { CrossedError } from './protocol';

export function crossed(error: unknown): CrossedError {
  if (error instanceof EngineError) return { name: error.name, message: error.message, code: error.code };
  // Anything can be thrown.
  const shown = typeof error === 'object' ? show(error) : String(error);
  const { name = 'Error', message = shown } = Object(error) as Partial<Error>;
  return { name, message };
}

export function arrived({ name, message, code }: CrossedError): Error {
  return code ? new EngineError(code, message) : Object.assign(new Error(message), { name });
}

/** The memory of arrays among these values, or in them. */
export function memoryOf(...values: unknown[]): ArrayBuffer[] {
  const arrays = values.flatMap((value) => [value, ...(isArray(value) ? [] : Object.values(Object(value)))]);
  return [...new Set(arrays.filter(isArray).map(({ buffer }) => buffer))].filter(
    (buffer): buffer is ArrayBuffer => typeOf(buffer) === 'ArrayBuffer',
  );
}

const isArray = (value: unknown): value is Float32Array | Uint8Array =>
  /^(Float32|Uint8)Array$/.test(typeOf(value));
