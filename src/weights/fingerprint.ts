import { argumentError, checkObject, clip, dataError, defined, typeName } from '../base/errors';
import { fnv1a } from '../base/hash';
import type { ImageSet } from '../data/idx';

/**
 * Identifies a data set. For custom batches, give the image size, the number of images (or 1), and any identifying text as `fnv1a`. Its names
 * are for people: `assertSameData` compares none of them.
 */
export interface DataFingerprint {
  /** Number of images, 1 or more. */
  readonly count: number;
  /** Height of an image, in pixels. */
  readonly height: number;
  /** Width of an image, in pixels. */
  readonly width: number;
  /** Channels of an image: 1 for grey, 3 for colours. */
  readonly channels: number;
  /** For an ImageSet: FNV-1a (32 bits) of the bytes, in hexadecimal. */
  readonly fnv1a: string;
  /** FNV-1a of the labels, if there are any. */
  readonly labels?: string | undefined;
  /** The data set's name. */
  readonly name?: string | undefined;
  /** The name of each class, by label; at most 256. A class without a name is called by its label. */
  readonly classNames?: readonly string[] | undefined;
}

/** The fingerprint of a data set, for a checkpoint's `data`. */
export function fingerprintImages(set: ImageSet): DataFingerprint {
  if (!ArrayBuffer.isView(set?.images)) {
    throw argumentError(
      `The images are of type ${typeName(set?.images)}; they must be an ImageSet, whose images are bytes.`,
    );
  }
  const { images, labels, count, height, width, channels, name, classNames } = set;
  const hashes = { fnv1a: fnv1a(images), labels: labels && fnv1a(labels) };
  return defined({ count, height, width, channels, ...hashes, name, classNames });
}

/** Throws a `data` error unless a run trained on `before` may continue with `now`. Compares labels only if both have them. */
export function assertSameData(before: DataFingerprint, now: DataFingerprint): void {
  checkObject("The checkpoint's data", before, 'what fingerprintImages returns');
  checkObject("The data set's fingerprint", now, 'what fingerprintImages returns');
  const both = before.labels !== undefined && now.labels !== undefined;
  const keys = [
    'count',
    'height',
    'width',
    'channels',
    'fnv1a',
    ...(both ? (['labels'] as const) : []),
  ] as const;
  if (keys.every((key) => before[key] === now[key])) return;
  const show = (d: DataFingerprint) =>
    `${d.count} images of ${d.height}x${d.width}x${d.channels} (FNV-1a ${clip(String(d.fnv1a))}${both ? `, labels ${clip(String(d.labels))}` : ''})`;
  throw dataError(
    `The checkpoint was trained on ${show(before)}; this data set has ${show(now)}. Give the same images, in the same order.`,
  );
}
