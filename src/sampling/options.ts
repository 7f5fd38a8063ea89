/** Options of a sampler and its runs, and the events that a run yields. */
import { copyArray, isFloats } from '../base/arrays';
import {
  argumentError,
  checkBooleans,
  checkFunctions,
  checkInteger,
  checkNames,
  checkNumber,
  checkSeed,
  type Names,
  notImages,
  wrongArgument,
} from '../base/errors';
import { loaded } from '../base/load';
import type { BufferSlice } from '../gpu/slice';
import { isPictures } from '../pictures/is_pictures';
import type { Picture } from '../pictures/picture';
import { countOutChannels, type UNetConfig } from '../unet/config';
import {
  GUIDANCE_RANGE,
  isGuidanceRange,
  isPolish,
  isShift,
  MAX_SAMPLING_STEPS,
  METHODS,
  POLISH,
  type Polish,
  type Sampling,
  type SamplingMethod,
  SHIFT,
} from '../unet/sampling';
import type { Variants } from '../unet/variants';
import type { PassOptions } from './passes';

/** Options of a sampler. */
export interface SamplerOptions {
  /** Images sampled together, 1 to 65536. Default 64. */
  readonly count?: number | undefined;
  /** Kernel variants by layer. Default: the engine chooses for the device. */
  readonly variants?: Variants | undefined;
  /** Whether to measure which variants are fastest, if `engine.tune` is true. Default: for more than 16 images. */
  readonly tune?: boolean | undefined;
}

const SAMPLER_OPTIONS: Names<SamplerOptions> = { count: true, variants: true, tune: true };

/**
 * The options of every kind of run. Steps, method, guidance, its range, shift and polish default to `unet.sampling`, if the UNet was created with
 * it. A distilled network (`unet.sampling.calls`) takes no others, and neither `start`, `from` nor `mask`.
 */
interface RunOptions<Images, Labels> {
  /** 1 to 1000. */
  readonly steps?: number | undefined;
  /** Default: `euler` if the network is conditioned on the noise level, else `mix`, the tutorial's method. */
  readonly method?: SamplingMethod | undefined;
  /** The class of each image, [count]: from 0; the number of classes stands for no class (the default). */
  readonly labels?: Labels | undefined;
  /**
   * The guidance towards the class, 0 to 100: 1 is the network's prediction for the class; more moves further away from its prediction
   * without a class ("classifier-free guidance": Ho and Salimans, 2022), and costs a second image in the batch. Default 2 with labels along
   * a flow, else 1.
   */
  readonly guidance?: number | undefined;
  /**
   * The lowest and the highest level, 0 <= low < high <= 1, at which guidance acts, both included; at others it is 1 ("guidance interval":
   * Kynkäänniemi et al., 2024). For `euler` and `adams`. Costs as much as guidance at all levels. Default: all levels.
   */
  readonly guidanceRange?: readonly [low: number, high: number] | undefined;
  /** Spends more of the steps at high levels, 1 to 4: see `Sampling`. For `adams`. Default 1: equal steps. */
  readonly shift?: number | undefined;
  /** Images to begin at, values from 0 to 1: x is (1 - from) start + from noise. Along a flow only, like `from` and `mask`. */
  readonly start?: Images | undefined;
  /** The noise level to begin at, 0.001 to 1. Default 1. */
  readonly from?: number | undefined;
  /** 1 for pixels of `start` that must stay unchanged, 0 elsewhere; as large as `start`. */
  readonly mask?: Images | undefined;
  /**
   * Removes grain after the last step: new noise on the image, and the mean of what the network predicts from each. Along a flow only. False:
   * no polish, whatever the network's default is.
   */
  readonly polish?: Polish | false | undefined;
}

const RUN_OPTIONS: Names<RunOptions<unknown, unknown>> = {
  steps: true,
  method: true,
  labels: true,
  guidance: true,
  guidanceRange: true,
  shift: true,
  start: true,
  from: true,
  mask: true,
  polish: true,
};

