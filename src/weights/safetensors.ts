import { asBytes, type ByteContainer, guessFormat } from '../base/bytes';
import { clip, dataError, isObject, show } from '../base/errors';

/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header with each tensor's type, shape and position, then the
 * tensors' bytes without gaps: https://github.com/huggingface/safetensors
 *
 * This file reads, and encode.ts writes, only F32, F16 and U32. F16 exists in files alone: in memory its values are a Float32Array. Typed arrays have
 * the machine's byte order, which is little-endian, like the format's, wherever there is WebGPU.
 */
export interface Tensor {
  /** Row-major; empty for a single number. */
  readonly shape: readonly number[];
  /** Its values. */
  readonly data: Float32Array | Uint32Array;
}

/** A tensor to write. */
export interface NamedTensor extends Tensor {
  /** Its name in the file. */
  readonly name: string;
  /** The type of a Float32Array's values in the file; `F16` rounds them to the nearest half, ties to even. Default `F32`. */
  readonly dtype?: FloatType | undefined;
}

/** The type of floats in a file. */
export type FloatType = 'F32' | 'F16';

/** The contents of a file. */
export interface Safetensors {
  /** The tensors by name, in the order of their data. */
  tensors: Map<string, Tensor>;
  /** The metadata in the header. */
  metadata: Record<string, string>;
}

/** The format's own limit. */
export const maxHeader = 100_000_000;
export const metadataKey = '__metadata__';

/**
 * Reads a safetensors file. Checks everything before it allocates anything. F32 and U32 tensors are views of the given bytes if their data
 * is aligned to 4 bytes, as in files whose header is padded, else copies. F16 becomes F32.
 *
 * `checkTensors` checks whether the tensors are the expected ones, and finite.
 *
 * @param name the file's name in errors
 * @throws EngineError `data` for bytes that are not such a file, `argument` for an argument without bytes
 */
export function decodeSafetensors(given: ByteContainer, name = 'The safetensors data'): Safetensors {
  const bytes = asBytes(given, name);
  const { header, start } = readHeader(bytes, name);
  const metadata = readMetadata(header[metadataKey], name);
  const places = Object.entries(header)
    .filter(([tensor]) => tensor !== metadataKey)
    .map(([tensor, entry]) => readPlace(tensor, entry, name))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  let covered = 0;
  for (const { tensor, begin, end } of places) {
    if (begin !== covered) {
      const problem = begin < covered ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw dataError(
        `${name}: tensor ${show(tensor)} at bytes ${begin} to ${end} ${problem}; it must begin at ${covered}. ` +
          damaged,
      );
    }
    covered = end;
  }
  const size = bytes.length - start;
  if (covered !== size) {
    const problem = covered > size ? 'is cut short' : 'has trailing bytes';
    throw dataError(
      `${name} ${problem}: its tensors take ${covered} bytes after the header, the file has ${size}. ${damaged}`,
    );
  }

  const tensors = new Map<string, Tensor>();
  for (const { tensor, dtype, shape, begin, end } of places) {
    tensors.set(tensor, { shape, data: readData(bytes, dtype, start + begin, start + end) });
  }
  return { tensors, metadata };
}

const damaged = 'The file is damaged: get or save it again.';

/** Bytes per value. */
const sizes = { F32: 4, F16: 2, U32: 4 };
type DType = keyof typeof sizes;

/** A tensor's position, in bytes from the end of the header. */
interface TensorRange {
  tensor: string;
  dtype: DType;
  shape: number[];
  begin: number;
  end: number;
}

