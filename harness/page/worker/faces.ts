/** Faces of this device: pictures to train on for visitors who have none at hand, drawn with the emoji font of the visitor. Nothing is fetched. */
import { EngineError } from '../../../src';
import { permutation } from '../../../src/base/random';
import { type MadeImages, makeSet, type Small, shrink } from '../../pictures/small_pictures';
import { FACES } from '../messages/calls';

/** Faces, from the first to the last of each block. Other emoji have too little in common to be learned in minutes. */
const BLOCKS = [
  [0x1f600, 0x1f637],
  [0x1f641, 0x1f644],
  [0x1f910, 0x1f917],
  [0x1f920, 0x1f92f],
  [0x1f970, 0x1f97a],
  [0x1f9d0, 0x1f9d0],
  [0x1fae0, 0x1fae8],
];
/** A private use character, for which a font draws its sign for a missing glyph. */
const MISSING = '\u{10fffd}';
/** Pixels of a side. Faces are drawn twice as large, and halved. */
const SIDE = 32;
const DRAWN = 2 * SIDE;
/** Pixels of the face inside of its drawing. */
const EXTENT = DRAWN - 4;
/** Fewer do not make a set of alike pictures. */
const LEAST = 60;
/** Bytes by which white may differ where a browser changes what is read from a canvas, lest it tell visitors apart. */
const NOISE = 2;

const MORE = `Choose pictures of your own: a folder of them, best ${LEAST} or more that are alike.`;

/** Faces of the emoji font, [count][32][32][3], shuffled, no two equal. Throws `data` where the browser cannot draw them. */
export async function drawFaces(): Promise<MadeImages> {
  const context = new OffscreenCanvas(DRAWN, DRAWN).getContext('2d', { willReadFrequently: true });
  if (!context) throw new EngineError('data', `This browser draws no text for this page. ${MORE}`);
  const draw = (text: string): Small => {
    context.fillStyle = '#fff';
    context.fillRect(0, 0, DRAWN, DRAWN);
    context.fillStyle = '#000';
    context.fillText(text, ...middle);
    return shrink(context.getImageData(0, 0, DRAWN, DRAWN), { width: SIDE, height: SIDE }, 'crop');
  };
  const middle = fitFont(context, String.fromCodePoint(BLOCKS[0][0]));
  if (!isWhite(draw('')))
    throw new EngineError('data', `This browser keeps pages from reading what they draw. ${MORE}`);
  const seen = new Set([keyOf(draw(MISSING))]);
  const faces: Small[] = [];
  for (const [first, last] of BLOCKS) {
    for (let code = first; code <= last; code++) {
      const face = draw(String.fromCodePoint(code));
      const key = keyOf(face);
      if (!face.grey && !isWhite(face) && !seen.has(key)) faces.push(face);
      seen.add(key);
    }
    // Other messages come between two blocks.
    await new Promise((resolve) => setTimeout(resolve));
  }
  if (faces.length < LEAST)
    throw new EngineError(
      'data',
      `The emoji font of this device has ${faces.length} coloured faces; ${LEAST} are needed. ${MORE}`,
    );
  // Shuffled: the last images measure a run, and must not be of one block.
  const mixed = Array.from(permutation(faces.length, 0, 0), (i) => faces[i]);
  const set = makeSet(mixed, { width: SIDE, height: SIDE }, { ink: 'auto' });
  return { ...set, images: { ...set.images, name: FACES } };
}

/** Sets the font so that `face` fills EXTENT pixels. Returns where to draw so that it is in the middle. */
function fitFont(context: OffscreenCanvasRenderingContext2D, face: string): readonly [number, number] {
  const measure = (size: number) => {
    context.font = `${size}px "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif`;
    const box = context.measureText(face);
    return {
      width: box.actualBoundingBoxLeft + box.actualBoundingBoxRight,
      height: box.actualBoundingBoxAscent + box.actualBoundingBoxDescent,
      left: box.actualBoundingBoxLeft,
      ascent: box.actualBoundingBoxAscent,
    };
  };
  const before = measure(DRAWN);
  const { width, height, left, ascent } = measure(
    (DRAWN * EXTENT) / Math.max(before.width, before.height, 1),
  );
  return [(DRAWN - width) / 2 + left, (DRAWN - height) / 2 + ascent];
}

const isWhite = ({ rgba }: Small) => rgba.every((value) => value >= 255 - NOISE);
const keyOf = ({ rgba }: Small) => rgba.join();
