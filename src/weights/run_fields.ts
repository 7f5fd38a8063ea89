/** The fields of a checkpoint's metadata that a model lacks, and their checks. */
import { defined, integerIn, isObject, show, type Wrong } from '../base/errors';
import type { TrainerConfig } from '../training/options';
import type { AdamConfig } from '../training/step_config';
import type { Variants } from '../unet/variants';
import { boolean } from './fields';

/**
 * The settings of a run at its start; its state has Adam's config. A run on custom batches (`trainer.step`) has no epochs: give 1; `seed` is
 * the seed of the batches, or 0.
 */
export interface RunSettings {
  /** 0 to 2^32 - 1. */
  readonly seed: number;
  /** 1 to 65536. */
  readonly batchSize: number;
  /** Above 0. */
  readonly learningRate: number;
  /** 1 or more. */
  readonly epochs: number;
  /** As in `FitOptions`, with its default. */
  readonly binarize?: boolean | undefined;
  /** As in `FitOptions`. */
  readonly dropLast?: boolean | undefined;
  /** The source of the images, for people and for the command line; checks use the fingerprint alone. */
  readonly source?: string | undefined;
  /** Number of the source's images that were used; 1 or more. Default: all. */
  readonly limit?: number | undefined;
  /** Number of these images, the last ones, that were held out to measure the run; 1 or more. Default: none. */
  readonly holdout?: number | undefined;
  /** The step at which the run ends, if before its epochs do. */
  readonly maxSteps?: number | undefined;
  /** The steps after which another schedule was set, which held from the next submission on: the seed alone does not repeat such a run. */
  readonly scheduleChanges?: readonly number[] | undefined;
  /** Number of samples that the command line measures the quality with at the end; 0: none. Default: see `train --quality`. */
  readonly quality?: number | undefined;
  /** How finished pictures are shown: enlarged by the network `enlarger`, or as they are. */
  readonly enlarge?: 'smooth' | 'pixels' | undefined;
}

export function readRunSettings(given: unknown, wrong: Wrong): RunSettings {
  if (!isObject(given)) throw wrong('settings', given, 'an object');
  const { learningRate, source, scheduleChanges, enlarge } = given;
  if (typeof learningRate !== 'number' || !(learningRate > 0 && learningRate < Infinity)) {
    throw wrong('settings.learningRate', learningRate, 'a finite number above 0');
  }
  if (enlarge !== undefined && enlarge !== 'smooth' && enlarge !== 'pixels')
    throw wrong('settings.enlarge', enlarge, 'smooth or pixels');
  if (source !== undefined && typeof source !== 'string') throw wrong('settings.source', source, 'a string');
  const whole = (key: keyof RunSettings, min: number, max: number) =>
    integerIn(given[key], `settings.${key}`, wrong, min, max);
  const perhaps = (key: keyof RunSettings, min = 1, max = 2 ** 31) =>
    given[key] === undefined ? undefined : whole(key, min, max);
  const perhapsTrue = (key: keyof RunSettings) =>
    given[key] === undefined ? undefined : boolean(given[key], `settings.${key}`, wrong);
  return defined({
    seed: whole('seed', 0, 2 ** 32 - 1),
    batchSize: whole('batchSize', 1, 65536),
    learningRate,
    epochs: whole('epochs', 1, 2 ** 31),
    binarize: perhapsTrue('binarize'),
    dropLast: perhapsTrue('dropLast'),
    source,
    limit: perhaps('limit'),
    holdout: perhaps('holdout'),
    maxSteps: perhaps('maxSteps', 0),
    scheduleChanges:
      scheduleChanges === undefined ? undefined : stepsOf(scheduleChanges, 'settings.scheduleChanges', wrong),
    quality: perhaps('quality', 0, 100_000),
    enlarge,
  });
}

function stepsOf(given: unknown, key: string, wrong: Wrong): readonly number[] {
  if (!Array.isArray(given)) throw wrong(key, given, 'a list of steps');
  return given.map((step) => integerIn(step, key, wrong, 0, 2 ** 31));
}

export function readAdam(given: unknown, wrong: Wrong): AdamConfig {
  if (!isObject(given)) throw wrong('adam', given, 'an object');
  const number = (key: keyof AdamConfig) => {
    const value = given[key];
    if (typeof value !== 'number') throw wrong(`adam.${key}`, value, 'a number');
    return value;
  };
  return {
    beta1: number('beta1'),
    beta2: number('beta2'),
    epsilon: number('epsilon'),
    weightDecay: number('weightDecay'),
  };
}

/** A trainer's config, but for Adam's, as metadata of a file. */
export function trainingField({ adam: _, average, classDropout, ...rest }: TrainerConfig): string {
  const { after: averageAfter, span: averageSpan, most: averageMost } = average ?? {};
  const averaged = average && { averageWeights: true, averageAfter, averageSpan, averageMost };
  return JSON.stringify({ ...rest, ...averaged, classDropout });
}

export function readVariantNames(given: unknown, wrong: Wrong): Variants {
  if (!isObject(given)) throw wrong('variants', given, 'an object');
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (typeof value !== 'string') throw wrong(`variants[${show(key)}]`, value, 'a string');
      return [key, value];
    }),
  );
}
