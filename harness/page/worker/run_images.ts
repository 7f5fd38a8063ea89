/** The images that a run trains on, and the network that the settings make for them. */
import { EngineError, type ImageSet, recipes, type UNetConfig } from '../../../src';
import { clip } from '../../../src/base/errors';
import { inTime } from '../../../src/base/time';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import letterBytes from '../../letters/letters.idx3-ubyte.gz?bytes';
import { imagesFrom, split } from '../../pictures/hold_out';
import type { PictureReader } from '../../pictures/own_images';
import { checkSides, levelsOf } from '../../run/network';
import { heldOutOf, type PageSettings } from '../messages/settings';

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

/** Reads PNG as the command line does, so that a run goes from one to the other, and other pictures with the browser's decoders. */
export const browserReader: PictureReader = {
  head: async ({ source }) => new Uint8Array(await (source as File).slice(0, HEAD).arrayBuffer()),
  async decode({ path, source }) {
    const name = clip(path.slice(path.lastIndexOf('/') + 1));
    const file = source as File;
    const { decodePng, isPng } = await import('../../pictures/png');
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isPng(bytes)) {
      return decodePng(bytes).catch(({ message }) => {
        throw new Error(`${name} ${message}`);
      });
    }
    const bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none' }).catch(() => {
      throw new Error(`${name} is not a picture that this browser can read`);
    });
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height);
  },
};
/** A photograph's own small copy may lie before its size. */
const HEAD = 131_072;

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
      `${held} images cannot be held out, as there are ${count}: hold out fewer, so that some are left to train on.`,
    );
  }
  return split(imagesFrom(all, 0, count), held);
}

/** Number of classes, which are counted from 0; undefined without labels. */
export const classesOf = (images?: ImageSet) =>
  images?.labels &&
  (images.classNames?.length ?? images.labels.reduce((most, label) => Math.max(most, label), 0) + 1);

/** The network of a recipe, for these images; without any, for digits. */
export function configFor({ recipe, widths }: PageSettings, images: ImageSet | undefined): UNetConfig {
  const { network }: { network: UNetConfig } = recipes[recipe];
  const { height, width, channels } = images ?? network;
  checkSides(recipe, { height, width });
  const { conditioning: known } = network;
  // Without labels, a flow is trained without classes.
  const conditioning = known && { ...known, classes: images ? (classesOf(images) ?? 0) : known.classes };
  return {
    ...network,
    height,
    width,
    channels,
    ...levelsOf(network, widths),
    ...(conditioning ? { conditioning } : {}),
  };
}

/** Throws if the network is conditioned on classes and the images have no labels. */
export function checkLabels({ labels }: ImageSet, { conditioning }: UNetConfig): void {
  if (!conditioning?.classes || labels) return;
  throw new EngineError(
    'data',
    `The network has ${conditioning.classes} classes, and these images have no labels. Choose the images that it was trained on, with their labels.`,
  );
}
