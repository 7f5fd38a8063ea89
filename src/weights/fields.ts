/** The fields of a file's metadata, and their checks. */
import { dataError, defined, integer, isObject, show, type Wrong, wrongArgument } from '../base/errors';
import { checkSchedule, type Schedule, type ScheduleOption } from '../plan/schedule';
import type { TrainerConfig } from '../training/options';
import type { AdamConfig, Objective } from '../training/step_config';
import { checkSampling, type Sampling } from '../unet/sampling';
import type { Variants } from '../unet/variants';
import type { DataFingerprint } from './fingerprint';
import type { Safetensors } from './safetensors';

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
}

export function stepOf(file: Safetensors, name: string): number {
  return integer(jsonOf(file, 'step', name), 'step', inFile(name), 0, 2 ** 31);
}

export function runSettingsOf(given: unknown, wrong: Wrong): RunSettings {
  if (!isObject(given)) throw wrong('settings', given, 'an object');
  const { learningRate, source, scheduleChanges } = given;
  if (typeof learningRate !== 'number' || !(learningRate > 0 && learningRate < Infinity)) {
    throw wrong('settings.learningRate', learningRate, 'a finite number above 0');
  }
  if (source !== undefined && typeof source !== 'string') throw wrong('settings.source', source, 'a string');
  const whole = (key: keyof RunSettings, min: number, max: number) =>
    integer(given[key], `settings.${key}`, wrong, min, max);
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
    maxSteps: perhaps('maxSteps'),
    scheduleChanges:
      scheduleChanges === undefined ? undefined : stepsOf(scheduleChanges, 'settings.scheduleChanges', wrong),
    quality: perhaps('quality', 0, 100_000),
  });
}

function stepsOf(given: unknown, key: string, wrong: Wrong): readonly number[] {
  if (!Array.isArray(given)) throw wrong(key, given, 'a list of steps');
  return given.map((step) => integer(step, key, wrong, 0, 2 ** 31));
}

export function adamOf(given: unknown, wrong: Wrong): AdamConfig {
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
    // The first checkpoints lack it.
    weightDecay: given.weightDecay === undefined ? 0 : number('weightDecay'),
  };
}

export function trainingOf(file: Safetensors, name: string): Omit<TrainerConfig, 'adam'> {
  const wrong = inFile(name);
  // The first checkpoints lack it.
  const given = file.metadata.training === undefined ? {} : jsonOf(file, 'training', name);
  if (!isObject(given)) throw wrong('training', given, 'an object');
  const { objective = 'tutorial', schedule, averageWeights = false } = given;
  if (!isObjective(objective)) throw wrong('training.objective', objective, OBJECTIVES);
  const number = (key: string) => {
    const value = given[key];
    if (value === undefined || typeof value === 'number') return value;
    throw wrong(`training.${key}`, value, 'a number');
  };
  const whole = (key: string) =>
    given[key] === undefined ? undefined : integer(given[key], `training.${key}`, wrong, 1, 2 ** 31 - 1);
  let checked: Schedule;
  try {
    checked = checkSchedule(schedule as ScheduleOption | undefined);
  } catch (cause) {
    throw dataError(`${name}: training in its metadata is wrong: ${(cause as Error).message}`, {
      cause,
    });
  }
  const average = defined({
    after: whole('averageAfter'),
    span: number('averageSpan'),
    most: number('averageMost'),
  });
  return defined({
    objective,
    schedule: checked,
    clipNorm: number('clipNorm'),
    skipNonFinite: whole('skipNonFinite'),
    average: boolean(averageWeights, 'training.averageWeights', wrong) ? average : undefined,
    classDropout: number('classDropout') ?? 0.05,
  });
}

/** A trainer's config, but for Adam's, as metadata of a file. */
export function trainingField({ adam: _, average, classDropout, ...rest }: TrainerConfig): string {
  const { after: averageAfter, span: averageSpan, most: averageMost } = average ?? {};
  const averaged = average && { averageWeights: true, averageAfter, averageSpan, averageMost };
  return JSON.stringify({ ...rest, ...averaged, classDropout });
}

export const OBJECTIVES = 'tutorial or flow';
export const isObjective = (value: unknown): value is Objective => value === 'tutorial' || value === 'flow';

export function objectiveOf(file: Safetensors, name: string): Objective {
  if (file.metadata.kind === 'checkpoint') return trainingOf(file, name).objective;
  const { objective = 'tutorial' } = file.metadata;
  if (!isObjective(objective)) throw inFile(name)('objective', objective, OBJECTIVES);
  return objective;
}

