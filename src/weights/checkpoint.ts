/**
 * Models and checkpoints as safetensors files (https://github.com/huggingface/safetensors), which any of its readers opens.
 *
 * A **model** holds the network's parameters, F32 or F16, by their names: `down.0.kernel`, `down.0.bias`, … `up.0.kernel`, … Kernels
 * are HWIO, [height, width, in, out], the order of Keras and TensorFlow (PyTorch's is [out, in, height, width]); biases are
 * [out]. Its metadata (`__metadata__`) are strings: `format` is `webgpu-diffusion`, `version` `1`, `kind` `model`, and
 * `config` the network as JSON.
 *
 * A **checkpoint** is a model (a reader of models may take it for one) of `kind` `checkpoint` with what a training run needs
 * to go on as if it had never stopped:
 *
 * | tensor | shape | |
 * |---|---|---|
 * | `moment1.<name>`, `moment2.<name>` | as the parameter | Adam's moments |
 * | `optimizer.corrections` | [2] | 1 - beta1^step and 1 - beta2^step, as the GPU has them |
 * | `losses` | [step] | the loss of every step so far |
 *
 * and in the metadata, as JSON: `step`, `settings` (seed, batch size, learning rate, epochs, …), `adam` (beta1, beta2, epsilon),
 * `data` (a fingerprint of the data set), `variants` (which variant of which kernel each layer uses: another choice gives other
 * last bits), `training` (the trainer's other settings: objective, schedule, clipNorm, classDropout),
 * and as a plain string `adapter` (what the adapter that trained calls itself). A model has `objective`, what it was trained for, as a plain string.
 */
import type { ImageSet } from '../data/idx';
import { checkNames, EngineError } from '../errors';
import { type AdapterDescription, ownName } from '../gpu/adapter';
import { fnv1a } from '../hash';
import { checkSchedule, type Schedule, type ScheduleOption } from '../training/schedule';
import { type AdamSettings, adamDefaults, LOSS_RING, type Objective } from '../training/step';
import type { OptimizerState, Trainer, TrainerSettings } from '../training/trainer';
import { checkConfig, type Parameter, parametersOf, type UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';
import type { Variants } from '../unet/variants';
import { checkTensors, type ExpectedTensor, nonFinite } from './match';
import {
  decodeSafetensors,
  encodeSafetensors,
  type FloatType,
  isFloatType,
  type NamedTensor,
  quote,
  type Safetensors,
} from './safetensors';

const FORMAT = 'webgpu-diffusion';
const VERSION = '1';

export interface Model {
  readonly config: UNetConfig;
  /** What it was trained for, which says how to sample from it. The first files did not say: `tutorial`. */
  readonly objective: Objective;
  /** By name, as `setParameters` takes them. */
  readonly parameters: Map<string, Float32Array>;
}

/**
 * What tells one data set from another. A run on batches of one's own, without an ImageSet, puts the size of its images here, their
 * number or 1, and as `fnv1a` any text by which it knows them again.
 */
export interface DataFingerprint {
  /** 1 or more, as the sizes. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Of an ImageSet: FNV-1a (32 bits) of the bytes, in hexadecimal. */
  readonly fnv1a: string;
  /** The same of the labels, if there are any. */
  readonly labels?: string;
}

/**
 * How a run was started, beside Adam's settings, which its state has: for whoever goes on with it. A run on batches of one's own
 * (`trainer.step`) has no epochs and puts 1; its `seed` is what its batches follow from, or 0.
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
  /** As `fit` has it. Default: for the objective `tutorial`. */
  readonly binarize?: boolean;
  /** Where the images came from, for people and for the command line; the fingerprint is what counts. */
  readonly source?: string;
  /** Only so many of the source's images were used; 1 or more. */
  readonly limit?: number;
  /** So many of its images, the last ones, were not trained on but measure the run; 1 or more. */
  readonly holdout?: number;
  /** Where the run ends, if that is before its epochs do. */
  readonly maxSteps?: number;
}

/** The trainer's settings beside Adam's, for `createTrainer`. */
export type TrainingSettings = Omit<TrainerSettings, 'adam'>;

