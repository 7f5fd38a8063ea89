/** NumPy's .npy files of plain numbers: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Pure. */
import { clip, EngineError, show } from '../../src/base/errors';
import type { ImageSet } from '../../src/data/idx';

/** Labels are bytes, and a network has one more row for no class. */
export const MOST_CLASSES = 255;

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

interface NamedNpy extends Npy {
  readonly name: string;
}

/** One array of images, [count][height][width] and perhaps [1] or [3], and perhaps one of labels, [count]. Pure. */
export function ofNpy(arrays: readonly NamedNpy[]): ImageSet {
  const images = arrays.filter(({ shape }) => shape.length >= 3);
  const labels = arrays.filter(({ shape }) => shape.length === 1);
  const fail = (message: string): never => {
    throw new EngineError('data', message);
  };
  if (images.length !== 1 || labels.length > 1 || images.length + labels.length < arrays.length) {
    fail(
      'An .npy file must hold images, [count, height, width] or [count, height, width, 3], and one beside it may hold their labels, [count].',
    );
  }
  const [{ name, shape, values }] = images;
  const [count, height, width, channels = 1] = shape;
  if (shape.length > 4 || (channels !== 1 && channels !== 3))
    fail(
      `${name} has the shape ${shape.join(' x ')}; images are count x height x width, or count x height x width x 3 for colour.`,
    );
  if (labels[0] && labels[0].shape[0] !== count)
    fail(`${labels[0].name} holds ${labels[0].shape[0]} labels, and ${name} ${count} images.`);
  const scale = values instanceof Uint8Array ? 1 : 255;
  const given = Array.from(values);
  const wrong = given.findIndex((value) => !(value >= 0 && value * scale <= 255));
  if (wrong >= 0)
    fail(
      `${name} holds ${values[wrong]}; floats must be from 0 (paper, or black) to 1 (ink, or full colour).`,
    );
  const classes = labels[0] && Array.from(labels[0].values);
  const odd = classes?.find((label) => !(Number.isInteger(label) && label >= 0 && label < MOST_CLASSES));
  if (odd !== undefined)
    fail(`${labels[0].name} holds ${odd}; labels are whole numbers from 0 to ${MOST_CLASSES - 1}.`);
  const bytes = Uint8Array.from(given, (value) => Math.round(value * scale));
  return {
    images: bytes,
    count,
    height,
    width,
    channels,
    name,
    ...(classes ? { labels: Uint8Array.from(classes) } : {}),
  };
}