/** The network's sampling; undefined if the file has none. */
export function samplingOf(file: Safetensors, name: string): Sampling | undefined {
  if (file.metadata.sampling === undefined) return undefined;
  return checkSampling(jsonOf(file, 'sampling', name), inFile(name));
}

/** The sampling as metadata of a file. Throws `argument`. */
export const samplingField = (sampling: Sampling | undefined): Record<string, string> =>
  sampling ? { sampling: JSON.stringify(checkSampling(sampling, wrongArgument)) } : {};

/** Throws the error that `wrong` makes unless `given` is undefined or a possible fingerprint of a teacher. */
export function checkTeacher(given: unknown, wrong: Wrong): void {
  if (given === undefined || (typeof given === 'string' && /^[0-9a-f]{8}$/.test(given))) return;
  throw wrong('teacher', given, 'a fingerprint of weights, eight hexadecimal digits');
}

/** The fingerprint of the network that this one was distilled from; undefined if the file has none. */
export function teacherOf({ metadata: { teacher } }: Safetensors, name: string): string | undefined {
  checkTeacher(teacher, inFile(name));
  return teacher;
}

export function dataOf(given: unknown, wrong: Wrong): DataFingerprint {
  if (!isObject(given)) throw wrong('data', given, 'an object');
  const size = (key: string) => integer(given[key], `data.${key}`, wrong, 1, 2 ** 31);
  const { fnv1a, labels, name, classNames } = given;
  if (typeof fnv1a !== 'string') throw wrong('data.fnv1a', fnv1a, 'a string');
  if (name !== undefined && typeof name !== 'string') throw wrong('data.name', name, 'a string');
  if (classNames !== undefined && !isNames(classNames))
    throw wrong('data.classNames', classNames, `at most ${MOST_NAMES} strings`);
  return defined({
    count: size('count'),
    height: size('height'),
    width: size('width'),
    channels: size('channels'),
    fnv1a,
    labels: typeof labels === 'string' ? labels : undefined,
    name,
    classNames,
  });
}

/** The data as metadata of a file. Throws `argument`. */
export const dataField = (data: DataFingerprint | undefined): Record<string, string> =>
  data ? { data: JSON.stringify(dataOf(data, wrongArgument)) } : {};

/** Labels are bytes. */
const MOST_NAMES = 256;
const isNames = (given: unknown): given is readonly string[] =>
  Array.isArray(given) && given.length <= MOST_NAMES && given.every((name) => typeof name === 'string');

/** Names of variants before 0.2.0. `strip` was removed; `direct` computes its layers. */
const FORMER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  conv2d: { one: 'one_output', one_split: 'one_output_gpu', one_subgroups: 'one_output_subgroups' },
  conv2d_grad_kernel: { one: 'one_channel', one_split: 'one_channel_gpu' },
  any: {
    from_one: 'one_input',
    from_one_single: 'one_input_gpu',
    from_one_subgroups: 'one_input_subgroups',
    strip: 'direct',
    strip_subgroups: 'direct',
    winograd: 'winograd4',
    winograd_subgroups: 'winograd4_subgroups',
    winograd7_rows: 'winograd7_gpu',
    winograd8_rows: 'winograd8_gpu',
  },
};

export function variantsOf(given: unknown, wrong: Wrong): Variants {
  if (!isObject(given)) throw wrong('variants', given, 'an object');
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (typeof value !== 'string') throw wrong(`variants[${show(key)}]`, value, 'a string');
      return [key, today(key.split('/')[0], value) ?? today('any', value) ?? value];
    }),
  );
}

/** Looks up own properties only: names from a file may be inherited ones, such as `constructor`. */
const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const today = (kernel: string, variant: string) => own(own(FORMER, kernel) ?? {}, variant);

export function jsonOf(file: Safetensors, key: string, name: string): unknown {
  const text = file.metadata[key];
  if (text === undefined) throw dataError(`${name} has no ${key} in its metadata. ${damaged}`);
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: it quotes the file as it is, and some consoles print it.
    throw dataError(`${name}: ${key} in its metadata is not JSON: ${show(text)}. ${damaged}`);
  }
}

function boolean(value: unknown, key: string, wrong: Wrong): boolean {
  if (typeof value !== 'boolean') throw wrong(key, value, 'true or false');
  return value;
}

const damaged = 'The file is damaged: take another.';

export const inFile =
  (name: string): Wrong =>
  (key, value, legal) =>
    dataError(`${name}: ${key} in its metadata is ${show(value)}; it must be ${legal}.`);
