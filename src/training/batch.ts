/** A caller's own batch: what it must contain, and which tensors its parts go to. */
import { EngineError, notImages } from '../errors';
import { checkLabels, checkLevels, isBuffer } from '../unet/conditions';
import { outChannelsOf, type UNetConfig } from '../unet/config';
import type { NetworkWeights } from '../unet/network';
import type { StepTensors } from './step';

/** A batch of the caller's. Images are [count][height][width][channels], as arrays or as buffers of f32 with COPY_SRC. */
export interface Batch<Source = Float32Array | GPUBuffer, Labels = ArrayLike<number> | GPUBuffer> {
  readonly noisy: Source;
  /** What the network should output for `noisy`. */
  readonly target?: Source;
  /** The `target` of the tutorial: give one of the two. */
  readonly clean?: Source;
  /** [count] noise levels, for a network conditioned on them. */
  readonly levels?: Source;
  /** [count] classes, for a network conditioned on them (in a buffer: u32); the number of classes stands for no class. */
  readonly labels?: Labels;
  /** Images in the batch, at most `batchSize`; follows from the length of arrays, and is `batchSize` for buffers. */
  readonly count?: number;
}

/** A part of a batch, the tensor that it goes to, and its size in bytes. */
export interface BatchSource {
  readonly name: keyof Batch;
  readonly source: GPUBuffer | Float32Array | Uint32Array;
  readonly to: keyof Pick<StepTensors, 'noisyImages' | 'targetImages' | 'levels' | 'classes'>;
  readonly bytes: number;
}

/** Elements of an image: of the network's input, and of its output. */
const imageSizes = (config: UNetConfig) => {
  const pixels = config.height * config.width;
  return { input: pixels * config.channels, output: pixels * outChannelsOf(config) };
};

/** Throws unless the batch has exactly what a step needs; returns its number of images. */
export function checkBatch(batch: Batch, unet: NetworkWeights, batchSize: number): number {
  const { noisy, levels, labels, count } = batch;
  if ((batch.clean === undefined) === (batch.target === undefined)) {
    throw new EngineError(
      'argument',
      `The batch has ${batch.clean ? 'both clean and target' : 'neither clean nor target'}; give one of them: what the network is to make of noisy.`,
    );
  }
  const target = batch.clean ? 'clean' : 'target';
  for (const name of ['noisy', target] as const) {
    const source = batch[name];
    if (source instanceof Float32Array || isBuffer(source)) continue;
    throw notImages(name, source, ', or a GPUBuffer of such');
  }
  unet.checkTold({ levels, labels });
  const { height, width, channels, conditioning } = unet.config;
  const { input, output } = imageSizes(unet.config);
  const n = count ?? (noisy instanceof Float32Array ? noisy.length / input : batchSize);
  const legal = `1 to ${batchSize} images of ${height}x${width}x${channels}`;
  if (!Number.isInteger(n) || n < 1 || n > batchSize) {
    throw new EngineError('argument', `The batch has ${n} images; this trainer takes ${legal}.`);
  }
  if (levels !== undefined && !isBuffer(levels)) checkLevels(levels, n);
  if (labels !== undefined && !isBuffer(labels)) checkLabels(labels, conditioning!.classes, n);
  const needed = `${n} images need`;
  checkSource('noisy', noisy, n * input, needed, legal);
  checkSource(target, batch[target], n * output, needed, legal);
  checkSource('levels', levels, n, needed, legal);
  checkSource('labels', labels, n, needed, legal);
  return n;
}

/** Throws unless an array has exactly `values` values, or a buffer has room for them. */
function checkSource(
  name: string,
  source: GPUBuffer | ArrayLike<number> | undefined,
  values: number,
  needed: string,
  legal: string,
): void {
  if (source === undefined) return;
  const has = isBuffer(source) ? source.size / 4 : source.length;
  if (isBuffer(source) ? has < values : has !== values) {
    throw new EngineError('argument', `${name} has ${has} values; ${needed} ${values} (${legal}).`);
  }
  if (isBuffer(source) && !(source.usage & GPUBufferUsage.COPY_SRC)) {
    throw new EngineError('argument', `The buffer of ${name} lacks the usage COPY_SRC.`);
  }
}

/** The parts of a checked batch, and the tensors that they go to. */
export function sourcesOf(batch: Batch, config: UNetConfig, count: number): BatchSource[] {
  const { noisy, levels, labels } = batch;
  const { input, output } = imageSizes(config);
  const target = batch.target ? 'target' : 'clean';
  const sources: BatchSource[] = [
    { name: 'noisy', source: noisy, to: 'noisyImages', bytes: count * input * 4 },
    { name: target, source: batch[target]!, to: 'targetImages', bytes: count * output * 4 },
  ];
  if (levels) sources.push({ name: 'levels', source: levels, to: 'levels', bytes: count * 4 });
  if (labels) {
    const classes = isBuffer(labels) ? labels : Uint32Array.from(labels);
    sources.push({ name: 'labels', source: classes, to: 'classes', bytes: count * 4 });
  }
  return sources;
}