/**
 * Options of `sample` and `run`, which copies arrays at once. Images are [count][height][width][channels], or pictures, one for each image; a single picture
 * is for all.
 */
export interface SampleOptions
  extends RunOptions<Float32Array | Picture | readonly Picture[], ArrayLike<number>> {
  /** Fixes the noise that the images start from, and the noise of a polish, 0 to 2^32 - 1. Default: a new one, then `sampler.seed`. */
  readonly seed?: number | undefined;
  /** Noise to use instead: [count][height][width][channels]; uniform from 0 to 1 for `mix`, else Gaussian. */
  readonly noise?: Float32Array | undefined;
  /** Ends the run between two submissions; it then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of completed steps, which may grow by several each time. */
  readonly onStep?: ((done: number) => void) | undefined;
}

const SAMPLE_OPTIONS: Names<SampleOptions> = {
  ...RUN_OPTIONS,
  seed: true,
  noise: true,
  signal: true,
  onStep: true,
};

/** The options after all pictures were converted to arrays. */
export type LoadedOptions = Omit<SampleOptions, 'start' | 'mask'> &
  Pick<RunOptions<Float32Array, never>, 'start' | 'mask'>;

/** Buffers, whole or in part, hold f32, labels u32, and have the usage COPY_SRC. */
export interface EncodeRunOptions extends RunOptions<BufferSlice, BufferSlice | ArrayLike<number>> {
  /** Makes the noise that `sample` makes from it, 0 to 2^32 - 1. If omitted, the buffer holds the noise; polishing uses seed 0. */
  readonly seed?: number | undefined;
}

const ENCODE_RUN_OPTIONS: Names<EncodeRunOptions> = { ...RUN_OPTIONS, seed: true };

/** One sampling step, or the polish after the last; all images are [count][height][width][channels], from 0 to 1. */
export interface SampleEvent {
  /** 0 to steps - 1; steps for the polish. */
  readonly step: number;
  /** x before the step. */
  readonly input: Float32Array<ArrayBuffer>;
  /** The network's prediction of the clean image, but for the pixels that a mask names; of the polish, x after it. */
  readonly prediction: Float32Array<ArrayBuffer>;
  /** x after the step; with `mix` clip(input * (1 - m) + prediction * m, 0, 1), m = 1 / (steps - step). */
  readonly x: Float32Array<ArrayBuffer>;
}

/** The checked options of a run, with defaults filled in. */
export interface RunPlan {
  /** Whether the run follows a flow; else it makes the tutorial's steps. */
  readonly flow: boolean;
  readonly settings: PassOptions;
}

/** Checks the options of a sampler and fills in the defaults. */
export function checkSampler(options: SamplerOptions) {
  checkNames('A sampler', options, SAMPLER_OPTIONS);
  const { count = 64, variants, tune } = options;
  checkInteger('count', count, 1, 65536);
  checkBooleans({ tune });
  return { count, variants, tune };
}

/** Throws unless samples can be made with a network of this configuration. */
export function checkSampled(config: UNetConfig): void {
  const outChannels = countOutChannels(config);
  if (outChannels === config.channels) return;
  throw argumentError(
    `This UNet makes ${outChannels} channels of ${config.channels}; sampling needs as many as it takes. Use predict.`,
  );
}

export function checkEncode(options: EncodeRunOptions): void {
  checkNames('encodeRun', options, ENCODE_RUN_OPTIONS);
  if (options.seed !== undefined) checkSeed(options.seed);
}

/** The parts of a UNet that a run depends on. */
type Sampled = { readonly config: UNetConfig; readonly sampling?: Sampling | undefined };

