import { loadDigitLabels, loadDigits } from '../data/digits';
import type { LoadOptions } from '../data/idx';
import { EngineError, notImages, typeOf } from '../errors';
import { classes, loadClassifier, pixels, side } from './classifier';
import { frechetDistance, gaussianOf } from './frechet';
import { ballsOf, fewestPoints, precisionAndRecall } from './neighbours';

/** The classifier learnt from the digits before this one, and never saw those from here on. */
const firstHeldOut = 9000;
/** Precision and recall compare with this many of the digits it learnt from. */
const compared = 2000;
/** Who accepts an image is this sure of what it shows. */
const sure = 0.95;

/** How good generated digits are. No one number says it all: read them together, and beside those of real digits. */
export interface Quality {
  /**
   * Share, 0 to 1, of which the classifier is more than 95% sure what digit they show. Strong guidance makes it larger
   * than that of real digits, at the expense of `recall`.
   */
  accepted: number;
  /** Share whose most probable digit is the one asked for; undefined without labels. */
  classAccuracy: number | undefined;
  /**
   * Fréchet distance, squared, of the classifier's features to those of all 9,000 digits it learnt from: less is better.
   * Only values of this classifier, and of as many images, compare.
   */
  digitDistance: number;
  /** Share of the images that lie among real ones. */
  precision: number;
  /** Share of the real ones that lie among the images: falls if these are all alike. */
  recall: number;
  /** Of the most probable digits' shares, over that of equal shares: 1 if each digit is as frequent, 0 if there is but one. */
  entropy: number;
}

/** Measures sets of generated digits. Runs on the processor; blocks it, so a page does it in a worker. */
export interface QualityMeter {
  /**
   * Measures everything on the images binarised at > 0.5. A thousand take about two seconds.
   *
   * @param images [count][28][28], 0 to 1, strokes 1 on 0; six or more. The measures are meant for a thousand: with fewer
   * the distance grows and the recall falls.
   * @param labels which digit, 0 to 9, each was meant to be
   * @throws EngineError `argument` for images or labels of another type or size, or with values out of range
   */
  measure(images: Float32Array, labels?: ArrayLike<number>): Quality;
  /** The same for the 1,000 real digits that the classifier has never seen: what is to be reached. */
  measureReal(): Quality;
}

/**
 * Loads the classifier and the digits that come along, and looks at 2,000 of these, which takes about three seconds.
 *
 * @throws EngineError `data` if a file cannot be read or is not the right one; the signal's reason if aborted
 */
export async function createQualityMeter(options: LoadOptions = {}): Promise<QualityMeter> {
  const [classifier, { images: bytes }, labels] = await Promise.all([
    loadClassifier(options),
    loadDigits(options),
    loadDigitLabels(options),
  ]);
  const size = classifier.features;
  /** The digits from one number up to another. */
  const digits = (from: number, to: number) => binarise(bytes.subarray(from * pixels, to * pixels), 127.5);
  const real = ballsOf(classifier.classify(digits(0, compared), compared).features, size);

  /** `images` are binarised. */
  function judge(images: Float32Array, wanted?: ArrayLike<number>): Quality {
    const count = images.length / pixels;
    const { probabilities, features } = classifier.classify(images, count);
    const shown = new Array<number>(classes).fill(0);
    let accepted = 0;
    let right = 0;
    for (let n = 0; n < count; n++) {
      const row = probabilities.subarray(n * classes, (n + 1) * classes);
      const highest = Math.max(...row);
      const digit = row.indexOf(highest);
      if (highest > sure) accepted++;
      if (digit === wanted?.[n]) right++;
      shown[digit]++;
    }
    return {
      accepted: accepted / count,
      classAccuracy: wanted && right / count,
      digitDistance: frechetDistance(gaussianOf(features, size), classifier.trained),
      ...precisionAndRecall(real, ballsOf(features, size)),
      entropy: entropy(shown.map((times) => times / count)),
    };
  }

  let ofReal: Quality | undefined;
  return {
    measure(images, wanted) {
      checkImages(images);
      if (wanted !== undefined) checkLabels(wanted, images.length / pixels);
      return judge(binarise(images, 0.5), wanted);
    },
    measureReal() {
      ofReal ??= judge(digits(firstHeldOut, labels.length), labels.subarray(firstHeldOut));
      return { ...ofReal };
    },
  };
}

/** 1 where one of `values` is over `threshold`. */
function binarise(values: Float32Array | Uint8Array, threshold: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) if (values[i] > threshold) result[i] = 1;
  return result;
}

function entropy(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => (share > 0 ? total - share * Math.log(share) : total), 0);
  return sum / Math.log(shares.length);
}

function checkImages(images: Float32Array): void {
  if (typeOf(images) !== 'Float32Array') throw notImages('images', images);
  const count = images.length / pixels;
  if (!Number.isInteger(count) || count < fewestPoints) {
    throw new EngineError(
      'argument',
      `images holds ${images.length} values; it must be ${fewestPoints} or more images of ${side}x${side}, ` +
        `${pixels} values each.`,
    );
  }
  // Greys from 0 to 255 or from -1 to 1 would all be on one side of the threshold, or on the wrong one.
  const at = images.findIndex((value) => !(value >= 0 && value <= 1));
  if (at >= 0) {
    throw new EngineError(
      'argument',
      `images has ${images[at]} at index ${at} (image ${Math.floor(at / pixels)}); all values must be from 0 to 1. ` +
        'Scale or clamp them.',
    );
  }
}

function checkLabels(labels: ArrayLike<number>, count: number): void {
  if (labels?.length !== count) {
    throw new EngineError(
      'argument',
      `labels is of type ${typeOf(labels)} with ${labels?.length} values; it must be an array of one label for each of ` +
        `the ${count} images.`,
    );
  }
  for (let n = 0; n < count; n++) {
    const label = labels[n];
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new EngineError(
        'argument',
        `labels[${n}] is ${String(label)}; a label is a whole number from 0 to ${classes - 1}.`,
      );
    }
  }
}