export interface Checkpoint extends Model {
  readonly settings: RunSettings;
  readonly data: DataFingerprint;
  /** See `variantsOn`. */
  readonly variants: Variants;
  readonly training: TrainingSettings;
  /** What the adapter called itself; the first checkpoints did not say. */
  readonly adapter?: string;
  /** For `trainer.setState`. */
  readonly state: OptimizerState;
  /** The loss of each step so far. */
  readonly losses: Float32Array;
}

/** A UNet, or what has its weights. */
interface Weights extends Pick<UNet, 'config' | 'parameters'> {
  getParameters(): Promise<ReadonlyMap<string, Float32Array>>;
}

/** A trainer, or what has its state. */
interface Training extends Pick<Trainer, 'variants' | 'settings' | 'adapter'> {
  readonly unet: Weights;
  getState(): Promise<OptimizerState>;
  readLosses(count: number): Promise<ArrayLike<number>>;
}

/**
 * What a model file of this network holds, in the order of its parameters.
 *
 * @param options.dtype `F16` makes a file of half the size, and weights that are rounded to 11 bits; for training to go on, save
 * a checkpoint. Default `F32`.
 * @param options.objective what it was trained for: `trainer.settings.objective`. Default `tutorial`.
 * @throws EngineError `diverged` if weights are not finite, `argument` for another dtype or weights beyond the largest F16
 */
export async function saveModel(
  unet: Weights,
  options: { readonly dtype?: FloatType; readonly objective?: Objective } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkNames('saveModel', options, ['dtype', 'objective']);
  const { dtype = 'F32', objective = 'tutorial' } = options;
  if (!isObjective(objective)) throw argument('objective', objective, OBJECTIVES);
  if (!isFloatType(dtype)) throw argument('dtype', dtype, 'F32 or F16');
  const parameters = named('', unet.parameters, await unet.getParameters());
  const tensors = parameters.map((tensor) => ({ ...tensor, dtype }));
  return encodeFinite(tensors, {
    format: FORMAT,
    version: VERSION,
    kind: 'model',
    config: JSON.stringify(unet.config),
    objective,
  });
}

/**
 * Reads a model, or the model in a checkpoint.
 *
 * @param name what errors call the file
 * @throws EngineError `data`, or `argument` for what is no Uint8Array
 */
export function loadModel(bytes: Uint8Array, name = 'The model'): Model {
  const file = open(bytes, name);
  const { config, parameters } = describe(file, name);
  if (file.metadata.kind === 'checkpoint') {
    checkTensors(expectedInCheckpoint(parameters, stepOf(file, name)), file.tensors, name);
  } else checkTensors(parameters, file.tensors, name);
  return { config, objective: objectiveOf(file, name), parameters: pick(file, '', parameters) };
}

/**
 * A checkpoint of a training run. May be taken while `fit` waits for its next event to be asked for; steps that are already
 * submitted then are part of it, and their losses are read from the GPU.
 *
 * @param run.losses the losses known so far, one for each step from the first; the trainer knows up to 1024 of its last steps
 * @throws EngineError `argument` for settings or data that `loadCheckpoint` would refuse and if losses are missing, `diverged` if
 * weights, moments or losses are not finite
 */
export async function saveCheckpoint(run: {
  readonly trainer: Training;
  readonly settings: RunSettings;
  readonly data: DataFingerprint;
  readonly losses: ArrayLike<number>;
}): Promise<Uint8Array<ArrayBuffer>> {
  const { trainer } = run;
  const { unet } = trainer;
  const settings = settingsOf(run.settings, argument);
  const data = dataOf(run.data, argument);
  const { adam: _, ...training } = trainer.settings;
  // Nothing is submitted between these reads, so that all see the same step.
  const [parameters, state] = await Promise.all([unet.getParameters(), trainer.getState()]);
  const { length } = run.losses;
  const missing = state.step - length;
  if (missing < 0) {
    throw new EngineError(
      'argument',
      `${length} losses were given for ${state.step} steps; there must be one for each, or fewer.`,
    );
  }
  const recent = missing > 0 ? await trainer.readLosses(Math.min(missing, LOSS_RING)) : [];
  if (recent.length < missing) {
    throw new EngineError(
      'argument',
      `${length} losses were given for ${state.step} steps, and the trainer knows only the last ${recent.length}. Give the first ${state.step - recent.length}, too.`,
    );
  }
  const losses = new Float32Array(state.step);
  losses.set(run.losses);
  losses.set(recent, length);

  const tensors = [
    ...named('', unet.parameters, parameters),
    ...named('moment1.', unet.parameters, state.moment1),
    ...named('moment2.', unet.parameters, state.moment2),
    { name: 'optimizer.corrections', shape: [2], data: state.corrections },
    { name: 'losses', shape: [state.step], data: losses },
  ];
  const metadata = {
    format: FORMAT,
    version: VERSION,
    kind: 'checkpoint',
    config: JSON.stringify(unet.config),
    step: JSON.stringify(state.step),
    settings: JSON.stringify(settings),
    adam: JSON.stringify(state.adam),
    data: JSON.stringify(data),
    variants: JSON.stringify(trainer.variants),
    training: JSON.stringify(training),
    adapter: ownName(trainer.adapter),
  };
  return encodeFinite(tensors, metadata, `After step ${state.step} `);
}

