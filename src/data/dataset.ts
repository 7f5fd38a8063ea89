import type { Gpu } from '../device';
import { checkInteger, EngineError, typeOf } from '../errors';
import type { ImageSet } from './idx';

/** A data set on the GPU, as bytes. Created by `engine.createDataset`; its creator destroys it. */
export class Dataset {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** The images, four bytes to a word, padded to a whole word. */
  readonly buffer: GPUBuffer;
  /** @internal */
  readonly device: GPUDevice;
  private destroyed = false;

  private constructor(set: ImageSet, buffer: GPUBuffer, device: GPUDevice) {
    this.count = set.count;
    this.height = set.height;
    this.width = set.width;
    this.channels = set.channels;
    this.buffer = buffer;
    this.device = device;
  }

  /** @internal */
  static async create(gpu: Gpu, set: ImageSet): Promise<Dataset> {
    for (const field of ['count', 'height', 'width', 'channels'] as const) checkInteger(field, set[field], 1);
    const bytes = set.count * set.height * set.width * set.channels;
    // Numbers from 0 to 1, say, would be taken for the bytes that they are stored as.
    if (set.images?.BYTES_PER_ELEMENT !== 1) {
      throw new EngineError(
        'data',
        `The images are of type ${typeOf(set.images)}; a data set takes a Uint8Array, 0 to 255. Floats go to trainer.step.`,
      );
    }
    if (set.images.length !== bytes) {
      throw new EngineError(
        'data',
        `The data set has ${set.images.length} bytes; ${set.count} images of ${set.height}x${set.width}x${set.channels} are ${bytes}.`,
      );
    }
    const padded = Math.ceil(bytes / 4) * 4;
    gpu.checkBufferSize('The data set', padded, 'fewer or smaller images');
    const [buffer] = await gpu.createBuffers([{ label: 'data set', bytes: padded }]);
    const whole = bytes - (bytes % 4);
    gpu.device.queue.writeBuffer(buffer, 0, set.images.buffer, set.images.byteOffset, whole);
    if (whole < bytes) {
      const tail = new Uint8Array(4);
      tail.set(set.images.subarray(whole));
      gpu.device.queue.writeBuffer(buffer, whole, tail);
    }
    return new Dataset(set, buffer, gpu.device);
  }

  /** @internal */
  check(): void {
    if (this.destroyed) throw new EngineError('destroyed', 'This data set was destroyed; create a new one.');
  }

  destroy(): void {
    this.destroyed = true;
    this.buffer.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
