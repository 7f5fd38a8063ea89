/** Named pieces of GPU memory: plain data, no GPU. */
import { argumentError } from '../base/errors';
import type { Shader } from './shader';

/** A named piece of GPU memory of `size` 4-byte elements. A view lies inside `base`, `offset` elements from its start. */
export interface Tensor {
  readonly label: string;
  readonly size: number;
  readonly base?: Tensor;
  readonly offset?: number;
  /** Contents of a table: written once, when a program is compiled, and never changed. */
  readonly data?: Uint32Array<ArrayBuffer>;
}

export function tensor(label: string, size: number): Tensor {
  return { label, size };
}

/** A part of `base`. WebGPU requires bindings to start at multiples of 256 bytes, so `offset` is a multiple of 64. */
export function view(base: Tensor, label: string, offset: number, size: number): Tensor {
  if (offset % 64 !== 0 || offset + size > base.size) {
    throw argumentError(`view ${label} [${offset}, +${size}] does not fit ${base.label} (${base.size})`);
  }
  return { label, size, base, offset };
}

/** The table of `shader`: params that differ between workgroups or layers, for instance, one row for each. */
export function table<C extends string>(
  { columns }: Shader<string, string, C>,
  label: string,
  rows: readonly Readonly<Record<C, readonly [number, number, number, number]>>[],
): Tensor {
  const words = Uint32Array.from(rows.flatMap((row) => columns!.flatMap((column) => row[column])));
  return { label, size: words.length, data: words };
}

/** Size on the GPU of a batch of `count` images: the next multiple of 4, because a vec4f holds four images. */
export const padBatch = (count: number): number => Math.ceil(count / 4) * 4;

/** Numbers of an activation. */
export const countElements = (shape: {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly batch: number;
}): number => shape.channels * shape.height * shape.width * shape.batch;
