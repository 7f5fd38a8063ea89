/** Drawings with their digits: as the images that a run trains on, and as text beside the run's notes. Pure. */
import type { ImageSet } from '../../../src';
import { SIDE } from '../../pictures/strokes';
import { plural } from '../../text/units';

export interface KeptDrawing {
  /** The drawing as the network sees it, 0 to 255, [SIDE][SIDE]. */
  readonly image: Uint8Array<ArrayBuffer>;
  readonly digit: number;
}

/** The name of the drawings as a data set. */
export const nameOfDrawings = (drawings: readonly KeptDrawing[]) => plural(drawings.length, 'drawing');

/** The drawings as a data set. */
export function imagesOfDrawings(drawings: readonly KeptDrawing[]): ImageSet {
  return {
    images: Uint8Array.from(drawings.flatMap(({ image }) => [...image])),
    labels: Uint8Array.from(drawings, ({ digit }) => digit),
    count: drawings.length,
    height: SIDE,
    width: SIDE,
    channels: 1,
    name: nameOfDrawings(drawings),
  };
}

const EACH = 1 + SIDE * SIDE;

/** Base64 of each digit and its pixels, a byte each. */
export const textOfDrawings = (drawings: readonly KeptDrawing[]): string =>
  textOfBytes(drawings.flatMap(({ image, digit }) => [digit, ...image]));

/** Undefined for a text that is none of drawings: another version of the page, or its user, may have written it. */
export function drawingsOfText(text: string): readonly KeptDrawing[] | undefined {
  const bytes = bytesOfText(text);
  if (!bytes || bytes.length === 0 || bytes.length % EACH > 0) return undefined;
  const drawings = Array.from({ length: bytes.length / EACH }, (_, i) => ({
    digit: bytes[i * EACH],
    image: bytes.slice(i * EACH + 1, (i + 1) * EACH),
  }));
  return drawings.every(({ digit }) => digit < 10) ? drawings : undefined;
}

/** Base64 of bytes. */
export const textOfBytes = (bytes: Iterable<number>): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** Undefined for a text that is no base64. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}
