/** Named pieces of GPU memory: plain data, no GPU. */
import { EngineError } from '../errors';
import type { Shader } from './shader';

/** A named piece of GPU memory of `size` 4-byte elements. A view lies inside `base`, `offset` elements from its start. */
export interface Tensor {
  readonly label: string;
  readonly size: number;
  readonly base?: Tensor;
  readonly offset?: number;
  /** Of a table: what it holds from the start, and for good. */
  readonly data?: Uint32Array<ArrayBuffer>;
}

export function tensor(label: string, size: number): Tensor {
  return { label, size };
}

/** A part of `base`. WebGPU wants bindings to start at multiples of 256 bytes, so `offset` is a multiple of 64. */
export function view(base: Tensor, label: string, offset: number, size: number): Tensor {
  if (offset % 64 !== 0 || offset + size > base.size) {
    throw new EngineError(
      'argument',
      `view ${label} [${offset}, +${size}] does not fit ${base.label} (${base.size})`,
    );
  }
  return { label, size, base, offset };
}

/** The table of `shader`: params of which each workgroup or layer, say, has its own. */
export function table<C extends string>(
  { columns }: Shader<string, string, C>,
  label: string,
  rows: readonly Readonly<Record<C, readonly [number, number, number, number]>>[],
): Tensor {
  const words = Uint32Array.from(rows.flatMap((row) => columns!.flatMap((column) => row[column])));
  return { label, size: words.length, data: words };
}

/** Images of a batch on the GPU, where four lie in a vec4f: the next multiple of 4. */
export const padBatch = (count: number): number => Math.ceil(count / 4) * 4;