/**
 * @param name what errors call the file
 * @throws EngineError `data`, or `argument` for what is no Uint8Array
 */
export function loadCheckpoint(bytes: Uint8Array, name = 'The checkpoint'): Checkpoint {
  const file = open(bytes, name);
  if (file.metadata.kind !== 'checkpoint') {
    throw new EngineError(
      'data',
      `${name} is a ${quote(file.metadata.kind)}, not a checkpoint: it has no optimizer state to go on from. ` +
        'Give the checkpoint.safetensors that was saved beside it.',
    );
  }
  const { config, parameters } = describe(file, name);
  const step = stepOf(file, name);
  const wrong = inFile(name);
  checkTensors(expectedInCheckpoint(parameters, step), file.tensors, name);
  const training = trainingOf(file, name);
  const floats = (key: string) => file.tensors.get(key)!.data as Float32Array;
  return {
    config,
    parameters: pick(file, '', parameters),
    settings: settingsOf(json(file, 'settings', name), wrong),
    data: dataOf(json(file, 'data', name), wrong),
    variants: variantsOf(json(file, 'variants', name), wrong),
    objective: training.objective,
    training,
    adapter: file.metadata.adapter,
    state: {
      step,
      corrections: floats('optimizer.corrections'),
      // The first checkpoints did not say.
      adam: file.metadata.adam === undefined ? adamDefaults : adamOf(json(file, 'adam', name), wrong),
      moment1: pick(file, 'moment1.', parameters),
      moment2: pick(file, 'moment2.', parameters),
    },
    losses: floats('losses'),
  };
}

/**
 * The variants that a run goes on with on `adapter`, for `createTrainer`: those that it began with, bit for bit, if it is the same
 * one. Undefined if it is another, which should choose its own: its last bits differ in any case, and what is fast on a processor is slow
 * on a GPU, where nobody has checked it either.
 */
export function variantsOn(
  adapter: AdapterDescription,
  checkpoint: Pick<Checkpoint, 'variants' | 'adapter'>,
): Variants | undefined {
  const { adapter: before = ownName(adapter) } = checkpoint;
  return before === ownName(adapter) ? checkpoint.variants : undefined;
}

/** What `data` of a checkpoint is compared with. */
export function fingerprint({ images, labels, count, height, width, channels }: ImageSet): DataFingerprint {
  const ofLabels = labels && { labels: fnv1a(labels) };
  return { count, height, width, channels, fnv1a: fnv1a(images), ...ofLabels };
}

/** Throws a `data` error unless a run that was trained on `before` may go on with `now`. Labels count where both have some. */
export function checkSameData(before: DataFingerprint, now: DataFingerprint): void {
  const both = before.labels !== undefined && now.labels !== undefined;
  const show = (d: DataFingerprint) =>
    `${d.count} images of ${d.height}x${d.width}x${d.channels} (FNV-1a ${d.fnv1a}${both ? `, labels ${d.labels}` : ''})`;
  if (show(before) !== show(now)) {
    throw new EngineError(
      'data',
      `The checkpoint was trained on ${show(before)}; this data set has ${show(now)}. Give the same images, in the same order.`,
    );
  }
}

// ---------------------------------------------------------------- metadata, field by field

