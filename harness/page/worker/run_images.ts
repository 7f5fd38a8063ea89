/** The images that a run trains on, and the network that the settings make for them. */
import { EngineError, type ImageSet, recipes, type UNetConfig } from '../../../src';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import { loadIdx, loadLabels } from '../../../src/files';
import { inTime } from '../../../src/keeping/in_time';
import letterBytes from '../../letters/letters.idx3-ubyte.gz?bytes';
import { imagesFrom, split } from '../../run/hold_out';
import { levelsOf } from '../../run/network';
import { heldOutOf, type PageSettings } from '../shell/settings';

/** The longest wait for the page's own digits, 1.6 MB, or letters, 0.4 MB, in seconds. */
const WAIT = 60;
const late = (what: string) =>
  `The ${what} have not come for ${WAIT} seconds. Check the connection, and reload the page.`;

/** The digits that come with the page. Throws `data` if they do not come. */
export async function loadLabelledDigits(): Promise<ImageSet> {
  const coming = Promise.all([loadDigits(), loadDigitLabels()]);
  const [images, labels] = await inTime(coming, 1000 * WAIT, late('digits'));
  return { ...images, labels, classNames: [...'0123456789'] };
}

/** The letters that come with the page. Throws `data` if they do not come. */
export async function loadLetters(): Promise<ImageSet> {
  const { readLetters } = await import('../../letters/letters');
  return inTime(letterBytes().then(readLetters), 1000 * WAIT, late('letters'));
}

export async function loadFiles(files: readonly File[], labels: readonly File[]): Promise<ImageSet> {
  for (const file of files) await checkKind(file);
  const images = await loadIdx(files);
  return labels.length > 0
    ? { ...images, labels: await loadLabels(labels, { count: images.count }) }
    : images;
}

/** Throws unless a file begins like IDX or gzip: the message helps a user who drops a text or a web page. */
async function checkKind(file: File): Promise<void> {
  const [first = 0, second = 0] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  if ((first === 0 && second === 0) || (first === 0x1f && second === 0x8b)) return;
  throw new EngineError(
    'data',
    `${file.name} is none of the files that this page takes: pictures (PNG, JPEG, WebP, GIF, BMP), .npy, IDX (plain or .gz), a model or checkpoint (.safetensors), or results of the bench (.json).`,
  );
}

/** The first `limit` of the images (0 means all): those to train on, and the last ones, which are held out. */
export function imagesOf(
  all: ImageSet | undefined,
  { limit, ...rest }: Pick<PageSettings, 'recipe' | 'limit' | 'holdout'>,
): ReturnType<typeof split> {
  if (!all)
    throw new EngineError('data', 'There are no images to train on: choose IDX files, or reload the page.');
  const count = limit > 0 ? Math.min(limit, all.count) : all.count;
  const held = heldOutOf(rest, count);
  if (held >= count) {
    throw new EngineError(
      'argument',
      `${held} images are to be held out, and there are ${count}: hold out fewer, so that some are left to train on.`,
    );
  }
  return split(imagesFrom(all, 0, count), held);
}

/** Number of classes, which are counted from 0; undefined without labels. */
export const classesOf = (images?: ImageSet) =>
  images?.labels &&
  (images.classNames?.length ?? images.labels.reduce((most, label) => Math.max(most, label), 0) + 1);

/** The network of a recipe, for these images; without any, for digits. */
export function networkOf({ recipe, widths }: PageSettings, images: ImageSet | undefined): UNetConfig {
  const { network }: { network: UNetConfig } = recipes[recipe];
  const { height, width, channels } = images ?? network;
  const told = network.conditioning;
  const conditioning = told && { ...told, classes: classesOf(images) ?? told.classes };
  return {
    ...network,
    height,
    width,
    channels,
    ...levelsOf(network, widths),
    ...(told ? { conditioning } : {}),
  };
}

/** Throws if the network is conditioned on classes and all images have the same one. */
export function checkClasses({ labels, count }: ImageSet, { conditioning }: UNetConfig): void {
  if (!conditioning?.classes || !labels?.every((label) => label === labels[0])) return;
  throw new EngineError(
    'data',
    `All ${count} images have the label ${labels[0]}, so there is one class only. Add images of another class, or train the recipe tutorial on them, which is told no class.`,
  );
}

/** Throws if the network is conditioned on classes and the images have no labels. */
export function checkLabels({ labels }: ImageSet, { conditioning }: UNetConfig): void {
  if (!conditioning?.classes || labels) return;
  throw new EngineError(
    'data',
    'These images come without labels, which this recipe’s network is told. Choose or drop their files of labels (…-labels-idx1-ubyte) together with those of images, or train the recipe tutorial on them.',
  );
}
