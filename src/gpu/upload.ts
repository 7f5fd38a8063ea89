/** Brings what a call is given to the GPU by one write. */

import type { Gpu } from './gpu';

/** Copies of arrays, one behind the other, and the byte where each ends. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: readonly number[];
}

/** Copies arrays, so that their owner may change them at once. */
export function pack(arrays: readonly (Float32Array | Uint32Array)[]): Packed {
  let size = 0;
  const ends = arrays.map(({ byteLength }) => {
    size += byteLength;
    return size;
  });
  const bytes = new Uint8Array(size);
  arrays.forEach(({ buffer, byteOffset, byteLength }, i) => {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), ends[i] - byteLength);
  });
  return { bytes, ends };
}

/**
 * Brings arrays to the GPU by one write into a buffer that is kept, from where the call's own commands copy them: Safari up to 26.6 can lose
 * the device where bursts of writes and submissions alternate (WebKit/WebKit#71563).
 */
export class Upload {
  private readonly gpu: Gpu;
  private readonly label: string;
  private kept: GPUBuffer | undefined;
  private packed: Packed = { bytes: new Uint8Array(0), ends: [] };
  /** Bytes of `packed` that are in the buffer. */
  private written = 0;
  private destroyed = false;

  constructor(gpu: Gpu, label: string) {
    this.gpu = gpu;
    this.label = label;
  }

  get bytes(): number {
    return this.kept?.size ?? 0;
  }

  /** Holds what was written, from byte 0 on, until the next `write`. */
  get buffer(): GPUBuffer {
    return this.kept!;
  }

  /** Keeps a buffer of at least `bytes`, if the device allows one of that size. Throws `limit` when memory does not suffice. */
  async reserve(bytes: number): Promise<void> {
    const { gpu, label } = this;
    if (bytes <= this.bytes || bytes > gpu.device.limits.maxBufferSize) return;
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const [buffer] = await gpu.createBuffers([{ label, bytes, usage }]);
    this.kept?.destroy();
    this.kept = buffer;
    if (this.destroyed) buffer.destroy();
  }

  /** Writes the arrays, as many as there is room for. */
  async write(packed: Packed): Promise<void> {
    await this.reserve(packed.bytes.byteLength);
    this.packed = packed;
    this.written = packed.ends.findLast((end) => end <= this.bytes) ?? 0;
    if (this.written > 0) this.gpu.writeSoon(this.buffer, 0, packed.bytes, 0, this.written);
  }

  /** Records a copy of array `i`; or writes it by itself, if there is no room for it. */
  bring(encoder: GPUCommandEncoder, i: number, to: GPUBuffer, offset = 0): void {
    const { bytes, ends } = this.packed;
    const start = ends[i - 1] ?? 0;
    const end = ends[i];
    if (end <= this.written) encoder.copyBufferToBuffer(this.buffer, start, to, offset, end - start);
    else this.gpu.writeSoon(to, offset, bytes, start, end - start);
  }

  destroy(): void {
    this.destroyed = true;
    this.kept?.destroy();
  }
}
