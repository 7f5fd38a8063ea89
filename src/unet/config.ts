/** The network as a configuration: a few numbers define layers, shapes and the parameter table. Pure, no GPU. */
import {
  argumentError,
  checkBooleans,
  checkInteger,
  checkNames,
  type Names,
  show,
  typeName,
  wrongArgument,
} from '../base/errors';
import { frozen } from '../base/frozen';
import { type Conditioning, embeddingRows, HIDDEN } from '../plan/conditioning';

/**
 * A UNet of `same` convolutions. For widths [w0 … wk] the levels on the way down go channels>w0, w0>w1, …, each but the last followed by
 * 2x2 max pooling; those on the way up go wk>w(k-1), …, w0>channels, each but the last followed by nearest 2x upsampling and the skip
 * connection, which adds the output of the way down at that size. A level has one convolution or more each way.
 */
export interface UNetConfig {
  /** Height of an image, in pixels: divisible by 2 for each level but the last. */
  readonly height: number;
  /** As for the height. */
  readonly width: number;
  /** Channels of the input: 1 for grey images, 3 for colours, or any other number. */
  readonly channels: number;
  /** Channels of each level, the outermost first; 1 to 16 levels. */
  readonly widths: readonly number[];
  /** An odd number. */
  readonly kernelSize: number;
  /**
   * Number of convolutions of each level on the way down, and again on the way up: one number for all levels, or one for each, in the order
   * of `widths`. A level's first convolution changes the number of channels; in the last level on the way up, the last one does. Default:
   * 1.
   */
  readonly convolutionsPerLevel?: number | readonly number[] | undefined;
  /**
   * Whether each convolution of a level after the first adds its input to its output: x + swish(conv(x)). The network's last convolution
   * never does. Default: false.
   */
  readonly residual?: boolean | undefined;
  /** The activation after the last convolution. All others are followed by swish. */
  readonly finalActivation: 'swish' | 'none';
  /** Channels of the network's output. Default: `channels`. */
  readonly outChannels?: number | undefined;
  /** The inputs of the network beside the image. Default: none. */
  readonly conditioning?: Conditioning | undefined;
}

/**
 * Networks by name: `tutorial`, 309,057 parameters; `digits`, the same network conditioned, 328,513; `pictures`, more and smaller
 * convolutions with residuals, in colour and without classes, 370,755.
 */
export const presets = /* @__PURE__ */ frozen({
  tutorial: {
    height: 28,
    width: 28,
    channels: 1,
    widths: [32, 64, 64],
    kernelSize: 5,
    finalActivation: 'swish',
  },
  digits: {
    height: 28,
    width: 28,
    channels: 1,
    widths: [32, 64, 64],
    kernelSize: 5,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 10 },
  },
  pictures: {
    height: 24,
    width: 24,
    channels: 3,
    widths: [32, 64, 64],
    kernelSize: 3,
    convolutionsPerLevel: [2, 2, 3],
    residual: true,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 0 },
  },
} as const satisfies Record<string, UNetConfig>);

/** `createUNet`'s default: the tutorial's network. */
export const defaultConfig: UNetConfig = presets.tutorial;

export const countOutChannels = ({ channels, outChannels = channels }: UNetConfig) => outChannels;

/** One convolution, with its bias and activation. */
export interface Layer {
  /** `down.0`, …, `up.0`, …, in levels of more than one `down.0.0`, `down.0.1`, …: the first part of its parameters' names. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly activation: 'swish' | 'none';
  /** Whether the layer adds its input to its activation. */
  readonly residual: boolean;
  /** The next operation: another convolution, pooling, upsampling with a skip connection, or none. */
  readonly next: 'convolution' | 'pool' | 'upsample' | 'output';
  /** In a conditioned network, this layer's first row in the biases per image. The last convolution has none. */
  readonly imageBias?: number | undefined;
}

/**
 * A parameter tensor. Kernels are HWIO [kernelSize, kernelSize, in, out] (Keras' order), kernels of linear layers [in, out], a table of
 * classes is [classes + 1, out], biases are [out].
 */
export interface Parameter {
  /** For instance `down.0.kernel`, `up.1.bias`: `down` and `up` with the number of the convolution on that way. */
  readonly name: string;
  /** Dimensions, the one that varies slowest first. */
  readonly shape: readonly number[];
  /** Its offset in the flat parameter buffer, in floats. */
  readonly offset: number;
  /** Its number of floats. */
  readonly size: number;
}

