import { normal, STREAM, threefry, uniform } from '../base/random';
import type { CorruptShape } from '../kernels/corrupt';
import type { Arrays, Values } from '../plan/reference';
import { atMost, between, IN_SET, MAP, order, type SmallCase, state } from '../plan/small_case';
import { STATE } from '../plan/step_state';

/** A value that `eachPixel` visits. */
interface Pixel {
  /** Its index in `noisy` and `truth`. */
  readonly at: number;
  /** The slot in the batch. */
  readonly n: number;
  /** The image's value. */
  readonly x: number;
  /** The two random words that two images share: the even image uses the first, the odd image the second. */
  readonly words: [number, number];
}

/** Calls `visit` for all values of the batch's images. */
export function eachPixel(shape: CorruptShape, inputs: Arrays, visit: (pixel: Pixel) => void): void {
  const { channels, height, width, batch, seed } = shape;
  const elements = channels * height * width;
  const value = valuesOf(shape, inputs);
  for (let n = 0; n < inputs.state[STATE.count]; n++) {
    let e = 0;
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < height * width; p++, e++) {
        const words = threefry(seed, STREAM.noise, inputs.state[STATE.step], (n >> 1) * elements + e);
        visit({ at: e * batch + n, n, x: value(n, p * channels + c), words });
      }
  }
}

/** Gives a value of an image of the batch by its index in [height][width][channels]. */
function valuesOf(
  { channels, height, width, binarize, flow }: CorruptShape,
  { images, order, state }: Arrays,
) {
  const bytes = new Uint8Array(images.buffer, images.byteOffset);
  return (n: number, own: number) => {
    const byte = bytes[order[state[STATE.batchStart] + n] * channels * height * width + own];
    if (binarize) return byte > 127 ? 1 : flow ? -1 : 0;
    return flow ? byte / 127.5 - 1 : byte / 255;
  };
}

/** The level of each image. */
export const noiseLevels = ({ seed }: CorruptShape, { state, levels }: Arrays): Values =>
  levels ??
  Float64Array.from({ length: state[STATE.count] }, (_, n) =>
    uniform(threefry(seed, STREAM.amount, state[STATE.step], n)[0]),
  );

/** The images mixed with noise, and a network's target: the images, or noise - image. 0 in padded slots. */
export function reference(shape: CorruptShape, inputs: Arrays) {
  const noisy = new Float64Array(shape.channels * shape.height * shape.width * shape.batch);
  const truth = new Float64Array(noisy.length);
  const levels = noiseLevels(shape, inputs);
  const visit = ({ at, n, x, words }: Pixel) => {
    const e = shape.flow ? normal(words)[n % 2] : uniform(words[n % 2]);
    noisy[at] = (1 - levels[n]) * x + levels[n] * e;
    truth[at] = shape.flow ? e - x : x;
  };
  eachPixel(shape, inputs, visit);
  return { noisy, truth };
}

export const small: SmallCase<CorruptShape> = {
  shape: atMost({ ...MAP, imageCount: IN_SET }),
  values: { order, state, levels: between(0, 1) },
};
