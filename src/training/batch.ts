/** A caller's batch: its legal contents, and the tensors that its parts go to. */

import { isFloats } from '../base/arrays';
import { argumentError, checkNames, checkObject, type Names, notImages } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import { type BufferSlice, checkSlice, isSlice, type Slice, toSlice } from '../gpu/slice';
import { type Packed, pack } from '../gpu/upload';
import { checkLabels, checkLevels } from '../unet/conditions';
import { countOutChannels, type UNetConfig } from '../unet/config';
import type { NetworkWeights } from '../unet/network';
import type { StepTensors } from './step';

/**
 * A caller's batch. Images are [count][height][width][channels], as arrays or as buffers of f32 with COPY_SRC, whole or in part
 * (`{ buffer, offset }`).
 */
export interface Batch<Source = Float32Array | BufferSlice, Labels = ArrayLike<number> | BufferSlice> {
  /** The network's input. */
  readonly noisy: Source;
  /** The output that the network should give for `noisy`. */
  readonly target: Source;
  /** [count] noise levels, for a network conditioned on them. */
  readonly levels?: Source | undefined;
  /** [count] classes, for a network conditioned on them (in a buffer: u32); the number of classes stands for no class. */
  readonly labels?: Labels | undefined;
  /** Images in the batch, at most `batchSize`; follows from the length of arrays, and is `batchSize` for buffers. */
  readonly count?: number | undefined;
}

const BATCH: Names<Batch> = { noisy: true, target: true, levels: true, labels: true, count: true };

/** A part of a batch, the tensor that it goes to, and its size in bytes. */
export interface BatchPart {
  readonly name: string;
  readonly to: keyof Pick<StepTensors, 'noisyImages' | 'targetImages' | 'levels' | 'classes'>;
  readonly bytes: number;
}

/** A part of a batch, with its source. */
export interface BatchSource extends BatchPart {
  readonly name: keyof Batch;
  readonly source: Slice | Float32Array<ArrayBufferLike> | Uint32Array<ArrayBuffer>;
}

/** Elements of an image of the network's input, and of its output. */
const imageSizes = (config: UNetConfig) => {
  const pixels = config.height * config.width;
  return { input: pixels * config.channels, output: pixels * countOutChannels(config) };
};

/** Throws unless the batch has exactly the parts that a step needs; returns its number of images. */
export function checkBatch(batch: Batch, unet: NetworkWeights, batchSize: number): number {
  checkObject('The batch', batch, '{ noisy, target }, say');
  checkNames('The batch', batch, BATCH);
  const { noisy, levels, labels, count } = batch;
  for (const name of ['noisy', 'target'] as const) {
    const source = batch[name];
    if (isFloats(source) || isSlice(source)) continue;
    throw notImages(name, source, ', or a GPUBuffer of such');
  }
  unet.checkConditions({ levels, labels });
  const { height, width, channels, conditioning } = unet.config;
  const { input, output } = imageSizes(unet.config);
  const n = count ?? (isFloats(noisy) ? noisy.length / input : batchSize);
  const legal = `1 to ${batchSize} images of ${height}x${width}x${channels}`;
  if (!Number.isInteger(n) || n < 1 || n > batchSize) {
    throw argumentError(`The batch has ${n} images; this trainer takes ${legal}.`);
  }
  if (levels !== undefined && !isSlice(levels)) checkLevels(levels, n);
  if (labels !== undefined && !isSlice(labels)) checkLabels(labels, conditioning!.classes, n);
  const needed = `${n} images need`;
  checkSource('noisy', noisy, n * input, needed, legal);
  checkSource('target', batch.target, n * output, needed, legal);
  checkSource('levels', levels, n, needed, legal);
  checkSource('labels', labels, n, needed, legal);
  return n;
}

/** Throws unless an array has exactly `values` values, or a buffer has room for them. */
function checkSource(
  name: string,
  source: BufferSlice | ArrayLike<number> | undefined,
  values: number,
  needed: string,
  legal: string,
): void {
  if (source === undefined) return;
  if (isSlice(source)) {
    checkSlice(`The buffer of ${name}`, source, values * 4, 'COPY_SRC');
  } else if (source.length !== values) {
    throw argumentError(`${name} has ${source.length} values; ${needed} ${values} (${legal}).`);
  }
}

/** The parts of a checked batch, and the tensors that they go to. */
export function listSources(batch: Batch, config: UNetConfig, count: number): BatchSource[] {
  const { noisy, levels, labels } = batch;
  const { input, output } = imageSizes(config);
  const placed = (source: Float32Array | BufferSlice) => (isSlice(source) ? toSlice(source) : source);
  const sources: BatchSource[] = [
    { name: 'noisy', source: placed(noisy), to: 'noisyImages', bytes: count * input * 4 },
    { name: 'target', source: placed(batch.target), to: 'targetImages', bytes: count * output * 4 },
  ];
  if (levels) sources.push({ name: 'levels', source: placed(levels), to: 'levels', bytes: count * 4 });
  if (labels) {
    const classes = isSlice(labels) ? toSlice(labels) : Uint32Array.from(labels);
    sources.push({ name: 'labels', source: classes, to: 'classes', bytes: count * 4 });
  }
  return sources;
}

/** A checked batch; `packed` has its arrays behind the fields of the step state that a step sets: the number of images, and settings to be filled in. */
export interface TakenBatch {
  readonly count: number;
  readonly sources: readonly BatchSource[];
  readonly packed: Packed;
}

/** Checks a batch and copies its arrays: their owner may change them at once. */
export function takeBatch(batch: Batch, unet: NetworkWeights, batchSize: number): TakenBatch {
  const count = checkBatch(batch, unet, batchSize);
  const sources = listSources(batch, unet.config, count);
  const arrays = sources.flatMap(({ source }) => (ArrayBuffer.isView(source) ? [source] : []));
  const packed = pack([Uint32Array.of(count), new Float32Array(1), new Float32Array(2), ...arrays]);
  return { count, sources, packed };
}

/**
 * Brings the parts of a batch that are buffers to their tensors. Throws `argument`, before anything else is submitted, if the device refuses one
 * because it is destroyed, mapped or of another device.
 */
export async function bringBuffers(
  gpu: Gpu,
  sources: readonly BatchSource[],
  bufferOf: (source: BatchSource) => GPUBuffer,
): Promise<void> {
  const encoder = gpu.device.createCommandEncoder({ label: 'batch' });
  let copies = 0;
  for (const each of sources) {
    const { source, bytes } = each;
    if (ArrayBuffer.isView(source)) continue;
    copies++;
    encoder.copyBufferToBuffer(source.buffer, source.offset, bufferOf(each), 0, bytes);
  }
  if (copies > 0) await gpu.submitCopies(encoder, 'a buffer of the batch');
}
