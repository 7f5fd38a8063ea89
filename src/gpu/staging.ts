import { EngineError } from '../errors';
import type { Gpu } from './gpu';

/** A part of a buffer, in bytes, both multiples of 4. */
export interface Source {
  readonly buffer: GPUBuffer;
  readonly offset?: number;
  readonly bytes: number;
}

/** Brings what lies on the GPU to the host through buffers that are kept. */
export class Staging {
  private readonly gpu: Gpu;
  private readonly free: GPUBuffer[];
  private destroyed = false;

  private constructor(gpu: Gpu, buffers: GPUBuffer[]) {
    this.gpu = gpu;
    this.free = buffers;
  }

  /** For `count` reads at the same time, of at most `bytes` each. Throws `limit` when memory does not suffice. */
  static async create(gpu: Gpu, label: string, bytes: number, count = 1): Promise<Staging> {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return new Staging(
      gpu,
      await gpu.createBuffers(Array.from({ length: count }, () => ({ label, bytes, usage }))),
    );
  }

  /**
   * Submits `encoder` with a copy of `sources` at its end (`work` as for Gpu.submit), and resolves to what each of them then held.
   */
  async read(encoder: GPUCommandEncoder, sources: readonly Source[], work = 0): Promise<ArrayBuffer[]> {
    if (this.destroyed) throw new EngineError('destroyed', 'What was to be read is destroyed.');
    const staging = this.free.pop();
    if (!staging) throw new Error('more reads at the same time than staging buffers');
    try {
      let size = 0;
      for (const { buffer, offset = 0, bytes } of sources) {
        encoder.copyBufferToBuffer(buffer, offset, staging, size, bytes);
        size += bytes;
      }
      // At once: word of the one takes as long as word of the other.
      const submitted = this.gpu.submit(encoder, work);
      const mapped = staging.mapAsync(GPUMapMode.READ, 0, size).then(() => staging.getMappedRange(0, size));
      const [all] = await Promise.all([this.gpu.settle(mapped), submitted]);
      let at = 0;
      return sources.map(({ bytes }) => {
        at += bytes;
        return all.slice(at - bytes, at);
      });
    } finally {
      staging.unmap();
      if (this.destroyed) staging.destroy();
      else this.free.push(staging);
    }
  }

  /** What is being read is still read. */
  destroy(): void {
    this.destroyed = true;
    for (const buffer of this.free) buffer.destroy();
  }
}

/** Copies `size` 4-byte elements of a buffer to the host, after what `given` holds already. */
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
