import { argumentError } from '../../src/base/errors';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import type { LoadOptions } from '../../src/data/idx';
import { binarise, firstHeldOut, verdicts } from './accepted';
import { classCount, loadClassifier, pixels, side } from './classifier';
import { fitGaussian, frechetDistance } from './frechet';
import { fewestPoints, findBalls, precisionAndRecall } from './neighbours';

/** Precision and recall compare with this many of the training digits. */
const compared = 2000;

/** Measures of generated digits. No single number suffices: read them together, and compare them with the measures of real digits. */
export interface Quality {
  /**
   * Share, 0 to 1, of images that the classifier recognizes with more than 95% probability. Strong guidance raises it above the share of
   * real digits, at the expense of `recall`.
   */
  accepted: number;
  /** Share of images whose most probable digit is the requested one; undefined without labels. */
  classAccuracy: number | undefined;
  /**
   * Squared Fréchet distance between the classifier's features of the images and of all 9,000 digits it was trained on: less is better.
   * Only values of this classifier, for the same number of images, are comparable.
   */
  digitDistance: number;
  /** Share of the images that lie among real digits. */
  precision: number;
  /** Share of the real digits that lie among the images: falls if the images are all alike. */
  recall: number;
  /**
   * Entropy of the frequencies of the most probable digits, divided by its maximum: 1 if all digits are equally frequent, 0 if only one
   * occurs.
   */
  entropy: number;
}

/** Measures sets of generated digits. Runs on the processor and blocks it, so a page should use a worker. */
export interface QualityMeter {
  /**
   * Measures everything on the images binarised at > 0.5. A thousand take about two seconds.
   *
   * @param images [count][28][28], 0 to 1, strokes 1 on background 0; six or more. The measures are meant for a thousand: with fewer images
   * the distance grows and the recall falls.
   * @param labels the digit, 0 to 9, that each image was meant to show
   * @throws EngineError `argument` for another number of values than whole images have, fewer images, or values out of range
   */
  measure(images: Float32Array, labels?: ArrayLike<number>): Quality;
  /** Measures the 1,000 real digits that the classifier was not trained on: the values to aim for. */
  measureReal(): Quality;
}

/** What every meter needs of the bundled digits, once it is computed: it is always the same. */
let real: ReturnType<typeof findBalls> | undefined;
let ofReal: Quality | undefined;

/**
 * Loads the classifier and the bundled digits, and computes features of 2,000 of these, which takes about three seconds the first time.
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
  /** The digits with indices from `from` up to, not including, `to`. */
  const digits = (from: number, to: number) => binarise(bytes.subarray(from * pixels, to * pixels), 127.5);
  real ??= findBalls(classifier.classify(digits(0, compared), compared).features, size);
  const balls = real;

  /** `images` must be binarised. */
  function judge(images: Float32Array, wanted?: ArrayLike<number>): Quality {
    const count = images.length / pixels;
    const classified = classifier.classify(images, count);
    const { features } = classified;
    const shown = new Array<number>(classCount).fill(0);
    let accepted = 0;
    let right = 0;
    for (const [n, verdict] of verdicts(classified).entries()) {
      if (verdict.accepted) accepted++;
      if (verdict.digit === wanted?.[n]) right++;
      shown[verdict.digit]++;
    }
    return {
      accepted: accepted / count,
      classAccuracy: wanted && right / count,
      digitDistance: frechetDistance(fitGaussian(features, size), classifier.trained),
      ...precisionAndRecall(balls, findBalls(features, size)),
      entropy: entropy(shown.map((times) => times / count)),
    };
  }

  return {
    measure(images, wanted) {
      checkImageCount(images);
      return judge(binarise(images, 0.5), wanted);
    },
    measureReal() {
      ofReal ??= judge(digits(firstHeldOut, labels.length), labels.subarray(firstHeldOut));
      return { ...ofReal };
    },
  };
}

function entropy(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => (share > 0 ? total - share * Math.log(share) : total), 0);
  return sum / Math.log(shares.length);
}

function checkImageCount(images: Float32Array): void {
  const count = images.length / pixels;
  if (!Number.isInteger(count) || count < fewestPoints) {
    throw argumentError(
      `images holds ${images.length} values; it must be ${fewestPoints} or more images of ${side}x${side}, ` +
        `${pixels} values each.`,
    );
  }
  // The threshold does not fit grey values from 0 to 255 or from -1 to 1.
  const at = images.findIndex((value) => !(value >= 0 && value <= 1));
  if (at >= 0) {
    throw argumentError(
      `images has ${images[at]} at index ${at} (image ${Math.floor(at / pixels)}); all values must be from 0 to 1. ` +
        'Scale or clamp them.',
    );
  }
}
