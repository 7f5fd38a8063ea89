/**
 * The recorded runs that the page plays before, or without, a GPU: a trained network makes digits, and a network that is being trained
 * makes the same samples again and again. `npm run recording` makes the file (harness/studies/recording.ts). Pure.
 */
import { normal, STREAM, threefry } from '../../../src/base/random';
import { toBytes } from '../../pictures/pictures';

/** The header of the file, as JSON before its images. */
interface RecordingHead {
  readonly height: number;
  readonly width: number;
  /** `images` are made from the noise of `seed`, in `steps` steps. */
  readonly making: { readonly images: number; readonly steps: number; readonly seed: number };
  /** `images` samples after each of the training steps `at`, and the loss of each step. */
  readonly learning: {
    readonly images: number;
    readonly at: readonly number[];
    readonly losses: readonly number[];
    readonly batch: number;
  };
}

/** Images as bytes, one after the other. */
export interface Recording extends RecordingHead {
  /** x before each step, and at last the samples: making.steps + 1 pictures. */
  readonly x: readonly Uint8Array<ArrayBuffer>[];
  /** The network's prediction from x at each step. */
  readonly predictions: readonly Uint8Array<ArrayBuffer>[];
  /** A picture for each of learning.at. */
  readonly samples: readonly Uint8Array<ArrayBuffer>[];
}

/** The head's length, the head, the images: predictions, then samples. */
export function encodeRecording(
  head: RecordingHead,
  predictions: readonly Uint8Array[],
  samples: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const parts = [new Uint8Array(new Uint32Array([text.length]).buffer), text, ...predictions, ...samples];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function decodeRecording(bytes: Uint8Array<ArrayBuffer>): Recording {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head: RecordingHead = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const { height, width, making, learning } = head;
  let at = 4 + length;
  const take = (images: number, pictures: number) =>
    Array.from({ length: pictures }, () => {
      const size = images * height * width;
      at += size;
      return bytes.slice(at - size, at);
    });
  const predictions = take(making.images, making.steps);
  const samples = take(learning.images, learning.at.length);
  if (at !== bytes.length) throw new Error(`The recording has ${bytes.length} bytes, not ${at}`);
  return { ...head, predictions, samples, x: trajectory(head, predictions) };
}

/** x is not in the file, as noise does not compress: it follows from the seed, and each step moves it towards the prediction. */
export function trajectory(
  { height, width, making }: Pick<RecordingHead, 'height' | 'width' | 'making'>,
  predictions: readonly Uint8Array[],
): Uint8Array<ArrayBuffer>[] {
  const size = height * width;
  // As pictures count: 0 to 1, and noise beyond.
  let x = Float32Array.from({ length: making.images * size }, (_, i) => {
    const image = Math.floor(i / size);
    // A draw gives two numbers, for two images.
    const draw = normal(threefry(making.seed, STREAM.sample, image >>> 1, i % size));
    return 0.5 * draw[image % 2] + 0.5;
  });
  const pictures = [toBytes(x)];
  predictions.forEach((prediction, step) => {
    x = x.map((value, i) => value + (prediction[i] / 255 - value) / (making.steps - step));
    pictures.push(toBytes(x));
  });
  return pictures;
}
