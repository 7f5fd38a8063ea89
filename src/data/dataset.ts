import { checkInteger, checkNames, dataError, type Names, typeName } from '../base/errors';
import { loaded } from '../base/load';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import type { PictureSet } from '../pictures/picture';
import type { ImageSet } from './idx';

/** `kind` comes with the results of `readIdx`. */
const SET: Names<ImageSet> & { kind: true } = {
  images: true,
  count: true,
  height: true,
  width: true,
  channels: true,
  labels: true,
  classNames: true,
  name: true,
  kind: true,
};

/** A data set on the GPU, as bytes. Created by `engine.createDataset`; the caller destroys it. */
export class Dataset extends Resource {
  /** Number of images. */
  readonly count: number;
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: number;
  /** The images, four bytes to a word, padded to a whole word. */
  readonly buffer: GPUBuffer;
  /** The class of each image, if known: bytes, packed like `buffer`. */
  readonly labels?: GPUBuffer | undefined;
  /** The largest label. */
  readonly maxLabel?: number | undefined;
  /** @internal */
  readonly device: GPUDevice;

  private constructor(set: ImageSet, buffer: GPUBuffer, labels: GPUBuffer | undefined, device: GPUDevice) {
    super('data set');
    this.count = set.count;
    this.height = set.height;
    this.width = set.width;
    this.channels = set.channels;
    this.buffer = buffer;
    this.labels = labels;
    if (set.labels) this.maxLabel = set.labels.reduce((a, b) => Math.max(a, b), 0);
    this.device = device;
  }

  /** @internal */
  static async create(gpu: Gpu, given: ImageSet | PictureSet): Promise<Dataset> {
    if (typeof given !== 'object' || given === null) {
      throw dataError(
        `The data set is of type ${typeName(given)}; it must be like { images, count, height, width, channels } or { pictures }, with labels for a network conditioned on classes.`,
      );
    }
    const set: ImageSet =
      'pictures' in given ? (await loaded(import('../pictures/picture'))).readPictureSet(given) : given;
    checkNames('A data set', set, SET);
    for (const field of ['count', 'height', 'width', 'channels'] as const) checkInteger(field, set[field], 1);
    const bytes = set.count * set.height * set.width * set.channels;
    // Floats from 0 to 1, for instance, would be read as the raw bytes that store them.
    if (!isUnsigned(set.images)) {
      throw dataError(
        `The images are of type ${typeName(set.images)}; a data set takes a Uint8Array, 0 to 255. Floats go to trainer.step.`,
      );
    }
    const { labels } = set;
    const checkLengths = () => {
      if (set.images.length !== bytes) {
        throw dataError(
          `The data set has ${set.images.length} bytes; ${set.count} images of ${set.height}x${set.width}x${set.channels} are ${bytes}.`,
        );
      }
      if (labels && labels.length !== set.count) {
        throw dataError(
          `The data set has ${labels.length} labels for ${set.count} images; it needs one for each, in the same order.`,
        );
      }
    };
    if (labels && !isUnsigned(labels)) {
      throw dataError(
        `The labels are of type ${typeName(labels)}; a data set takes a Uint8Array, one class from 0 to 255 for each image.`,
      );
    }
    checkLengths();
    const padded = Math.ceil(bytes / 4) * 4;
    gpu.checkBufferSize('The data set', padded, 'fewer or smaller images');
    const [buffer, labelBuffer] = await gpu.createBuffers([
      { label: 'data set', bytes: padded },
      ...(labels ? [{ label: 'labels', bytes: Math.ceil(set.count / 4) * 4 }] : []),
    ]);
    try {
      // The arrays may have been transferred meanwhile.
      checkLengths();
      const dataset = new Dataset(set, buffer, labelBuffer, gpu.device);
      const writes = writesOf(gpu, buffer, set.images);
      if (labels) writes.push(...writesOf(gpu, labelBuffer, labels));
      await Promise.all(writes);
      return dataset;
    } catch (error) {
      buffer.destroy();
      labelBuffer?.destroy();
      throw error;
    }
  }

  protected release(): void {
    this.buffer.destroy();
    this.labels?.destroy();
  }
}

/** A negative number of an Int8Array would count as 128 or more: a label of -1 as the class 255. */
const isUnsigned = (given: unknown) => /^Uint8(Clamped)?Array$/.test(typeName(given));

/** Writes the last, partial word separately: WebGPU writes whole words. */
function writesOf(gpu: Gpu, buffer: GPUBuffer, bytes: Uint8Array): Promise<void>[] {
  const whole = bytes.length - (bytes.length % 4);
  const write = gpu.write(buffer, 0, bytes.buffer, bytes.byteOffset, whole);
  if (whole === bytes.length) return [write];
  const tail = new Uint8Array(4);
  tail.set(bytes.subarray(whole));
  return [write, gpu.write(buffer, whole, tail)];
}
