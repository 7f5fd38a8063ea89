/** Writes safetensors files: see safetensors.ts. What only reads them goes without this. */

import { isFloats } from '../base/arrays';
import { argumentError, checkObject, show, typeName } from '../base/errors';
import {
  elements,
  type FloatType,
  isShape,
  maxHeader,
  metadataKey,
  type NamedTensor,
  showShape,
} from './safetensors';

/**
 * Writes the tensors in the given order. The same tensors and metadata give the same bytes.
 *
 * @param metadata any strings
 * @throws EngineError `argument` for a repeated or reserved name, a shape that does not fit its data, other types, or a finite value that
 * rounds to an infinite half in a tensor to be stored as F16
 */
export function encodeSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  if (typeof tensors?.[Symbol.iterator] !== 'function') {
    throw argumentError(
      `The tensors are of type ${typeName(tensors)}; they must be a list of { name, shape, data }.`,
    );
  }
  checkObject('metadata', metadata, '{ note: "a text" }');
  // From entries, so that a tensor may have any name, even __proto__.
  const entries = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) {
    checkMetadata(metadata);
    entries.set(metadataKey, metadata);
  }
  let size = 0;
  const stored: (Float32Array | Uint32Array | Uint16Array)[] = [];
  for (const tensor of tensors) {
    checkObject('A tensor', tensor, '{ name, shape, data }');
    const { name, shape } = tensor;
    if (typeof name !== 'string' || name === metadataKey || entries.has(name)) {
      throw argumentError(
        `${show(name)} cannot name a tensor: names must be strings, each used once, other than ${metadataKey}.`,
      );
    }
    const { dtype, values } = storedAs(tensor);
    entries.set(name, { dtype, shape, data_offsets: [size, size + values.byteLength] });
    stored.push(values);
    size += values.byteLength;
  }

  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // The format asks for padding with spaces to a multiple of 8, so that readers can use the data in place.
  const header = Math.ceil(json.length / 8) * 8;
  if (header > maxHeader) {
    throw argumentError(
      `The header takes ${header} bytes; at most ${maxHeader} are legal. Give fewer tensors or less metadata.`,
    );
  }
  const bytes = new Uint8Array(8 + header + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header), true);
  bytes.fill(0x20, 8, 8 + header);
  bytes.set(json, 8);
  let at = 8 + header;
  for (const data of stored) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function checkMetadata(metadata: Record<string, string>): void {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === 'string') continue;
    throw argumentError(
      `Metadata ${show(key)} is of type ${typeof value}; the format stores strings only: use JSON.stringify.`,
    );
  }
}

/** A tensor's numbers as stored in the file. Throws an `argument` error for a tensor that cannot be written. */
function storedAs({ name, shape, data, dtype: wanted }: NamedTensor) {
  if (!(isFloats(data) || typeName(data) === 'Uint32Array')) {
    throw argumentError(
      `Tensor ${show(name)} is neither a Float32Array nor a Uint32Array; no other type is written.`,
    );
  }
  if (!isShape(shape) || elements(shape) !== data.length) {
    throw argumentError(
      `Tensor ${show(name)} has shape ${showShape(shape)} but ${data.length} values; the sizes must be whole ` +
        'numbers whose product is the number of values.',
    );
  }
  const floats = isFloats(data);
  if (wanted !== undefined && !(floats && isFloatType(wanted))) {
    throw argumentError(
      `Tensor ${show(name)} is to be written as ${show(wanted)}; a Float32Array can be F32 or F16, and a ` +
        'Uint32Array takes no dtype.',
    );
  }
  const dtype = floats ? (wanted ?? 'F32') : 'U32';
  return { dtype, values: floats && dtype === 'F16' ? toHalves(data as Float32Array, name) : data };
}

/** Whether `value` is a type of floats in a file. */
export function isFloatType(value: unknown): value is FloatType {
  return value === 'F32' || value === 'F16';
}

// ---------------------------------------------------------------- halves, by their bits: some runtimes lack Float16Array

/** The largest half. */
const maxHalf = 65504;
const halfInfinity = 0x7c00;

/** @throws EngineError `argument` for a finite value that rounds to infinity; `name` is the tensor's name in the message */
function toHalves(values: Float32Array, name: string): Uint16Array {
  // A copy is aligned to 4 bytes, whatever `values` is a view of.
  const bits = new Uint32Array(values.slice().buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    halves[i] = toHalf(bits[i]);
    if ((halves[i] & 0x7fff) === halfInfinity && Number.isFinite(values[i])) {
      throw argumentError(
        `Tensor ${show(name)} cannot be F16: value ${i} of ${values.length} is ${values[i]}, beyond ±${maxHalf}, the ` +
          'largest half. Write it as F32.',
      );
    }
  }
  return halves;
}

/** The half nearest to the f32 with these bits; ties to even. */
function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  const exponent = magnitude >>> 23;
  if (exponent === 255) {
    const mantissa = (magnitude & 0x7fffff) >>> 13;
    // A NaN whose upper bits are all 0 must not become an infinity.
    const isLostNaN = magnitude > 0x7f800000 && mantissa === 0;
    return sign | halfInfinity | (isLostNaN ? 0x200 : mantissa);
  }
  // Less than 2^-25, half of the smallest subnormal.
  if (exponent < 102) return sign;
  // A subnormal half stores its leading 1 explicitly. If rounding carries beyond the mantissa, the exponent grows, as it must.
  if (exponent < 113) return sign | shiftRounded((magnitude & 0x7fffff) | 0x800000, 126 - exponent);
  const half = shiftRounded(magnitude - (112 << 23), 13);
  return sign | Math.min(half, halfInfinity);
}

/** `value / 2^by`, rounded to the nearest integer; ties to even. */
function shiftRounded(value: number, by: number): number {
  const odd = (value >>> by) & 1;
  return (value + (1 << (by - 1)) - 1 + odd) >>> by;
}
