import { asBytes, type ByteContainer, guessFormat } from '../base/bytes';
import { argumentError, checkNames, checkSignal, dataError, type Names } from '../base/errors';
import { gunzip, isGzip } from './gzip';
import { type FileSource, readSource, sourceName } from './source';

/** Images as bytes, 0 to 255, in NHWC order: `images.length` is `count * height * width * channels`. */
export interface ImageSet<Memory extends ArrayBufferLike = ArrayBufferLike> {
  /** [count][height][width][channels]. */
  images: Uint8Array<Memory>;
  /** Number of images. */
  count: number;
  /** Height of an image, in pixels. */
  height: number;
  /** Width of an image, in pixels. */
  width: number;
  /** 1 for grey, 3 for colours. */
  channels: number;
  /** The class of each image, if known: `loadDigitLabels`, `loadLabels`. */
  labels?: Uint8Array | undefined;
  /** The name of each class, by its label. */
  classNames?: readonly string[] | undefined;
  /** What the images were made from, for people. */
  name?: string | undefined;
}

/** The content of an IDX file of images (`images` is count x height x width x channels) or of labels (one byte each). */
export type Idx<Memory extends ArrayBufferLike = ArrayBufferLike> =
  | (Omit<ImageSet<Memory>, 'labels' | 'classNames' | 'name'> & {
      /** The kind of the file. */
      kind: 'images';
    })
  | {
      /** The kind of the file. */
      kind: 'labels';
      /** One byte each. */
      labels: Uint8Array<Memory>;
      /** Number of labels. */
      count: number;
    };

/** Options of loading functions. */
export interface LoadOptions {
  /** Ends the loading, which then rejects with its reason. */
  signal?: AbortSignal | undefined;
}

const LOAD_OPTIONS: Names<LoadOptions> = { signal: true };

/** Throws an `argument` error unless these are options of `what`; returns the signal. */
export function checkLoad(
  what: string,
  options: LoadOptions,
  legal: Readonly<Record<string, true>> = LOAD_OPTIONS,
): AbortSignal | undefined {
  checkNames(what, options, legal);
  checkSignal(options.signal);
  return options.signal;
}

/** Most bytes that one file, or several merged, may hold: 70,000 images of 28 x 28 take 55 MB. */
const maxBytes = 2 ** 30;

/** The longest header: a magic number and four sizes of 32 bits. */
const maxHeader = 20;

/**
 * Reads an IDX file (the format of MNIST) of unsigned bytes, already unpacked. The result's arrays are views of the given bytes.
 *
 * Checks everything first: the magic number (0x00000803 for grey images, 0x00000804 for images of several channels, 0x00000801 for labels),
 * that no size is zero, and that the file is exactly as long as its header says.
 *
 * @param name the file's name in errors
 * @throws EngineError `data`, or `argument` for an argument without bytes
 */
export function readIdx<Memory extends ArrayBufferLike>(
  given: Uint8Array<Memory> | ByteContainer,
  name = 'The IDX data',
): Idx<Memory> {
  const bytes = asBytes(given, name) as Uint8Array<Memory>;
  if (isGzip(bytes)) {
    throw dataError(`${name} is packed with gzip; unpack it first, or use loadIdx, which does.`);
  }
  const { sizes, header, size } = readHeader(bytes, name);
  if (bytes.length !== size) {
    const what = bytes.length < size ? 'cut short: it' : 'too long: it';
    throw dataError(
      `${name} is ${what} has ${bytes.length} bytes, but its header promises ${sizes.join(' x ')} values after ` +
        `${header} bytes of header, ${size} bytes in all. Download it again.`,
    );
  }
  const content = bytes.subarray(header);
  const [count, height, width, channels = 1] = sizes;
  return sizes.length === 1
    ? { kind: 'labels', labels: content, count }
    : { kind: 'images', images: content, count, height, width, channels };
}

/**
 * Loads images from IDX files, grey (three dimensions) or of several channels (four dimensions, channels last), plain or gzip (detected by
 * content, not by name). Merges several files in the given order, for instance a training and a test set; their images must have the same
 * size.
 *
 * A single file that is not gzip is not copied: the result then shares memory with the given bytes.
 *
 * @returns bytes 0 to 255
 * @throws EngineError `data` for a file that cannot be read or does not hold images; `argument` for a wrong source; the signal's reason if
 * aborted
 */
export async function loadIdx<Memory extends ArrayBufferLike = ArrayBuffer>(
  source: FileSource<Memory> | readonly FileSource<Memory>[],
  options: LoadOptions = {},
): Promise<ImageSet<Memory | ArrayBuffer>> {
  const parts = await loadEach(source, 'images', checkLoad('loadIdx', options));
  const { height, width, channels } = parts[0].idx;
  for (const { idx, name } of parts) {
    if (idx.height !== height || idx.width !== width || idx.channels !== channels) {
      throw dataError(
        `${name} holds images of ${sizeText(idx)}, those before it are ${sizeText(parts[0].idx)} ` +
          `(${parts[0].name}). Files that are merged must agree in size; load them apart.`,
      );
    }
  }
  const images = merge(parts.map((part) => part.idx.images));
  return { images, count: images.length / (height * width * channels), height, width, channels };
}

const sizeText = ({ height, width, channels }: Pick<ImageSet, 'height' | 'width' | 'channels'>) =>
  `${height} x ${width}${channels === 1 ? '' : ` x ${channels}`}`;

/**
 * Loads labels from IDX files, merged in the given order: see `loadIdx`.
 *
 * @param options.count the required number of labels: the count of the images that they belong to
 * @returns one byte per image
 */