function readHeader(bytes: Uint8Array, name: string): { header: Record<string, unknown>; start: number } {
  const refuse = (problem: string): never => {
    const look = guessFormat(bytes);
    throw dataError(`${name} ${look ? `is not a safetensors file.${look}` : problem}`);
  };
  // The shortest legal file is an empty header, {}.
  if (bytes.length < 10) {
    refuse(`has ${bytes.length} bytes, too few for a safetensors file: its header alone takes 10 or more.`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  const room = Math.min(bytes.length - 8, maxHeader);
  if (length < 2n || length > BigInt(room)) {
    refuse(
      bytes[8] === 0x7b
        ? `is cut short, or damaged: its first 8 bytes give a header of ${length} bytes; a file of ${bytes.length} bytes can have 2 to ${room}.`
        : 'is not a safetensors file. Give a model or a checkpoint that was saved as one.',
    );
  }
  const start = 8 + Number(length);
  let header: unknown;
  try {
    if (bytes[8] !== 0x7b) throw new Error('it must begin with {');
    header = JSON.parse(
      // Decode a copy: some runtimes cannot decode shared or growable memory.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.slice(8, start)),
    );
  } catch (cause) {
    const why = clip((cause as Error | undefined)?.message ?? '');
    // Without the cause: it quotes the file as it is, and some consoles print it.
    refuse(`is not a safetensors file, or is damaged: its header is not JSON (${why}).`);
  }
  return { header: header as Record<string, unknown>, start };
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  if (value === undefined) return {};
  const legal = isObject(value) && Object.values(value).every((item) => typeof item === 'string');
  if (!legal) {
    throw dataError(
      `${name}: ${metadataKey} is ${show(value)}; it must be an object whose values are strings. ${damaged}`,
    );
  }
  return value as Record<string, string>;
}

function readPlace(tensor: string, entry: unknown, name: string): TensorRange {
  const refuse = (problem: string): never => {
    throw dataError(`${name}: tensor ${show(tensor)} ${problem}`);
  };
  if (!isObject(entry))
    return refuse(`is ${show(entry)}; it must be an object with dtype, shape and data_offsets.`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDType(dtype)) {
    return refuse(`has dtype ${show(dtype)}; only F32, F16 and U32 are read. Save it as float32.`);
  }
  if (!isShape(shape))
    return refuse(`has shape ${show(shape)}; it must be a list of whole numbers. ${damaged}`);
  if (!isShape(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse(
      `has data_offsets ${show(offsets)}; they must be two whole numbers, begin and end. ${damaged}`,
    );
  }
  const [begin, end] = offsets;
  const size = elements(shape) * sizes[dtype];
  if (size !== end - begin) {
    return refuse(
      `of shape ${showShape(shape)} takes ${size} bytes, but its data_offsets ${showShape(offsets)} ` +
        `give it ${end - begin}. ${damaged}`,
    );
  }
  return { tensor, dtype, shape, begin, end };
}

/** The tensor data from byte `begin` to byte `end` of the file. */
function readData(bytes: Uint8Array, dtype: DType, begin: number, end: number): Float32Array | Uint32Array {
  if (dtype === 'F16') return fromHalves(bytes.subarray(begin, end));
  const type = dtype === 'F32' ? Float32Array : Uint32Array;
  const at = bytes.byteOffset + begin;
  return at % 4 === 0
    ? new type(bytes.buffer as ArrayBuffer, at, (end - begin) / 4)
    : new type(bytes.slice(begin, end).buffer);
}

/** `bytes` are little-endian halves, read by their bits: some runtimes lack Float16Array. NaNs keep theirs. */
function fromHalves(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length / 2);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) {
    const half = bytes[2 * i] | (bytes[2 * i + 1] << 8);
    const exponent = (half >>> 10) & 31;
    const mantissa = half & 0x3ff;
    // A subnormal half is its mantissa times 2^-24, and a normal number in F32. Other exponents have a bias of 15 in halves, of 127 in F32.
    if (exponent === 0) values[i] = mantissa * 2 ** -24;
    else bits[i] = ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
    bits[i] |= (half & 0x8000) << 16;
  }
  return values;
}

function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(sizes, value);
}

export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** `[5, 5, 1, 32]` */
export function showShape(shape: readonly number[]): string {
  return Array.isArray(shape) ? clip(`[${shape.join(', ')}]`) : show(shape);
}
