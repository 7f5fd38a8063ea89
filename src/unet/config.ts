/** The network as a configuration: from a few numbers to layers, shapes and a parameter table. Pure, no GPU. */
import { checkInteger, checkNames, EngineError } from '../errors';

/**
 * A UNet of `same` convolutions. For widths [w0 … wk] the down layers are channels>w0, w0>w1, …, each but the last followed by
 * 2x2 max pooling; the up layers are wk>w(k-1), …, w0>channels, each but the last followed by nearest 2x upsampling and the
 * addition of the down layer's output of that size.
 */
export interface UNetConfig {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly widths: readonly number[];
  /** Odd. */
  readonly kernelSize: number;
  /** What follows the last convolution. All others are followed by swish. */
  readonly finalActivation: 'swish' | 'none';
}

/** The tutorial's network: 309,057 parameters. */
export const defaultConfig: UNetConfig = {
  height: 28,
  width: 28,
  channels: 1,
  widths: [32, 64, 64],
  kernelSize: 5,
  finalActivation: 'swish',
};

/** One convolution, with its bias and activation. */
export interface Layer {
  /** `down.0`, …, `up.0`, …: the first part of its parameters' names. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly activation: 'swish' | 'none';
}

/** A parameter tensor: kernels are HWIO [kernelSize, kernelSize, in, out] (Keras' order), biases [out]. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where it starts in the flat parameter buffer, in floats. */
  readonly offset: number;
  /** Its number of floats. */
  readonly size: number;
}

/** Puts the tutorial's values where none is given, and checks the result. Throws an `argument` error that names the field. */
export function checkConfig(given: Partial<UNetConfig> = {}): UNetConfig {
  checkNames('A UNet', given, Object.keys(defaultConfig));
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  const config: UNetConfig = { ...defaultConfig, ...Object.fromEntries(defined) };
  if (!Array.isArray(config.widths) || config.widths.length === 0 || config.widths.length > 16) {
    throw new EngineError(
      'argument',
      `widths is [${config.widths}]; it must list the channels of 1 to 16 levels.`,
    );
  }
  const divisor = 2 ** (config.widths.length - 1);
  for (const side of ['height', 'width'] as const) {
    checkInteger(side, config[side], 1, 4096);
    if (config[side] % divisor !== 0) {
      throw new EngineError(
        'argument',
        `${side} is ${config[side]}; with ${config.widths.length} levels it must be a multiple of ${divisor}, since each level but the last halves it.`,
      );
    }
  }
  checkInteger('channels', config.channels, 1, 1024);
  for (const w of config.widths) checkInteger('widths', w, 1, 4096);
  checkInteger('kernelSize', config.kernelSize, 1, 31);
  if (config.kernelSize % 2 === 0) {
    throw new EngineError('argument', `kernelSize is ${config.kernelSize}; it must be odd.`);
  }
  if (config.finalActivation !== 'swish' && config.finalActivation !== 'none') {
    throw new EngineError(
      'argument',
      `finalActivation is ${config.finalActivation}; it must be swish or none.`,
    );
  }
  return { ...config, widths: [...config.widths] };
}

/** The convolutions in forward order: all down layers, then all up layers. */
export function layersOf(config: UNetConfig): Layer[] {
  const { widths, channels, kernelSize } = config;
  const last = widths.length - 1;
  const at = (level: number) => ({
    height: config.height >> level,
    width: config.width >> level,
    kernelSize,
  });
  const down = widths.map((outChannels, i) => ({
    name: `down.${i}`,
    ...at(i),
    inChannels: i === 0 ? channels : widths[i - 1],
    outChannels,
    activation: 'swish' as const,
  }));
  const up = widths.map((_, i) => ({
    name: `up.${i}`,
    ...at(last - i),
    inChannels: widths[last - i],
    outChannels: i === last ? channels : widths[last - i - 1],
    activation: i === last ? config.finalActivation : ('swish' as const),
  }));
  return [...down, ...up];
}

/** The flat parameter buffer. A layer's bias follows its kernel; layers start at multiples of 64 floats (256 bytes). */
export function parametersOf(layers: readonly Layer[]): { parameters: Parameter[]; size: number } {
  const parameters: Parameter[] = [];
  let offset = 0;
  for (const { name, kernelSize: k, inChannels, outChannels } of layers) {
    const size = k * k * inChannels * outChannels;
    parameters.push({ name: `${name}.kernel`, shape: [k, k, inChannels, outChannels], offset, size });
    parameters.push({ name: `${name}.bias`, shape: [outChannels], offset: offset + size, size: outChannels });
    offset = Math.ceil((offset + size + outChannels) / 64) * 64;
  }
  return { parameters, size: offset };
}