function open(bytes: Uint8Array, name: string): Safetensors {
  const file = decodeSafetensors(bytes, name);
  const { format, version } = file.metadata;
  if (format !== FORMAT) {
    throw new EngineError(
      'data',
      `${name} was not saved by webgpu-diffusion: its metadata has the format ${quote(format ?? 'none')}. ` +
        'Its metadata must hold format, version, kind and config: see src/weights/checkpoint.ts.',
    );
  }
  if (version !== VERSION) {
    throw new EngineError(
      'data',
      `${name} has version ${quote(version)} of the format; this version of webgpu-diffusion reads ${VERSION}. Use the one that saved it.`,
    );
  }
  return file;
}

function describe(file: Safetensors, name: string): { config: UNetConfig; parameters: Parameter[] } {
  const given = json(file, 'config', name);
  try {
    if (!isObject(given)) throw new EngineError('data', 'it is not an object.');
    const config = checkConfig(given);
    return { config, parameters: parametersOf(config).parameters };
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    throw new EngineError('data', `${name}: config in its metadata is wrong: ${cause.message}`, { cause });
  }
}

function stepOf(file: Safetensors, name: string): number {
  return integer(json(file, 'step', name), 'step', inFile(name), 0, 2 ** 31);
}

function settingsOf(given: unknown, wrong: Wrong): RunSettings {
  if (!isObject(given)) throw wrong('settings', given, 'an object');
  const { learningRate, binarize, source, limit, holdout, maxSteps } = given;
  if (typeof learningRate !== 'number' || !(learningRate > 0 && learningRate < Number.POSITIVE_INFINITY)) {
    throw wrong('settings.learningRate', learningRate, 'a finite number above 0');
  }
  if (source !== undefined && typeof source !== 'string') throw wrong('settings.source', source, 'a string');
  return {
    seed: integer(given.seed, 'settings.seed', wrong, 0, 2 ** 32 - 1),
    batchSize: integer(given.batchSize, 'settings.batchSize', wrong, 1, 65536),
    learningRate,
    epochs: integer(given.epochs, 'settings.epochs', wrong, 1, 2 ** 31),
    ...(binarize === undefined ? {} : { binarize: boolean(binarize, 'settings.binarize', wrong) }),
    ...(source === undefined ? {} : { source }),
    ...(limit === undefined ? {} : { limit: integer(limit, 'settings.limit', wrong, 1, 2 ** 31) }),
    ...(holdout === undefined ? {} : { holdout: integer(holdout, 'settings.holdout', wrong, 1, 2 ** 31) }),
    ...(maxSteps === undefined
      ? {}
      : { maxSteps: integer(maxSteps, 'settings.maxSteps', wrong, 1, 2 ** 31) }),
  };
}

function adamOf(given: unknown, wrong: Wrong): AdamSettings {
  if (!isObject(given)) throw wrong('adam', given, 'an object');
  const number = (key: keyof AdamSettings) => {
    const value = given[key];
    if (typeof value !== 'number') throw wrong(`adam.${key}`, value, 'a number');
    return value;
  };
  return {
    beta1: number('beta1'),
    beta2: number('beta2'),
    epsilon: number('epsilon'),
    // The first checkpoints had none.
    weightDecay: given.weightDecay === undefined ? 0 : number('weightDecay'),
  };
}

function trainingOf(file: Safetensors, name: string): TrainingSettings {
  const wrong = inFile(name);
  // The first checkpoints did not say.
  const given = file.metadata.training === undefined ? {} : json(file, 'training', name);
  if (!isObject(given)) throw wrong('training', given, 'an object');
  const { objective = 'tutorial', schedule, clipNorm, classDropout = 0.05 } = given;
  if (!isObjective(objective)) throw wrong('training.objective', objective, OBJECTIVES);
  const number = (key: string, value: unknown) => {
    if (typeof value !== 'number') throw wrong(`training.${key}`, value, 'a number');
    return value;
  };
  let checked: Schedule;
  try {
    checked = checkSchedule(schedule as ScheduleOption | undefined);
  } catch (cause) {
    throw new EngineError('data', `${name}: training in its metadata is wrong: ${(cause as Error).message}`, {
      cause,
    });
  }
  return {
    objective,
    schedule: checked,
    ...(clipNorm === undefined ? {} : { clipNorm: number('clipNorm', clipNorm) }),
    classDropout: number('classDropout', classDropout),
  };
}

