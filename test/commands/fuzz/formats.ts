/** Every format that is read, and what must hold of whatever is given to its reader. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import { comparisonTable, type Named, parseResult } from '../../../harness/bench/compare';
import { UsageError } from '../../../harness/cli/args';
import { parseVariants } from '../../../harness/cli/kernel_flags';
import { textTable } from '../../../harness/text/table';
import { EngineError } from '../../../src/base/errors';
import { type ImageSet, loadIdx, loadLabels } from '../../../src/data/idx';
import { checkConfig, listParameters } from '../../../src/unet/config';
import type { Variants } from '../../../src/unet/variants';
import { type Checkpoint, loadCheckpoint } from '../../../src/weights/checkpoint';
import { encodeSafetensors } from '../../../src/weights/encode';
import { loadModel, type Model } from '../../../src/weights/model';
import { decodeSafetensors, type Safetensors } from '../../../src/weights/safetensors';
import { saveModel } from '../../../src/weights/save_model';
import { checkpoint, model, resaved, unet } from '../../lib/small_files';
import { idxFile } from '../../lib/system';
import { asBuffer } from './damage';
import { watchMemory } from './memory';

export interface Format {
  readonly name: string;
  readonly files: readonly Uint8Array[];
  load(bytes: Uint8Array): unknown;
  /** Throws unless nothing is missing in what was loaded. */
  whole(loaded: never): unknown;
  /** The most bytes of memory that it may ask for at once. */
  most(bytes: Uint8Array): number | Promise<number>;
}

/** What a reader made of `bytes`, which it must treat alike as a Uint8Array and as a Buffer. Throws for a promise that is broken. */
export async function attempt(format: Format, bytes: Uint8Array): Promise<'loaded' | 'refused'> {
  const plain = await outcome(format, bytes);
  const buffer = await outcome(format, asBuffer(bytes));
  if (!isDeepStrictEqual(plain, buffer)) {
    throw new Error(`As a Buffer it is something else: ${plain.message} and ${buffer.message}`);
  }
  if (plain.message !== undefined) return 'refused';
  await format.whole(plain.loaded as never);
  return 'loaded';
}

async function outcome(format: Format, bytes: Uint8Array): Promise<{ loaded?: unknown; message?: string }> {
  const most = await format.most(bytes);
  const memory = watchMemory();
  try {
    return { loaded: await format.load(bytes) };
  } catch (error) {
    const isOurs = error instanceof EngineError || error instanceof UsageError;
    if (!isOurs) throw new Error(`A foreign exception: ${error}`, { cause: error });
    // Consoles show the causes, too.
    for (let { cause } = error; cause instanceof Error; cause = cause.cause) printed(cause.message);
    return { message: told(error.message) };
  } finally {
    const largest = memory.stop();
    // biome-ignore lint/correctness/noUnsafeFinally: whatever came of it, this is wrong
    if (largest > most) throw new Error(`It asked for ${largest} bytes at once; ${most} would be legal.`);
  }
}

/** A message that people can read, on a terminal too. */
export function told(message: string): string {
  if (message.length > 1500)
    throw new Error(`A message of ${message.length} letters: ${message.slice(0, 200)}`);
  printed(message);
  if (!/[.)]$/.test(message)) throw new Error(`A message without an end: ${message}`);
  return message;
}

/** Text that a terminal can show. */
function printed(text: string): void {
  const raw = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.exec(text);
  if (raw) throw new Error(`A text with U+${raw[0].codePointAt(0)!.toString(16)}: ${JSON.stringify(text)}`);
}

function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`A half load: ${what}`);
}

// ---------------------------------------------------------------- what is whole

function wholeImages({ images, count, height, width, channels }: ImageSet): void {
  must(count > 0 && images.length === count * height * width * channels, `${images.length} bytes of images`);
}

function wholeTensors({ tensors }: Safetensors): void {
  for (const { shape, data } of tensors.values())
    must(data.length === product(shape), `${data.length} values of [${shape}]`);
}

function wholeModel({ config, objective, parameters: weights }: Model): void {
  must(isDeepStrictEqual(checkConfig(config), config), 'config');
  must(objective === 'tutorial' || objective === 'flow', 'objective');
  const wanted = listParameters(config).parameters;
  const isWhole = wanted.every(({ name, size }) => weights.get(name)?.length === size);
  must(isWhole && weights.size === wanted.length, 'parameters');
  must(![...weights.values()].some((values) => !values.every(Number.isFinite)), 'not finite');
}

