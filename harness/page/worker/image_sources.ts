/** Where the page's images come from: what comes with it, and how the browser reads the user's pictures. */
import type { ImageSet } from '../../../src';
import { clip } from '../../../src/base/errors';
import { once } from '../../../src/base/load';
import { withTimeout } from '../../../src/base/time';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import type { PictureReader } from '../../pictures/own_images';

/** The longest wait for the page's own digits, 1.6 MB, in seconds. */
const WAIT = 60;
const late = `The digits have not come for ${WAIT} seconds. Check the connection, and reload the page.`;

/** The digits that come with the page. Throws `data` if they do not come. */
export const loadLabelledDigits = once(async (): Promise<ImageSet> => {
  const coming = Promise.all([loadDigits(), loadDigitLabels()]);
  const [images, labels] = await withTimeout(coming, 1000 * WAIT, late);
  return { ...images, labels, classNames: [...'0123456789'] };
});

/** Reads pictures with the browser's decoders. */
export const browserReader: PictureReader = {
  head: async ({ source }) => new Uint8Array(await (source as File).slice(0, HEAD).arrayBuffer()),
  async decode({ path, source }) {
    const name = clip(path.slice(path.lastIndexOf('/') + 1));
    const bitmap = await createImageBitmap(source as File, { premultiplyAlpha: 'none' }).catch(() => {
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
