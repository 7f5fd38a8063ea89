/** The fields of a file's metadata, and their checks; run_fields.ts has what a checkpoint alone has. */
import { dataError, defined, integerIn, isObject, show, type Wrong, wrongArgument } from '../base/errors';
import { checkSchedule, type Schedule, type ScheduleOption } from '../plan/schedule';
import type { TrainerConfig } from '../training/options';
import type { Objective } from '../training/step_config';
import { checkSampling, type Sampling } from '../unet/sampling';
import type { DataFingerprint } from './fingerprint';
import type { Safetensors } from './safetensors';

export function readStep(file: Safetensors, name: string): number {
  return integerIn(readJson(file, 'step', name), 'step', inFile(name), 0, 2 ** 31);
}

export function readTraining(file: Safetensors, name: string): Omit<TrainerConfig, 'adam'> {
  const wrong = inFile(name);
  const given = readJson(file, 'training', name);
  if (!isObject(given)) throw wrong('training', given, 'an object');
  const { objective = 'tutorial', schedule, averageWeights = false } = given;
  if (!isObjective(objective)) throw wrong('training.objective', objective, OBJECTIVES);
  const number = (key: string) => {
    const value = given[key];
    if (value === undefined || typeof value === 'number') return value;
    throw wrong(`training.${key}`, value, 'a number');
  };
  const whole = (key: string) =>
    given[key] === undefined ? undefined : integerIn(given[key], `training.${key}`, wrong, 1, 2 ** 31 - 1);
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

export const OBJECTIVES = 'tutorial or flow';
export const isObjective = (value: unknown): value is Objective => value === 'tutorial' || value === 'flow';

export function readObjective(file: Safetensors, name: string): Objective {
  if (file.metadata.kind === 'checkpoint') return readTraining(file, name).objective;
  const { objective = 'tutorial' } = file.metadata;
  if (!isObjective(objective)) throw inFile(name)('objective', objective, OBJECTIVES);
  return objective;
}

/** The network's sampling; undefined if the file has none. */
export function readSampling(file: Safetensors, name: string): Sampling | undefined {
  if (file.metadata.sampling === undefined) return undefined;
  return checkSampling(readJson(file, 'sampling', name), inFile(name));
}

/** The sampling as metadata of a file. Throws `argument`. */
export const samplingField = (sampling: Sampling | undefined): Record<string, string> =>
  sampling ? { sampling: JSON.stringify(checkSampling(sampling, wrongArgument)) } : {};

/** Throws the error that `wrong` makes unless `given` is undefined or a possible fingerprint of a teacher. */
export function checkTeacherField(given: unknown, wrong: Wrong): void {
  if (given === undefined || (typeof given === 'string' && /^[0-9a-f]{8}$/.test(given))) return;
  throw wrong('teacher', given, 'a fingerprint of weights, eight hexadecimal digits');
}

/** The fingerprint of the network that this one was distilled from; undefined if the file has none. */
export function readTeacher({ metadata: { teacher } }: Safetensors, name: string): string | undefined {
  checkTeacherField(teacher, inFile(name));
  return teacher;
}

export function readFingerprint(given: unknown, wrong: Wrong): DataFingerprint {
  if (!isObject(given)) throw wrong('data', given, 'an object');
  const size = (key: string) => integerIn(given[key], `data.${key}`, wrong, 1, 2 ** 31);
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
  data ? { data: JSON.stringify(readFingerprint(data, wrongArgument)) } : {};

/** Labels are bytes. */
const MOST_NAMES = 256;
const isNames = (given: unknown): given is readonly string[] =>
  Array.isArray(given) && given.length <= MOST_NAMES && given.every((name) => typeof name === 'string');

export function readJson(file: Safetensors, key: string, name: string): unknown {
  const text = file.metadata[key];
  if (text === undefined) throw dataError(`${name} has no ${key} in its metadata. ${damaged}`);
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: it quotes the file as it is, and some consoles print it.
    throw dataError(`${name}: ${key} in its metadata is not JSON: ${show(text)}. ${damaged}`);
  }
}

export function boolean(value: unknown, key: string, wrong: Wrong): boolean {
  if (typeof value !== 'boolean') throw wrong(key, value, 'true or false');
  return value;
}

const damaged = 'The file is damaged: take another.';

export const inFile =
  (name: string): Wrong =>
  (key, value, legal) =>
    dataError(`${name}: ${key} in its metadata is ${show(value)}; it must be ${legal}.`);