async function wholeCheckpoint(loaded: Checkpoint): Promise<void> {
  wholeModel(loaded);
  const { note: _, ...rest } = loaded;
  must(rest.losses.length === rest.state.step, 'losses');
  wholeVariants(rest.variants);
  const again = loadCheckpoint(await resaved(loaded));
  must(isDeepStrictEqual({ ...again, adapter: rest.adapter }, rest), 'it comes back as another');
}

const wholeVariants = (variants: Variants) =>
  must(!Object.values(variants).some((variant) => typeof variant !== 'string'), 'a variant');

/** All that is made of a result can be shown. */
const wholeBench = (named: Named) => printed(textTable(comparisonTable(named, named)));

// ---------------------------------------------------------------- files

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
const idx = (...sizes: number[]) =>
  idxFile(
    sizes,
    Array.from({ length: product(sizes) }, (_, i) => i * 7),
  );

const images = idx(3, 40, 50);

/** As a file of the old format, which has no checksum that would notice the damage first. */
export function withoutChecksum(file: Uint8Array): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(file);
  const { crc32: _, ...rest } = metadata;
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  return encodeSafetensors(named, { ...rest, version: '1' });
}

const tensors = encodeSafetensors(
  [
    { name: 'a', shape: [2, 3], data: new Float32Array(6) },
    { name: 'b', shape: [4], data: new Uint32Array(4) },
    { name: 'c', shape: [5], data: new Float32Array(5), dtype: 'F16' },
  ],
  { seed: '123' },
);

/** A chunk of what unpacks gzip. */
const CHUNK = 1 << 17;

/** What really is in a gzip file, up to where it is damaged. */
async function unpackedSize(bytes: Uint8Array): Promise<number> {
  let size = 0;
  try {
    const content = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream('gzip'));
    for await (const chunk of content) size += chunk.length;
  } catch {
    // As much as came.
  }
  return size;
}

/** Nothing is copied. */
const nothing = () => 64;
const asUnpacked = async (bytes: Uint8Array) => 2 * (await unpackedSize(bytes)) + CHUNK;
/** F16 becomes F32. */
const twice = ({ length }: Uint8Array) => 2 * length + 64;

const half = await saveModel(unet, { dtype: 'F16' });

/** As another program writes it: without our metadata. */
function foreign(file: Uint8Array): Uint8Array {
  const { tensors } = decodeSafetensors(file);
  return encodeSafetensors(
    [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
    { format: 'pt' },
  );
}
const { config } = unet;

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

const variants: Variants = { 'conv2d/down.1': 'winograd7', 'conv2d/up.0': 'direct' };
const gzipped = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));

const format = <T>(
  name: string,
  files: readonly Uint8Array[],
  load: (bytes: Uint8Array<ArrayBuffer>) => T | Promise<T>,
  whole: (loaded: T) => unknown,
  most: Format['most'] = twice,
): Format => ({ name, files, load: load as Format['load'], whole, most });
const asModel = (bytes: Uint8Array) => loadModel(bytes);
const asCheckpoint = (bytes: Uint8Array) => loadCheckpoint(bytes);
const asImages = (bytes: Uint8Array<ArrayBuffer>) => loadIdx(bytes);

export const formats: readonly Format[] = [
  format('IDX', [images], asImages, wholeImages, nothing),
  format(
    'labels',
    [idx(9)],
    (bytes) => loadLabels(bytes),
    (all) => must(all.length > 0, 'no labels'),
    nothing,
  ),
  format(
    'gzip',
    [images, idx(300, 28, 28), images.subarray(0, 900)].map(gzipped),
    asImages,
    wholeImages,
    asUnpacked,
  ),
  format(
    'model of another program',
    [foreign(await saveModel(unet, { layout: 'pytorch' })), foreign(model)],
    (bytes) => loadModel(bytes, 'it', { config }),
    (loaded) => {
      wholeModel(loaded);
      must(isDeepStrictEqual(loaded.config, config), 'another config');
    },
  ),
  format('safetensors', [tensors], (bytes) => decodeSafetensors(bytes), wholeTensors),
  format('model', [model, half], asModel, wholeModel),
  format('model, version 1', [model, half].map(withoutChecksum), asModel, wholeModel),
  format('checkpoint', [checkpoint], asCheckpoint, wholeCheckpoint),
  format('checkpoint, version 1', [withoutChecksum(checkpoint)], asCheckpoint, wholeCheckpoint),
  format(
    'bench.json',
    [new Uint8Array(readFileSync('docs/results/bench-node-lavapipe-64-convolutions.json'))],
    (bytes) => parseResult('it', new TextDecoder().decode(bytes)),
    wholeBench,
    nothing,
  ),
  format(
    'list of variants',
    [text({ settings: { seed: 1, variants } }), text(variants)],
    (bytes) => parseVariants(bytes, 'it'),
    wholeVariants,
    nothing,
  ),
];
