/** Checks the objects that callers give to record with: encoders, and buffers, whole or in part. */
import { argumentError, show, typeName, wrongType } from '../base/errors';

/** A part of a GPUBuffer. */
export interface BufferPart {
  /** The whole buffer. */
  readonly buffer: GPUBuffer;
  /** The first byte of the part, a multiple of 4. Default 0. */
  readonly offset?: number | undefined;
  /** Size in bytes. Default: up to the buffer's end. */
  readonly size?: number | undefined;
}

/** A GPUBuffer, or a part of one. */
export type BufferSlice = GPUBuffer | BufferPart;

/** A checked slice. */
export interface Slice {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  /** Size in bytes. */
  readonly size: number;
}

/** Whether `given` is a GPUBuffer, by its usage: the class GPUBuffer is not a global everywhere. */
const isBuffer = (given: unknown): given is GPUBuffer =>
  typeof (given as Partial<GPUBuffer> | null | undefined)?.usage === 'number';

/** Whether `given` is a GPUBuffer or a part of one. */
export const isSlice = (given: unknown): given is BufferSlice =>
  isBuffer(given) || isBuffer((given as Partial<BufferPart> | null | undefined)?.buffer);

/** The buffer, offset and size of a slice. */
export function toSlice(given: BufferSlice): Slice {
  if (isBuffer(given)) return { buffer: given, offset: 0, size: given.size };
  const { buffer, offset = 0, size = buffer.size - offset } = given;
  return { buffer, offset, size };
}

/**
 * Throws an `argument` error unless the caller gave a buffer, or a part of one, with at least `bytes` bytes and all `usages`, that is not
 * mapped. Only the device knows if it is destroyed or belongs to another device.
 */
export function checkSlice(
  name: string,
  given: unknown,
  bytes: number,
  ...usages: readonly ('COPY_SRC' | 'COPY_DST' | 'STORAGE')[]
): Slice {
  const needed = `${bytes} bytes and ${usages.join(' | ')}`;
  const refuse = (text: string) => argumentError(`${name} ${text}`);
  if (!isSlice(given)) {
    throw refuse(
      `is of type ${typeName(given)}; it must be a GPUBuffer, or { buffer, offset }, of ${needed}.`,
    );
  }
  const slice = toSlice(given);
  const { buffer, offset, size } = slice;
  if (!Number.isInteger(offset) || offset < 0 || offset % 4 !== 0) {
    throw refuse(`has offset ${show(offset)}; it must be a multiple of 4, in bytes.`);
  }
  if (!Number.isInteger(size) || offset + size > buffer.size) {
    const part = `${show(size)} bytes from ${offset} on`;
    throw refuse(`is ${part} of a buffer of ${buffer.size}; it must lie in the buffer.`);
  }
  if (size < bytes || usages.some((usage) => !(buffer.usage & GPUBufferUsage[usage]))) {
    throw refuse(`has ${size} bytes and usage ${buffer.usage}; it needs ${needed}.`);
  }
  if ((buffer.mapState ?? 'unmapped') !== 'unmapped') {
    throw refuse(`is mapped, or about to be; unmap it, so that the GPU may use it.`);
  }
  return slice;
}

/** Throws an `argument` error unless the caller gave a command encoder. */
export function checkEncoder(given: unknown): void {
  if (typeof (given as Partial<GPUCommandEncoder> | null | undefined)?.beginComputePass === 'function')
    return;
  throw wrongType('The encoder', given, 'a GPUCommandEncoder: device.createCommandEncoder()');
}
