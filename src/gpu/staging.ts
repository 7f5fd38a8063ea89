import { EngineError } from '../base/errors';
import type { Gpu } from './gpu';
import type { Load } from './pacer';

/** A range of a buffer; offset and size in bytes, both multiples of 4. */
export interface Source {
  readonly buffer: GPUBuffer;
  readonly offset?: number;
  readonly bytes: number;
}

/** Reads GPU buffers back to the host through staging buffers, which it reuses. */
export class Staging {
  private readonly gpu: Gpu;
  private readonly free: GPUBuffer[];
  private destroyed = false;

  private constructor(gpu: Gpu, buffers: GPUBuffer[]) {
    this.gpu = gpu;
    this.free = buffers;
  }

  /** Serves `count` concurrent reads of at most `bytes` each. Throws `limit` when memory does not suffice. */
  static async create(gpu: Gpu, label: string, bytes: number, count = 1): Promise<Staging> {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return new Staging(
      gpu,
      await gpu.createBuffers(Array.from({ length: count }, () => ({ label, bytes, usage }))),
    );
  }

  /**
   * Submits `encoder` with copies of `sources` appended (`load` as for Gpu.submit), and resolves to the contents of each source. A mapping
   * that fails is tried once more.
   */
  async read(encoder: GPUCommandEncoder, sources: readonly Source[], load?: Load): Promise<ArrayBuffer[]> {
    if (this.destroyed) throw new EngineError('destroyed', 'It was destroyed before its results were read.');
    const staging = this.free.pop();
    if (!staging) throw new Error('more reads at the same time than staging buffers');
    let hasEnded = false;
    try {
      let size = 0;
      for (const { buffer, offset = 0, bytes } of sources) {
        encoder.copyBufferToBuffer(buffer, offset, staging, size, bytes);
        size += bytes;
      }
      // Wait for both at once: either notification takes as long as the other.
      const submitted = this.gpu.submit(encoder, load);
      const map = () => staging.mapAsync(GPUMapMode.READ, 0, size);
      const again = (error: unknown) => {
        if (hasEnded || this.destroyed) throw error;
        this.gpu.checkAlive();
        staging.unmap();
        return map();
      };
      const mapped = map()
        .catch(again)
        .then(() => staging.getMappedRange(0, size));
      const [all] = await Promise.all([this.gpu.settle(mapped), submitted]);
      let at = 0;
      return sources.map(({ bytes }) => {
        at += bytes;
        return all.slice(at - bytes, at);
      });
    } finally {
      hasEnded = true;
      staging.unmap();
      if (this.destroyed) staging.destroy();
      else this.free.push(staging);
    }
  }

  /** Reads in flight still complete. */
  destroy(): void {
    this.destroyed = true;
    for (const buffer of this.free) buffer.destroy();
  }
}

/** Copies `size` 4-byte elements of a buffer to the host, after the commands that `given` already holds. */
export async function readBuffer(
  gpu: Gpu,
  source: GPUBuffer,
  size: number,
  given?: GPUCommandEncoder,
): Promise<ArrayBuffer> {
  const label = `read ${source.label}`;
  const staging = await Staging.create(gpu, label, size * 4);
  try {
    const encoder = given ?? gpu.device.createCommandEncoder({ label });
    const [copy] = await staging.read(encoder, [{ buffer: source, bytes: size * 4 }]);
    return copy;
  } finally {
    staging.destroy();
  }
}