export async function loadLabels<Memory extends ArrayBufferLike = ArrayBuffer>(
  source: FileSource<Memory> | readonly FileSource<Memory>[],
  options: LoadOptions & { count?: number | undefined } = {},
): Promise<Uint8Array<Memory | ArrayBuffer>> {
  const signal = checkLoad('loadLabels', options, { ...LOAD_OPTIONS, count: true });
  const parts = await loadEach(source, 'labels', signal);
  const labels = merge(parts.map((part) => part.idx.labels));
  if (options.count !== undefined && labels.length !== options.count) {
    const names = parts.map((part) => part.name).join(', ');
    throw dataError(
      `${names} holds ${labels.length} labels, but there are ${options.count} images. ` +
        'Give the labels of the same files, in the same order.',
    );
  }
  return labels;
}

/** The bytes of one IDX file; unpacks gzip, but no further than its header promises. */
export async function loadIdxBytes<Memory extends ArrayBufferLike = ArrayBuffer>(
  source: FileSource<Memory>,
  name: string,
  signal?: AbortSignal,
): Promise<Uint8Array<Memory | ArrayBuffer>> {
  const bytes = await readSource(source, name, signal);
  if (!isGzip(bytes)) return bytes;
  return gunzip(bytes, name, maxHeader, (head) => readHeader(head, name).size, signal);
}

/** Loads the files one after the other, so that no two packed files are in memory at once. */
async function loadEach<Kind extends Idx['kind'], Memory extends ArrayBufferLike>(
  source: FileSource<Memory> | readonly FileSource<Memory>[],
  kind: Kind,
  signal?: AbortSignal,
): Promise<{ name: string; idx: Extract<Idx<Memory | ArrayBuffer>, { kind: Kind }> }[]> {
  const sources = isList(source) ? source : [source];
  if (sources.length === 0) {
    throw argumentError(`No files of ${kind} were given; give one or more.`);
  }
  const parts = [];
  for (const [i, one] of sources.entries()) {
    const name = sourceName(one, sources.length > 1 ? `File ${i + 1} of ${sources.length}` : 'The IDX data');
    const idx = readIdx(await loadIdxBytes(one, name, signal), name);
    if (!isKind(idx, kind)) {
      const use = idx.kind === 'images' ? 'loadIdx' : 'loadLabels';
      throw dataError(
        `${name} holds ${idx.kind}, not ${kind}: give the file of ${kind} beside it (${use} reads ${idx.kind}).`,
      );
    }
    parts.push({ name, idx });
  }
  return parts;
}

function isList<Source>(source: Source | readonly Source[]): source is readonly Source[] {
  return Array.isArray(source);
}

function isKind<File extends Idx, Kind extends Idx['kind']>(
  idx: File,
  kind: Kind,
): idx is Extract<File, { kind: Kind }> {
  return idx.kind === kind;
}

/** Checks the whole header. `size` is the length in bytes of the whole file, header included. */
function readHeader(bytes: Uint8Array, name: string): { sizes: number[]; header: number; size: number } {
  const refuse = (problem: string): never => {
    throw dataError(`${name} ${problem}`);
  };
  if (bytes.length < 4) {
    refuse(`has ${bytes.length} bytes; an IDX file begins with a magic number of 4. Download it again.`);
  }
  const [zero0, zero1, type, rank] = bytes;
  const magic = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (zero0 !== 0 || zero1 !== 0) {
    refuse(
      `is not an IDX file: it begins with 0x${magic}, not with 0x00000803 or 0x00000804 (images) or 0x00000801 (labels).${guessFormat(bytes)}`,
    );
  }
  if (type !== 8) {
    refuse(
      `has the magic number 0x${magic}, whose data type byte is 0x${magic.slice(4, 6)}; ` +
        'only 0x08, unsigned bytes, is read here. Convert it to bytes.',
    );
  }
  if (rank !== 1 && rank !== 3 && rank !== 4) {
    refuse(
      `has the magic number 0x${magic}, that is ${rank} dimensions; ` +
        'images have 3 (0x00000803: count, height, width) or 4 (0x00000804: and channels), labels 1 (0x00000801).',
    );
  }
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    refuse(
      `is cut short: it has ${bytes.length} bytes, its header alone takes ${header}. Download it again.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, header);
  const sizes = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const zero = sizes.indexOf(0);
  if (zero >= 0) {
    refuse(
      `says that its ${['count', 'height', 'width', 'number of channels'][zero]} is 0; every size must be at least 1.`,
    );
  }
  // Each size is below 2^32: their product may be rounded, but is then still far above the limit.
  const size = header + sizes.reduce((product, length) => product * length, 1);
  if (size > maxBytes) {
    refuse(
      `promises ${sizes.join(' x ')} values; at most ${maxBytes} bytes are read. ` +
        'If its header is right, split it into smaller files.',
    );
  }
  return { sizes, header, size };
}

function merge<Memory extends ArrayBufferLike>(
  arrays: Uint8Array<Memory>[],
): Uint8Array<Memory | ArrayBuffer> {
  if (arrays.length === 1) return arrays[0];
  const size = arrays.reduce((sum, array) => sum + array.length, 0);
  if (size > maxBytes) {
    throw dataError(
      `The ${arrays.length} files hold ${size} bytes together; at most ${maxBytes} are merged. Give fewer files.`,
    );
  }
  const merged = new Uint8Array(size);
  let at = 0;
  for (const array of arrays) {
    merged.set(array, at);
    at += array.length;
  }
  return merged;
}
