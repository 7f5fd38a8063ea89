/** Converts the user's own images, PNG files in folders or .npy, to IDX files, which the page takes. Uses the browser's decoders, no page. */
import { EngineError } from '../../../src/base/errors';
import { idxFiles } from './idx_files';
import { type Npy, readNpy } from './npy';

export interface OwnFile {
  readonly file: File;
  /** The name of the folder that it was dropped in; '' for none. */
  readonly folder: string;
}

/** Ink, one byte a pixel: 0 for paper. */
export interface Grey {
  readonly name: string;
  readonly folder: string;
  readonly height: number;
  readonly width: number;
  readonly ink: Uint8Array<ArrayBuffer>;
}

const isPicture = ({ file }: OwnFile) => /\.(png|jpe?g|webp|gif|bmp)$/i.test(file.name);
const isNpy = ({ file }: OwnFile) => /\.npy$/i.test(file.name);
export const isOwn = (file: OwnFile) => isPicture(file) || isNpy(file);

/** Throws an EngineError `data` whose message explains the problem in a sentence. */
export async function ownImages(files: readonly OwnFile[]): Promise<ReturnType<typeof idxFiles>> {
  const pictures = files.filter(isPicture);
  const arrays = files.filter(isNpy);
  if (arrays.length > 0 && pictures.length > 0)
    throw new EngineError('data', 'There are pictures and .npy files; choose or drop one kind at a time.');
  if (arrays.length > 0) return ofNpy(await Promise.all(arrays.map(readArray)));
  // In the order of their names, whatever order they were dropped in, so that a run can be repeated.
  const sorted = [...pictures].sort((a, b) =>
    order(`${a.folder}/${a.file.name}`, `${b.folder}/${b.file.name}`),
  );
  return ofPictures(await Promise.all(sorted.map(decode)));
}

const order = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

/** Pure. */
export function ofPictures(pictures: readonly Grey[]): ReturnType<typeof idxFiles> {
  const [first] = pictures;
  const { height, width } = first;
  const other = pictures.find((picture) => picture.height !== height || picture.width !== width);
  if (other) {
    throw new EngineError(
      'data',
      `${other.name} is ${other.width} x ${other.height} pixels and ${first.name} ${width} x ${height}; all pictures must be of one size.`,
    );
  }
  const name = `${pictures.length.toLocaleString('en-US')} pictures`;
  return idxFiles(
    name,
    pictures.map(({ ink }) => ink),
    first,
    labelsOf(pictures),
  );
}

/** Folders named after numbers are these classes; others are classes in the order of their names. None: no labels. */
function labelsOf(pictures: readonly Grey[]): number[] | undefined {
  const names = [...new Set(pictures.map(({ folder }) => folder))].sort(order);
  if (names.length === 1 && names[0] === '') return undefined;
  const loose = pictures.find(({ folder }) => folder === '');
  if (loose)
    throw new EngineError(
      'data',
      `${loose.name} is in no folder, and others are; a folder’s name is the class of its pictures.`,
    );
  if (names.length === 1) {
    throw new EngineError(
      'data',
      `All pictures are in the folder ${names[0]}, so there is one class only. Add a folder of another class, or drop the pictures without their folder.`,
    );
  }
  const isNumber = names.every((folder) => /^\d{1,3}$/.test(folder) && Number(folder) <= 254);
  return pictures.map(({ folder }) => (isNumber ? Number(folder) : names.indexOf(folder)));
}

async function decode({ file, folder }: OwnFile): Promise<Grey> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new EngineError('data', `${file.name} is not a picture that this browser can read.`);
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  // Transparent pixels are paper.
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return { name: file.name, folder, height, width, ink: inkOf(data) };
}

/** Dark on light, or light on dark as MNIST's files are: ink is what there is less of. Pure. */
export function inkOf(rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const grey = Uint8Array.from({ length: rgba.length / 4 }, (_, i) => {
    const [r, g, b] = rgba.subarray(4 * i, 4 * i + 3);
    return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  });
  const isLight = grey.reduce((sum, value) => sum + value, 0) > 127 * grey.length;
  return isLight ? grey.map((value) => 255 - value) : grey;
}

interface NamedNpy extends Npy {
  readonly name: string;
}

async function readArray({ file }: OwnFile): Promise<NamedNpy> {
  return { name: file.name, ...readNpy(new Uint8Array(await file.arrayBuffer()), file.name) };
}

/** One array of images, [count][height][width] (and perhaps [1]), and perhaps one of labels, [count]. Pure. */
export function ofNpy(arrays: readonly NamedNpy[]): ReturnType<typeof idxFiles> {
  const images = arrays.filter(({ shape }) => shape.length >= 3);
  const labels = arrays.filter(({ shape }) => shape.length === 1);
  if (images.length !== 1 || labels.length > 1 || images.length + labels.length < arrays.length) {
    throw new EngineError(
      'data',
      'An .npy file must hold images, [count, height, width], and one beside it may hold their labels, [count].',
    );
  }
  const [{ name, shape, values }] = images;
  const [count, height, width, channels = 1] = shape;
  if (shape.length > 4 || channels !== 1)
    throw new EngineError(
      'data',
      `${name} has the shape ${shape.join(' x ')}; grey images are count x height x width.`,
    );
  if (labels[0] && labels[0].shape[0] !== count)
    throw new EngineError(
      'data',
      `${labels[0].name} holds ${labels[0].shape[0]} labels, and ${name} ${count} images.`,
    );
  const scale = values instanceof Uint8Array ? 1 : 255;
  const wrong = Array.from(values).findIndex((value) => !(value >= 0 && value * scale <= 255));
  if (wrong >= 0)
    throw new EngineError(
      'data',
      `${name} holds ${values[wrong]}; floats must be from 0 (paper) to 1 (ink).`,
    );
  const bytes = Uint8Array.from(values, (value) => Math.round(value * scale));
  const size = height * width;
  const each = Array.from({ length: count }, (_, i) => bytes.slice(i * size, (i + 1) * size));
  return idxFiles(name, each, { height, width }, labels[0] && Array.from(labels[0].values));
}