const FIELDS: Names<UNetConfig> = {
  height: true,
  width: true,
  channels: true,
  widths: true,
  kernelSize: true,
  convolutionsPerLevel: true,
  residual: true,
  finalActivation: true,
  outChannels: true,
  conditioning: true,
};

/** Fills in the tutorial's values for missing fields, and checks the result. Throws an `argument` error that names the field. */
export function checkConfig(given: Partial<UNetConfig> = {}): UNetConfig {
  checkNames('A UNet', given, FIELDS);
  const defined = Object.entries(given).filter(([_, value]) => value !== undefined);
  const {
    outChannels,
    conditioning: asked,
    convolutionsPerLevel,
    residual = false,
    ...config
  }: UNetConfig = { ...defaultConfig, ...Object.fromEntries(defined) };
  if (!Array.isArray(config.widths) || config.widths.length === 0 || config.widths.length > 16) {
    throw argumentError(`widths is ${show(config.widths)}; it must list the channels of 1 to 16 levels.`);
  }
  const divisor = 2 ** (config.widths.length - 1);
  for (const side of ['height', 'width'] as const) {
    checkInteger(side, config[side], 1, 4096);
    if (config[side] % divisor !== 0) {
      throw argumentError(
        `${side} is ${config[side]}; with ${config.widths.length} levels it must be a multiple of ${divisor}, since each level but the last halves it.`,
      );
    }
  }
  checkInteger('channels', config.channels, 1, 1024);
  for (const w of config.widths) checkInteger('widths', w, 1, 4096);
  checkInteger('kernelSize', config.kernelSize, 1, 31);
  if (config.kernelSize % 2 === 0) {
    throw argumentError(`kernelSize is ${config.kernelSize}; it must be odd.`);
  }
  if (config.finalActivation !== 'swish' && config.finalActivation !== 'none') {
    throw wrongArgument('finalActivation', config.finalActivation, 'swish or none');
  }
  if (outChannels !== undefined) checkInteger('outChannels', outChannels, 1, 1024);
  const convolutions = checkConvolutions(convolutionsPerLevel, config.widths.length);
  checkBooleans({ residual });
  const conditioning = checkConditioning(asked);
  return {
    ...config,
    widths: [...config.widths],
    // With one convolution per level, no layer is residual.
    ...(convolutions.some((count) => count > 1)
      ? { convolutionsPerLevel: convolutions, ...(residual ? { residual } : {}) }
      : {}),
    ...(outChannels === undefined || outChannels === config.channels ? {} : { outChannels }),
    ...(conditioning ? { conditioning } : {}),
  };
}

/** The number of convolutions of each level. */
function checkConvolutions(given: UNetConfig['convolutionsPerLevel'] = 1, levels: number): number[] {
  if (typeof given !== 'number' && (!Array.isArray(given) || given.length !== levels)) {
    throw argumentError(
      `convolutionsPerLevel is ${JSON.stringify(given)}; it must be a number, or ${levels} numbers, one for each of the widths.`,
    );
  }
  const counts = typeof given === 'number' ? Array<number>(levels).fill(given) : [...given];
  for (const count of counts) checkInteger('convolutionsPerLevel', count, 1, 16);
  return counts;
}

/** Returns undefined if the network is not conditioned. */
function checkConditioning(given: Conditioning | undefined): Conditioning | undefined {
  if (given === undefined) return undefined;
  if (typeName(given) !== 'Object') {
    throw wrongArgument('conditioning', given, 'like { noiseLevel: true, classes: 10 }, or left out');
  }
  checkNames('conditioning', given, { noiseLevel: true, classes: true } satisfies Names<Conditioning>);
  const { noiseLevel = false, classes = 0 } = given;
  checkBooleans({ 'conditioning.noiseLevel': noiseLevel });
  checkInteger('conditioning.classes', classes, 0, 255);
  return noiseLevel || classes > 0 ? { noiseLevel, classes } : undefined;
}

