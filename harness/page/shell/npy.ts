/** NumPy's .npy files of plain numbers: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Pure. */
import { clip, EngineError, show } from '../../../src/base/errors';

export interface Npy {
  readonly shape: readonly number[];
  /** In C order. */
  readonly values: ArrayLike<number>;
}

const TYPES: Readonly<Record<string, new (buffer: ArrayBuffer) => ArrayLike<number>>> = {
  '|b1': Uint8Array,
  '|u1': Uint8Array,
  '<i4': Int32Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
};

export function readNpy(bytes: Uint8Array<ArrayBuffer>, name: string): Npy {
  const refuse = (what: string): never => {
    throw new EngineError('data', `${name} ${what} Save it with numpy.save, as uint8 or float32.`);
  };
  // \x93NUMPY, a version of two bytes, and the length of the header: two bytes in version 1, else four.
  if (bytes.length < 12 || bytes[0] !== 0x93 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY')
    refuse('is not an .npy file.');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [start, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? 'several';
  const size = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (size === undefined) refuse('has no shape in its header.');
  if (!Object.hasOwn(TYPES, type)) {
    refuse(`holds values of the type ${show(type)}, and ${Object.keys(TYPES).join(', ')} can be read.`);
  }
  if (/'fortran_order':\s*True/.test(header)) refuse('is in Fortran order, and C order can be read.');
  const shape = size!
    .split(',')
    .filter((part) => part.trim())
    .map(Number);
  // A copy, of a Buffer as well: values must begin at a multiple of their size.
  const data = new Uint8Array(bytes.subarray(start + length)).buffer;
  const each = type === '<f8' ? 8 : type.endsWith('4') ? 4 : 1;
  const count = shape.reduce((product, n) => product * n, 1);
  if (data.byteLength !== count * each)
    refuse(
      `has ${data.byteLength} bytes of values; ${clip(shape.join(' x '))} of ${each} bytes are ${count * each}.`,
    );
  return { shape, values: new TYPES[type](data) };
}