/** Checks a run of `count` images with a network and fills in the defaults; throws an `argument` error if it is not legal. */
export function checkRun(options: RunOptions<unknown, unknown>, unet: Sampled, count: number): RunPlan {
  const { conditioning } = unet.config;
  const { sampling: usual } = unet;
  const { labels, from } = options;
  const { steps = usual?.steps, method = usual?.method ?? (conditioning?.noiseLevel ? 'euler' : 'mix') } =
    options;
  if (steps === undefined)
    throw argumentError(
      'steps is missing, and this network has no default: give sample({ steps: 20 }), or createUNet(config, { sampling }).',
    );
  checkInteger('steps', steps, 1, MAX_SAMPLING_STEPS);
  if (!METHODS.includes(method)) {
    throw wrongArgument('method', method, METHODS.join(', '));
  }
  const flow = method !== 'mix';
  const guides = flow && labels !== undefined;
  const { guidance = guides ? (usual?.guidance ?? 2) : 1 } = options;
  checkGuidance({ guidance, labels, flow, classes: conditioning?.classes ?? 0, count });
  checkRange(options.guidanceRange, method, labels);
  checkShift(options.shift, method);
  checkPolish(options.polish);
  checkBeginning(options, flow);
  if (usual?.calls !== undefined) checkDistilled(options, { method, steps: steps!, guidance }, usual.calls);
  const ranged = guides && method !== 'heun';
  const { guidanceRange = ranged ? usual?.guidanceRange : undefined } = options;
  const { polish = flow && usual?.polish } = options;
  const { shift = method === 'adams' ? usual?.shift : undefined } = options;
  const begun = { method, steps: steps!, from: from ?? 1, shift };
  return { flow, settings: { ...begun, guidance, guidanceRange, polish: polish || undefined } };
}

/** Throws unless the options of a distilled network are the ones that it has learned. */
function checkDistilled(
  options: RunOptions<unknown, unknown>,
  { method, steps, guidance }: Sampling,
  calls: number,
): void {
  const { guidanceRange, start, from, mask, polish } = options;
  const wrong = Object.entries({
    method: method === 'euler' ? undefined : method,
    steps: steps === calls ? undefined : steps,
    guidance: guidance === 1 ? undefined : guidance,
    guidanceRange,
    start,
    from,
    mask,
    polish: polish || undefined,
  }).find(([_, value]) => value !== undefined);
  if (!wrong) return;
  const [name, value] = wrong;
  throw argumentError(
    `${name} is ${typeof value === 'object' ? 'given' : value}, but this network is distilled to ${calls} ${calls === 1 ? 'call' : 'calls'}: it goes from noise to images in ${calls} ${calls === 1 ? 'step' : 'steps'} of euler at guidance 1. Leave it out, or take the network that it was distilled from.`,
  );
}

function checkRange(range: unknown, method: SamplingMethod, labels: unknown): void {
  if (range === undefined) return;
  if (!isGuidanceRange(range)) {
    throw wrongArgument('guidanceRange', range, GUIDANCE_RANGE);
  }
  if (method === 'euler' || method === 'adams') {
    if (labels !== undefined) return;
    throw argumentError('guidanceRange is given without labels. Give labels, or leave it out.');
  }
  throw argumentError(
    `guidanceRange is given and method ${method}; it is for the methods euler and adams. Leave it out.`,
  );
}

function checkGuidance(run: {
  readonly guidance: number;
  readonly labels: unknown;
  readonly flow: boolean;
  readonly classes: number;
  readonly count: number;
}): void {
  const { guidance, labels, flow, classes, count } = run;
  checkNumber('guidance', guidance, 0, 100);
  if (labels !== undefined && classes === 0) {
    throw argumentError(
      'labels are given, and this UNet is not conditioned on classes. Leave them out, or use one with conditioning: { classes: 10 }, say.',
    );
  }
  if (guidance !== 1 && labels === undefined) {
    throw argumentError(
      `guidance is ${guidance}, which is for labels: ${classes === 0 ? 'this UNet is not conditioned on classes' : 'none are given'}. Leave it out${classes === 0 ? '' : `, or give ${count} labels from 0 to ${classes - 1}`}.`,
    );
  }
  if (!flow && guidance !== 1) {
    throw argumentError(
      `guidance is ${guidance} and method mix; guidance is for the methods euler, heun and adams. Leave it out.`,
    );
  }
}

