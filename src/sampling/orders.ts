/** The numbers of recorded runs, on the GPU. */

import type { Gpu } from '../gpu/gpu';

/** Recorded runs for which there is room, however long they are. */
const MOST_RECORDED = 16;

/**
 * Holds the rows and classes of recorded runs. An encoder reads them when it is submitted, of which only its owner knows: so there are two
 * buffers, and the older numbers in one are overwritten only when the other is full.
 */
export class Orders {
  private readonly gpu: Gpu;
  /** The one that is being filled, and the other. */
  private readonly buffers: GPUBuffer[];
  /** The place of each order in the first buffer, by its words. */
  private readonly places = new Map<string, number>();
  private end = 0;
  private failure: { readonly why: unknown } | undefined;

  private constructor(gpu: Gpu, buffers: GPUBuffer[]) {
    this.gpu = gpu;
    this.buffers = buffers;
  }

  /** `bytes` of the longest order. */
  static async create(gpu: Gpu, bytes: number): Promise<Orders> {
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const half = { label: 'sampler recorded runs', bytes: (MOST_RECORDED / 2) * bytes, usage };
    return new Orders(gpu, await gpu.createBuffers([half, half]));
  }

  get bytes(): number {
    return 2 * this.buffers[0].size;
  }

  /** Where these words are from now on. If the device refuses them, the next call throws its error. */
  place(words: Uint32Array<ArrayBuffer>): { readonly buffer: GPUBuffer; readonly offset: number } {
    const { gpu, buffers, places, failure } = this;
    this.failure = undefined;
    if (failure) throw failure.why;
    const key = words.join();
    const known = places.get(key);
    if (known !== undefined) return { buffer: buffers[0], offset: known };
    if (this.end + words.byteLength > buffers[0].size) {
      buffers.reverse();
      places.clear();
      this.end = 0;
    }
    const offset = this.end;
    this.end += words.byteLength;
    places.set(key, offset);
    gpu.write(buffers[0], offset, words).catch((why) => {
      places.delete(key);
      this.failure = { why };
    });
    return { buffer: buffers[0], offset };
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy();
  }
}