const OBJECTIVES = 'tutorial or flow';
const isObjective = (value: unknown): value is Objective => value === 'tutorial' || value === 'flow';

function objectiveOf(file: Safetensors, name: string): Objective {
  if (file.metadata.kind === 'checkpoint') return trainingOf(file, name).objective;
  const { objective = 'tutorial' } = file.metadata;
  if (!isObjective(objective)) throw inFile(name)('objective', objective, OBJECTIVES);
  return objective;
}

function dataOf(given: unknown, wrong: Wrong): DataFingerprint {
  if (!isObject(given)) throw wrong('data', given, 'an object');
  const size = (key: string) => integer(given[key], `data.${key}`, wrong, 1, 2 ** 31);
  if (typeof given.fnv1a !== 'string') throw wrong('data.fnv1a', given.fnv1a, 'a string');
  return {
    count: size('count'),
    height: size('height'),
    width: size('width'),
    channels: size('channels'),
    fnv1a: given.fnv1a,
    ...(typeof given.labels === 'string' ? { labels: given.labels } : {}),
  };
}

function variantsOf(given: unknown, wrong: Wrong): Variants {
  if (!isObject(given)) throw wrong('variants', given, 'an object');
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (typeof value !== 'string') throw wrong(`variants[${quote(key)}]`, value, 'a string');
      return [key, value];
    }),
  );
}

function json(file: Safetensors, key: string, name: string): unknown {
  const text = file.metadata[key];
  if (text === undefined) throw new EngineError('data', `${name} has no ${key} in its metadata. ${damaged}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EngineError('data', `${name}: ${key} in its metadata is not JSON: ${quote(text)}. ${damaged}`, {
      cause,
    });
  }
}

function boolean(value: unknown, key: string, wrong: Wrong): boolean {
  if (typeof value !== 'boolean') throw wrong(key, value, 'true or false');
  return value;
}

function integer(value: unknown, key: string, wrong: Wrong, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw wrong(key, value, `a whole number from ${min} to ${max}`);
  }
  return value;
}

const damaged = 'The file is damaged: take another.';

/** Makes the error of a value that is not what it must be. */
type Wrong = (key: string, value: unknown, legal: string) => EngineError;

const argument: Wrong = (key, value, legal) =>
  new EngineError('argument', `${key} is ${show(value)}; it must be ${legal}.`);

const inFile =
  (name: string): Wrong =>
  (key, value, legal) =>
    new EngineError('data', `${name}: ${key} in its metadata is ${show(value)}; it must be ${legal}.`);

// As JSON where that says more; it has no word for numbers that are not finite.
const show = (value: unknown) =>
  typeof value === 'string' || typeof value === 'object' ? quote(value) : String(value ?? 'missing');

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// ---------------------------------------------------------------- tensors

function expectedInCheckpoint(parameters: readonly Parameter[], step: number): ExpectedTensor[] {
  return [
    ...['', 'moment1.', 'moment2.'].flatMap((prefix) =>
      parameters.map(({ name, shape }) => ({ name: prefix + name, shape })),
    ),
    { name: 'optimizer.corrections', shape: [2] },
    { name: 'losses', shape: [step] },
  ];
}

/** As encodeSafetensors, but a file of a run that has diverged would replace one that is of use. `when` begins the message. */
function encodeFinite(tensors: readonly NamedTensor[], metadata: Record<string, string>, when = '') {
  const bytes = encodeSafetensors(tensors, metadata);
  for (const { name, data } of tensors) {
    const problem = nonFinite(data);
    if (!problem) continue;
    throw new EngineError(
      'diverged',
      `${when}${name} ${problem}. The training diverged, and is not saved: ` +
        'go back to the last checkpoint and use a smaller learning rate.',
    );
  }
  return bytes;
}

function named(
  prefix: string,
  parameters: readonly Parameter[],
  values: ReadonlyMap<string, Float32Array>,
): NamedTensor[] {
  return parameters.map(({ name, shape }) => ({ name: prefix + name, shape, data: values.get(name)! }));
}

function pick(
  file: Safetensors,
  prefix: string,
  parameters: readonly Parameter[],
): Map<string, Float32Array> {
  return new Map(parameters.map(({ name }) => [name, file.tensors.get(prefix + name)!.data as Float32Array]));
}