/** The convolutions in forward order: all levels down, then all levels up. */
export function listLayers(config: UNetConfig): Layer[] {
  const { widths, channels } = config;
  const last = widths.length - 1;
  const down = widths.flatMap((width, level) =>
    levelOf(config, {
      name: `down.${level}`,
      level,
      channels: [level === 0 ? channels : widths[level - 1], width],
      next: level === last ? 'convolution' : 'pool',
    }),
  );
  const up = widths.flatMap((_, i) =>
    levelOf(config, {
      name: `up.${i}`,
      level: last - i,
      channels: [widths[last - i], widths[Math.max(last - i - 1, 0)]],
      next: i === last ? 'output' : 'upsample',
    }),
  );
  let biases = 0;
  return [...down, ...up].map((layer): Layer => {
    if (!config.conditioning || layer.next === 'output') return layer;
    biases += layer.outChannels;
    return { ...layer, imageBias: biases - layer.outChannels };
  });
}

interface Level {
  readonly name: string;
  readonly level: number;
  readonly channels: readonly [from: number, to: number];
  readonly next: Layer['next'];
}

/** The convolutions of a level, on the way down or up. */
function levelOf(config: UNetConfig, { name, level, channels: [from, to], next }: Level): Layer[] {
  const { height, width, kernelSize, residual = false, finalActivation } = config;
  const count = convolutionsOf(config)[level];
  return Array.from({ length: count }, (_, i) => {
    const isLast = i === count - 1;
    const isOutput = isLast && next === 'output';
    return {
      name: count === 1 ? name : `${name}.${i}`,
      height: height >> level,
      width: width >> level,
      inChannels: i === 0 ? from : to,
      outChannels: isOutput ? countOutChannels(config) : to,
      kernelSize,
      activation: isOutput ? finalActivation : 'swish',
      residual: residual && i > 0 && !isOutput,
      next: isLast ? next : 'convolution',
    };
  });
}

const convolutionsOf = ({ widths, convolutionsPerLevel: given = 1 }: UNetConfig): readonly number[] =>
  typeof given === 'number' ? widths.map(() => given) : given;

/** The linear layers of a conditioned network: convolutions of images of a single pixel. */
export interface ConditioningLayers extends Conditioning {
  /** Reads the features of noise level and class from `embedding`. */
  readonly hidden: Layer;
  /** Outputs the biases per image of all convolutions that have them. */
  readonly output: Layer;
}

export function conditioningLayers(config: UNetConfig): ConditioningLayers | undefined {
  const { conditioning } = config;
  if (!conditioning) return undefined;
  const linear = (name: string, inChannels: number, outChannels: number): Layer => ({
    name: `conditioning.${name}`,
    height: 1,
    width: 1,
    inChannels,
    outChannels,
    kernelSize: 1,
    activation: name === 'hidden' ? 'swish' : 'none',
    residual: false,
    next: name === 'hidden' ? 'convolution' : 'output',
  });
  const conditioned = listLayers(config).filter(({ imageBias }) => imageBias !== undefined);
  const biases = conditioned.reduce((sum, { outChannels }) => sum + outChannels, 0);
  return {
    ...conditioning,
    hidden: linear('hidden', embeddingRows(conditioning), HIDDEN),
    output: linear('output', HIDDEN, biases),
  };
}

/**
 * The flat parameter buffer. A layer's bias follows its kernel; layers start at multiples of 64 floats (256 bytes). The conditioning comes
 * last; its table of classes follows the kernel of the first linear layer, as if classes were more of its inputs.
 */
export function listParameters(config: UNetConfig): { parameters: Parameter[]; size: number } {
  const parameters: Parameter[] = [];
  let offset = 0;
  const add = (name: string, shape: readonly number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    if (size > 0) parameters.push({ name, shape, offset, size });
    offset += size;
  };
  const align = () => {
    offset = Math.ceil(offset / 64) * 64;
  };
  for (const { name, kernelSize: k, inChannels, outChannels } of listLayers(config)) {
    add(`${name}.kernel`, [k, k, inChannels, outChannels]);
    add(`${name}.bias`, [outChannels]);
    align();
  }
  const conditioning = conditioningLayers(config);
  if (conditioning) {
    const { noiseLevel, hidden, output } = conditioning;
    const frequencies = embeddingRows({ noiseLevel, classes: 0 });
    add(`${hidden.name}.kernel`, [frequencies, hidden.outChannels]);
    add(`${hidden.name}.classes`, [hidden.inChannels - frequencies, hidden.outChannels]);
    add(`${hidden.name}.bias`, [hidden.outChannels]);
    align();
    add(`${output.name}.kernel`, [output.inChannels, output.outChannels]);
    add(`${output.name}.bias`, [output.outChannels]);
    align();
  }
  return { parameters, size: offset };
}