function checkShift(shift: unknown, method: SamplingMethod): void {
  if (shift === undefined || isShift(shift, method)) return;
  throw wrongArgument('shift', shift, SHIFT);
}

function checkPolish(polish: unknown): void {
  if (polish === undefined || polish === false || isPolish(polish)) return;
  throw wrongArgument('polish', polish, `${POLISH}, or false`);
}

/** Checks start, level and mask of a run, and that only a flow has them, or a polish. */
function checkBeginning({ start, from, mask, polish }: RunOptions<unknown, unknown>, flow: boolean): void {
  for (const [name, value] of Object.entries({ start, from, mask, polish: polish || undefined })) {
    if (!flow && value !== undefined) {
      throw argumentError(`${name} is for the methods euler, heun and adams; this run has mix.`);
    }
  }
  if (from !== undefined && start === undefined) {
    throw argumentError(`from is ${from} without start; give the pictures to begin at, too.`);
  }
  if (mask !== undefined && start === undefined) {
    throw argumentError(
      'mask is given without start. Give start, too: the images whose pixels the mask keeps.',
    );
  }
  if (start !== undefined && from === undefined && mask === undefined) {
    throw argumentError(
      'start is given with neither from nor mask, and would not count. Give the noise level to begin at, from, or a mask of the pixels that stay.',
    );
  }
  if (from !== undefined) checkNumber('from', from, 1e-3, 1);
}

/** Like `checkRun`, for `sample` of `count` images with `imageSize` values each: also checks that all arrays are images. */
export function checkSample(
  options: LoadedOptions,
  unet: Sampled,
  count: number,
  imageSize: number,
): RunPlan & { readonly seed: number } {
  checkNames('Sampling', options, SAMPLE_OPTIONS);
  const { seed = Math.floor(Math.random() * 2 ** 32), noise, start, mask } = options;
  const run = checkRun(options, unet, count);
  checkSeed(seed);
  checkFunctions({ onStep: options.onStep });
  const size = count * imageSize;
  for (const [name, images] of Object.entries({ noise, start, mask })) {
    if (images === undefined) continue;
    if (!isFloats(images)) throw notImages(name, images);
    if (images.length !== size) {
      throw argumentError(
        `${name} has ${images.length} values; ${count} images of ${imageSize} values are ${size}.`,
      );
    }
  }
  // Far beyond what is ever drawn, and far from where a network overflows.
  const ofNoise = run.flow ? ([-1000, 1000] as const) : UNIT;
  for (const [name, images, [low, high]] of [
    ['noise', noise, ofNoise],
    ['start', start, UNIT],
    ['mask', mask, UNIT],
  ] as const) {
    const at = images?.findIndex((v) => !(v >= low && v <= high)) ?? -1;
    if (at >= 0) {
      throw argumentError(`${name}[${at}] is ${images![at]}; all values must be from ${low} to ${high}.`);
    }
  }
  return { ...run, seed };
}

const UNIT = [0, 1] as const;

const PICTURES = ['start', 'mask'] as const;

/** Whether the options have pictures. */
export const hasPictures = (options: SampleOptions) => PICTURES.some((name) => isPictures(options?.[name]));

/** The options with arrays instead of pictures, for `count` images. Arrays are copied at once. Other values stay, to be refused. */
export async function loadPictures(
  given: SampleOptions,
  config: UNetConfig,
  count: number,
): Promise<LoadedOptions> {
  const options = { ...given };
  for (const name of ['noise', 'labels', ...PICTURES] as const)
    Object.assign(options, { [name]: copyArray(given[name]) });
  const { picturesFor } = await loaded(import('../pictures/picture'));
  const arrays = PICTURES.flatMap((name) => {
    const given = options[name];
    return isPictures(given) ? [[name, picturesFor(name, given, config, { count, range: [0, 1] })]] : [];
  });
  return { ...options, ...Object.fromEntries(arrays) };
}
